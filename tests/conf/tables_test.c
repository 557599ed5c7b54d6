/* The directive tables of the whole server: whole and without contradictions.
 */
#include "tests/core/test.h"

#include <stdio.h>
#include <string.h>

#include <cohort/conf.h>

#include "http/registry.h"
#include "server/process/settings.h"

#define LOCATIONS (COHORT_IN_LOCATION | COHORT_IN_IF | COHORT_IN_LIMIT_EXCEPT)

static unsigned wrong_count;

static void
check(
    bool is_right, const struct cohort_module *module,
    const struct cohort_directive *row, const char *rule)
{
    if (!is_right) {
        print_error("%s: %s: %s\n", module->name, row->name, rule);
        wrong_count++;
    }
}

static bool
is_block(const struct cohort_directive *row)
{
    return row->block != 0 || row->is_raw;
}

/* What the ready-made functions store, by the size of its type. */
static bool
has_fitting_field(const struct cohort_directive *row)
{
    size_t size = row->field.size;

    if (row->set == cohort_conf_set_flag) {
        return size == sizeof(bool);
    }
    if (row->set == cohort_conf_set_choice) {
        return size == sizeof(int) && row->choices != NULL;
    }
    if (row->set == cohort_conf_set_str || row->set == cohort_conf_set_path) {
        return size == sizeof(struct cohort_str);
    }
    if (row->set == cohort_conf_set_number ||
        row->set == cohort_conf_set_size ||
        row->set == cohort_conf_set_time_ms) {
        return size == sizeof(uint32_t) || size == sizeof(uint64_t);
    }
    return true;
}

static void
check_row(
    const struct cohort_module *module, const struct cohort_directive *row)
{
    bool is_late = (row->where & LOCATIONS) != 0;
    bool must_clear =
        row->kind == COHORT_KIND_ARRAY || row->inherit == COHORT_INHERIT_NEVER;

    check(row->where != 0, module, row, "is allowed nowhere");
    check(row->help != NULL || row->has_no_effect, module, row, "says nothing");
    check(
        row->help == NULL || row->help[strlen(row->help) - 1] == '.', module,
        row, "help is no sentence");
    check(
        row->args.min <= row->args.max || row->args.max == COHORT_ARGS_ANY,
        module, row, "takes fewer arguments at most than at least");
    check(
        row->args.max == 0 || row->usage != NULL, module, row,
        "does not say what its arguments are");
    check(row->set != NULL || is_block(row), module, row, "does nothing");
    check(
        row->close == NULL || row->block != 0, module, row,
        "closes what is no block");
    check(
        row->field.offset + row->field.size <= module->settings_size, module,
        row, "has a field outside of the settings");
    check(
        !must_clear || row->field.size > 0, module, row,
        "is not inherited, but has no field to clear");
    check(
        !is_late || row->read_at == COHORT_READ_LOAD ||
            row->read_at == COHORT_READ_LOCATION,
        module, row, "stands in locations, but is read before");
    check(
        row->limit_max == 0 || row->limit_min <= row->limit_max, module, row,
        "has limits that nothing fits");
    check(
        has_fitting_field(row), module, row,
        "has a field of the wrong type for its function");
}

static void
check_module(const struct cohort_module *module)
{
    const struct cohort_directive *row = module->directives;

    assert_int_equal(module->api, COHORT_MODULE_API);
    assert_true(module->name != NULL && module->name[0] != '\0');
    assert_true(
        module->settings_size == 0 || module->settings_in == COHORT_IN_MAIN ||
        module->settings_in == COHORT_IN_HTTP);
    for (; row != NULL && row->name != NULL; row++) {
        check_row(module, row);
    }
}

static void
test_tables(void **state)
{
    (void)state;
    check_module(&coh_settings_module);
    for (size_t i = 0; coh_http_modules[i] != NULL; i++) {
        check_module(coh_http_modules[i]);
    }
    assert_int_equal(wrong_count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
