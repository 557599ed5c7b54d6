/* llhttp in the build that this machine runs best. */
#ifndef COH_HTTP_H1_PARSER_H
#define COH_HTTP_H1_PARSER_H

#include <stdbool.h>

#include <llhttp.h>

/* As llhttp_execute(), up to end. */
extern int (*coh_h1_execute)(llhttp_t *parser, const char *at, const char *end);

/* Choose. is_plain: what every machine can run (for tests). */
void coh_h1_parser_init(bool is_plain);

#endif
