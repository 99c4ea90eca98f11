#include "support/unit.h"

#include <string.h>

#include "base/api_error.h"
#include "base/memory.h"

static void it_is_filled_and_replaced(void **state) {
    (void)state;
    API_ERROR_SCOPED struct api_error error = {0};
    assert_string_equal(api_error_message(&error), "");
    assert_false(api_error_set(&error, "InvalidArn", 400, "Invalid Arn: '%s'", "arn:x"));
    assert_string_equal(error.type, "InvalidArn");
    assert_int_equal(error.status, 400);
    assert_string_equal(error.message, "Invalid Arn: 'arn:x'");
    assert_false(api_error_reason(&error, "WHY"));
    assert_string_equal(error.reason, "WHY");
    assert_false(api_error_set(&error, "Other", 500, "was: %s", error.message));
    assert_string_equal(error.message, "was: Invalid Arn: 'arn:x'");
    assert_string_equal(error.reason, "");
    assert_false(api_error_set(NULL, "Other", 500, "nobody asks"));
}

static void a_copy_has_its_own_message(void **state) {
    (void)state;
    API_ERROR_SCOPED struct api_error error = {0};
    API_ERROR_SCOPED struct api_error copy = {0};
    api_error_set(&error, "A", 400, "one");
    api_error_set(&copy, "B", 500, "two");
    assert_false(api_error_copy(&copy, &error));
    assert_ptr_not_equal(copy.message, error.message);
    api_error_close(&error);
    assert_null(error.message);
    assert_string_equal(copy.type, "A");
    assert_string_equal(copy.message, "one");
    api_error_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_filled_and_replaced),
        cmocka_unit_test(a_copy_has_its_own_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
