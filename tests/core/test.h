/* cmocka with the headers that it forgets to ask for. */
#ifndef COH_TESTS_CORE_TEST_H
#define COH_TESTS_CORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
