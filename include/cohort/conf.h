/* The configuration language, for those who give it directives. */
#ifndef COHORT_CONF_H
#define COHORT_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cohort/str.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/*
 * A directive is a row of a table that stands in the file that uses it, and
 * only adapts a C function. A module is such a table with the settings that
 * its directives fill in.
 *
 * How a block is applied. A block starts with its parent's settings, shared
 * until the block sets something of the same module, then copied. Then
 *
 * 1. set() of each of its directives runs, in file order, that of the blocks
 *    inside it too (so all servers and upstreams of a block are known before
 *    anything inside one of them is set);
 * 2. finish() of each module of whose settings this block has a copy of its
 *    own runs, in running order;
 * 3. the blocks inside are applied in the same way, in file order;
 * 4. close() of the directive that opened the block runs.
 *
 * There are no "unset" values and no merging.
 *
 * After an error everything goes on, to find the others, but finish() is left
 * out for the block and what is inside it, close() also for what is around it,
 * and the inside of a block whose set() failed is checked without set(). After
 * an error of syntax no finish() and no close() runs.
 */
struct cohort_conf;
struct cohort_module;

/* Where a directive may stand. */
enum cohort_conf_context {
    COHORT_IN_MAIN = 1 << 0,
    COHORT_IN_EVENTS = 1 << 1,
    COHORT_IN_HTTP = 1 << 2,
    COHORT_IN_SERVER = 1 << 3,
    COHORT_IN_LOCATION = 1 << 4,
    COHORT_IN_IF = 1 << 5, /* in a location */
    COHORT_IN_SERVER_IF = 1 << 6,
    COHORT_IN_LIMIT_EXCEPT = 1 << 7,
    COHORT_IN_UPSTREAM = 1 << 8,
    COHORT_IN_WORKER_GROUP = 1 << 9,
};

enum cohort_conf_kind {
    COHORT_KIND_ONCE,  /* a second one in the same block is an error */
    COHORT_KIND_ARRAY, /* gathers; the first in a block zeroes .field, so clears
                          what was inherited */
    COHORT_KIND_ADD,   /* gathers on top of everything */
};

enum cohort_conf_inherit {
    COHORT_INHERIT_DOWN,
    COHORT_INHERIT_NEVER, /* the field is zeroed where a child block starts */
};

/* When its value is read. One that stands in a location or an if, but is read
   when a connection's server is chosen, is an error at load. */
enum cohort_conf_read_at {
    COHORT_READ_LOAD,     /* while the configuration is read, anywhere */
    COHORT_READ_ACCEPT,   /* of the address's default server */
    COHORT_READ_SNI,      /* of the server that TLS names */
    COHORT_READ_HOST,     /* of the server that Host names */
    COHORT_READ_LOCATION, /* of the location */
};

#define COHORT_ARGS_ANY 255

/* The member of the module's settings that a directive fills in. */
struct cohort_conf_field {
    size_t offset; /* bytes */
    size_t size;   /* bytes; 0: the directive has no member (block, object) */
};
#define COHORT_FIELD(type, member)                                             \
    {                                                                          \
        offsetof(type, member), sizeof(((type *)0)->member)                    \
    }

/* A word that a directive of fixed choices takes; ends with {NULL, 0}. */
struct cohort_conf_choice {
    const char *name;
    int value;
};

