/* Two throw-away modules that write down what happens to them, and a loader
   that keeps what was told. */
#ifndef COH_TESTS_CONF_TOY_H
#define COH_TESTS_CONF_TOY_H

#include <cohort/conf.h>

#include "conf/apply.h"

/* Starts in main. */
struct toy_base {
    bool flag;         /* flag, once */
    uint32_t number;   /* number, 1 to 10 */
    uint64_t big;      /* big, at least 5 */
    uint64_t size;     /* size */
    uint64_t time_ms;  /* time */
    uint32_t short_ms; /* short */
    struct cohort_str text;
    struct cohort_str path;
    int mode; /* mode: slow, fast */
    struct {
        struct cohort_str *items;
        size_t count;
    } list; /* list, array; more, array, the same member */
    struct {
        struct cohort_str *items;
        size_t count;
    } sum;                 /* sum, add */
    struct cohort_str own; /* own, never inherited */
    uint32_t finish_count; /* how often finish() made this one out of another */
    uint32_t derived;      /* number doubled, by finish() */
};

/* Starts in http. */
struct toy_web {
    bool is_ready; /* by init */
    struct cohort_str name;
    uint32_t row_count; /* of types */
    struct cohort_str last_row;
};

/* What a block carries: its name and the outer block of the same kind. */
struct toy_block {
    const char *name;
    struct toy_block *outer;
};

extern struct cohort_module toy_base;
extern struct cohort_module toy_web;
extern struct cohort_module *const toy_modules[];

/* What the modules wrote down, and the messages, each ended by a newline. */
extern char toy_log[4096];
extern char toy_told[65536];

/* Of the run before; free it with toy_free. */
extern struct coh_conf toy_conf;

/* Load text as the embedded configuration "toy", with prefix "/prefix". */
int toy_load(const char *text);

/* Load a file, with -g text (NULL: none). */
int toy_load_file(const char *file, const char *globals);

void toy_free(void);

/* The settings of main. */
const struct toy_base *toy_main(void);

/* A folder of its own for a test's files, and files in it; removed by
   toy_remove_folder. */
const char *toy_make_folder(void);
const char *toy_write(const char *name, const char *text);
void toy_remove_folder(void);

#endif
