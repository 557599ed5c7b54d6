/* llhttp in the build that this machine runs best: its state machine is
   compiled twice on x86-64, the second time with SSE 4.2, which looks at
   sixteen bytes of a field's value at once (a browser's head costs two fifths
   less). */
#include "http/h1_parser.h"

int (*coh_h1_execute)(llhttp_t *parser, const char *at, const char *end) =
    llhttp__internal_execute;

#ifdef __x86_64__
int coh_llhttp_execute_sse42(llhttp_t *parser, const char *at, const char *end);

void
coh_h1_parser_init(bool is_plain)
{
    bool has_sse42;

    __builtin_cpu_init();
    has_sse42 = __builtin_cpu_supports("sse4.2") != 0;
    coh_h1_execute = has_sse42 && !is_plain ? coh_llhttp_execute_sse42
                                            : llhttp__internal_execute;
}
#else
void
coh_h1_parser_init(bool is_plain)
{
    (void)is_plain;
}
#endif