struct cohort_directive {
    const char *name;
    const char *usage;         /* arguments as documented: "code [text]"; NULL:
                                  none. Braces only where they show more than
                                  that it is a block. */
    const char *help;          /* one sentence; NULL if it has no effect */
    const char *default_value; /* as documented; NULL: none */
    unsigned where;            /* COHORT_IN_... */
    struct {
        unsigned char min; /* arguments after the name */
        unsigned char max; /* COHORT_ARGS_ANY: no limit */
    } args;
    enum cohort_conf_kind kind;
    enum cohort_conf_inherit inherit;
    enum cohort_conf_read_at read_at;
    struct cohort_conf_field field;
    const struct cohort_conf_choice *choices; /* for cohort_conf_set_choice */
    uint64_t limit_min; /* for numbers, sizes (bytes) and times (ms) */
    uint64_t limit_max; /* 0: no upper limit */
    bool has_no_effect; /* accepted for nginx's sake, syntax checked; -h says
                           so */
    /*
     * Blocks only: the context of what stands inside (one COHORT_IN_...), or 0.
     * A block whose content is not directives (types, map) has is_raw: set()
     * reads it with cohort_conf_raw_*.
     */
    unsigned block;
    bool is_raw;
    /*
     * The directive is met. conf stands in the block where the directive
     * stands, also for a block directive, which is called before anything
     * inside it and may give the new block an object with
     * cohort_conf_set_object(). NULL: nothing to do.
     *
     * settings  That block's own copy of the module's settings; NULL where they
     *           do not exist (main, for a module of http).
     * Returns   0, or -errno after cohort_conf_error().
     */
    int (*set)(struct cohort_conf *conf, void *settings);
    /*
     * Blocks only, not raw ones: everything inside has been applied. conf
     * stands in the block that ends: settings are its, final, and perhaps
     * shared with the block around it, so not to be written.
     */
    int (*close)(struct cohort_conf *conf, const void *settings);
};

#define COHORT_MODULE_API 1

struct cohort_module {
    unsigned api;                              /* COHORT_MODULE_API */
    const char *name;                          /* "static" */
    const struct cohort_directive *directives; /* ends with name == NULL */
    size_t settings_size;                      /* bytes; 0: none */
    unsigned settings_in; /* COHORT_IN_MAIN or COHORT_IN_HTTP: where settings
                             of this module start to exist */
    /* The defaults, in zeroed memory; NULL: all zero. */
    void (*init)(void *settings);
    /*
     * A block's own directives are set: derive what depends on other values,
     * check what must fit together. Runs where the block has its own copy: in
     * the outermost, where it set something of this module, and where a field
     * that is never inherited was zeroed. parent: the enclosing block's
     * settings (NULL in the outermost). 0, or -errno after cohort_conf_error().
     */
    int (*finish)(struct cohort_conf *conf, void *settings, const void *parent);
    /* For other registries: the HTTP service finds its hooks here
       (struct cohort_http_module of <cohort/module/phase.h>); NULL: none. */
    const void *hooks;
    size_t index; /* given at load: the place of its settings */
};

/* --- inside set(), finish() and close() ----------------------------------- */

/* The directive's arguments, quotes and escapes resolved; NUL-terminated, live
   as long as the generation. cohort_conf_arg(conf, 0) is the first argument
   after the name. Variables ("$x") are still in them. */
size_t cohort_conf_arg_count(const struct cohort_conf *conf);

/* "" where there is no such argument. In finish() and close(): the words of the
   directive that opened the block. */
struct cohort_str cohort_conf_arg(const struct cohort_conf *conf, size_t index);

/* Is there an argument of that index, and is it exactly text? */
bool cohort_conf_arg_is(
    const struct cohort_conf *conf, size_t index, const char *text);

/* The name the directive was given with. */
struct cohort_str cohort_conf_name(const struct cohort_conf *conf);

/* The row of the directive being set; NULL in finish() of the main context. */
const struct cohort_directive *cohort_conf_directive(
    const struct cohort_conf *conf);

/*
 * An error, which makes the load fail; all errors of a run are told. The first
 * line says what is wrong (in nginx's words where it has some) and is continued
 * with " in FILE:LINE:COLUMN"; the source line with a caret follows; then
 * further lines of the text, if it has any: how to mend it. Control characters
 * are shown as \xHH. Always -EINVAL.
 *
 *     cohort_conf_error(conf, "duplicate listen %s\nremove one of them", text)
 *
 * cohort_conf_error      The caret is at the directive (in finish and close: at
 *                        the one that opened the block).
 * cohort_conf_error_at   At its argument of that index, from 0.
 * cohort_conf_error_for  At the last directive of that name in this block; for
 *                        finish().
 */
