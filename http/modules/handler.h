/* handler: functions of a program that answer requests. */
#ifndef COH_HTTP_MODULES_HANDLER_H
#define COH_HTTP_MODULES_HANDLER_H

#include <stddef.h>

#include <cohort/http.h>

struct coh_handler {
    cohort_handler call;
    void *user;
};

/* The program's handlers: "handler N" in its configuration means the one at
   index N. The array stays the caller's and lives as long as the process. */
void coh_handlers_set(const struct coh_handler *handlers, size_t count);

extern struct cohort_module coh_handler_module;

#endif
