/* cmocka, with the headers that it wants to be included before it. */
#ifndef TIDEMILL_TESTS_SUPPORT_UNIT_H
#define TIDEMILL_TESTS_SUPPORT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