int cohort_conf_error(struct cohort_conf *conf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int cohort_conf_error_at(
    struct cohort_conf *conf, size_t arg, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int cohort_conf_error_for(
    struct cohort_conf *conf, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same form, but the load goes on. */
void cohort_conf_warn(struct cohort_conf *conf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Zeroed memory that lives as long as the generation. Never NULL. */
void *cohort_conf_alloc(struct cohort_conf *conf, size_t size);

/*
 * Add an item of item_size bytes to an array in the settings, safely for the
 * blocks that share it: what was inherited is copied before it changes.
 *
 * items    The address of the pointer to the array, whatever its type; nothing
 *          is read there while *count is 0. Made by this function alone.
 * count    Stands with items in one struct that is the directive's .field, so
 *          that both are zeroed where the array starts anew.
 * Returns  The new item, zeroed, the last of *items; *count has grown.
 */
void *cohort_conf_append(
    struct cohort_conf *conf, void **items, size_t *count, size_t item_size);

/* Has this block (not one around it) set the directive of that name? */
bool cohort_conf_is_set(const struct cohort_conf *conf, const char *name);

/* Which block we are in: one COHORT_IN_... In set(): where the directive
   stands. */
unsigned cohort_conf_context(const struct cohort_conf *conf);

/*
 * Objects of blocks: a block directive's set() may attach one; it is found from
 * everything inside and from close(), by the context of the block that it
 * belongs to, innermost first. NULL if no block around has one. (So set() of a
 * location inside a location gets the outer one.)
 */
void cohort_conf_set_object(struct cohort_conf *conf, void *object);
void *cohort_conf_object(
    const struct cohort_conf *conf, enum cohort_conf_context context);

/*
 * The settings of all modules in this block, by module->index: what a location
 * keeps. In close(): final. Lives as long as the generation.
 */
void *const *cohort_conf_settings(const struct cohort_conf *conf);

/* The settings of one module in this block, read-only. */
const void *cohort_conf_settings_of(
    const struct cohort_conf *conf, const struct cohort_module *module);

/* A path relative to the prefix (-p), or to the folder of the configuration
   file (without one: the prefix too). NUL-terminated. One that is absolute or
   starts with a variable stays as it is. */
struct cohort_str cohort_conf_prefix_path(
    struct cohort_conf *conf, struct cohort_str path);
struct cohort_str cohort_conf_file_path(
    struct cohort_conf *conf, struct cohort_str path);

/* Rows of a raw block (types, map): calls row(conf, user) for each; inside,
   cohort_conf_name() and cohort_conf_arg() are the row's words (the name may be
   empty). Goes on after an error, to find the others, and returns the first
   negative result. */
int cohort_conf_raw_each(
    struct cohort_conf *conf, int (*row)(struct cohort_conf *conf, void *user),
    void *user);

/* --- ready-made set() functions, for directives with .field --------------- */

/* They read the first argument; limit_min and limit_max hold for the value. */

/* A bool, from "on" or "off". */
int cohort_conf_set_flag(struct cohort_conf *conf, void *settings);
/* A uint32_t or uint64_t (the field's size decides): a number, bytes,
   milliseconds. */
int cohort_conf_set_number(struct cohort_conf *conf, void *settings);
int cohort_conf_set_size(struct cohort_conf *conf, void *settings);
int cohort_conf_set_time_ms(struct cohort_conf *conf, void *settings);
/* A struct cohort_str; a path is made relative to the prefix. */
int cohort_conf_set_str(struct cohort_conf *conf, void *settings);
int cohort_conf_set_path(struct cohort_conf *conf, void *settings);
/* An int, from .choices, in either case. */
int cohort_conf_set_choice(struct cohort_conf *conf, void *settings);
/* Checks the number of arguments only: for .has_no_effect. */
int cohort_conf_set_nothing(struct cohort_conf *conf, void *settings);

/* --- values --------------------------------------------------------------- */

/* "8k" "1m" "2g" (g only with is_offset; either case), plain bytes without a
   letter: 0, -EINVAL, -ERANGE. */
int cohort_parse_size(struct cohort_str text, bool is_offset, uint64_t *bytes);
/* "30" (seconds) "500ms" "1h30m" "2d", the units y M (30 days) w d h m s ms,
   larger ones first: 0, -EINVAL, -ERANGE. */
int cohort_parse_time_ms(struct cohort_str text, uint64_t *ms);
/* Decimal digits alone: 0, -EINVAL, -ERANGE above max. */
int cohort_parse_number(struct cohort_str text, uint64_t max, uint64_t *value);
/* "on", "off" in either case: 0, -EINVAL. */
int cohort_parse_flag(struct cohort_str text, bool *value);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
