/* MockConfigFile.json: what is found for an attempt, and what is said of a wrong file. */
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/mock.h"

#define RESPONSES                                                                                                      \
    "\"MockedResponses\":{\"retry\":{\"0\":{\"Throw\":{\"Error\":\"E\",\"Cause\":\"C\"}},\"1-2\":{\"Return\":{\"n\":"  \
    "12}},\"3\":"                                                                                                      \
    "{\"Return\":null}},\"ok\":{\"0\":{\"Return\":\"fine\"}}}"
#define FILE_TEXT                                                                                                      \
    "{\"StateMachines\":{\"m\":{\"TestCases\":{\"path\":{\"A\":\"retry\",\"B\":\"ok\"},\"other\":{}}}}," RESPONSES "}"

static struct mock_file *open_text(const char *text, struct error *err) {
    JSON_OWNED json_t *source = json_parse(text, strlen(text), err);
    assert_non_null(source);
    return mock_file_open(source, err);
}

static const char *text_of(const struct mock_file *mocks, const char *state, int64_t attempt) {
    static char text[128];
    const json_t *answer = NULL;
    if (!mock_find(mocks, "m", "path", state, attempt, &answer))
        return "none";
    char *made = json_text(answer, 0);
    snprintf(text, sizeof(text), "%s", made);
    free(made);
    return text;
}

static void answers_are_found_by_attempt(void **unused) {
    (void)unused;
    struct error err = {0};
    struct mock_file *mocks = open_text(FILE_TEXT, &err);
    assert_non_null(mocks);
    assert_string_equal(text_of(mocks, "A", 0), "{\"Throw\":{\"Error\":\"E\",\"Cause\":\"C\"}}");
    assert_string_equal(text_of(mocks, "A", 1), "{\"Return\":{\"n\":12}}");
    assert_string_equal(text_of(mocks, "A", 2), "{\"Return\":{\"n\":12}}");
    assert_string_equal(text_of(mocks, "A", 3), "{\"Return\":null}");
    assert_string_equal(
        text_of(mocks, "A", 4),
        "{\"Throw\":{\"Error\":\"States.Runtime\",\"Cause\":\"The mocked response has no answer for this attempt.\"}}");
    assert_string_equal(text_of(mocks, "B", 0), "{\"Return\":\"fine\"}");
    assert_string_equal(text_of(mocks, "C", 0), "none");
    const json_t *answer = NULL;
    assert_false(mock_find(mocks, "m", "none", "A", 0, &answer));
    assert_false(mock_find(mocks, "n", "path", "A", 0, &answer));
    assert_false(mock_find(mocks, "m", NULL, "A", 0, &answer));
    assert_false(mock_find(NULL, "m", "path", "A", 0, &answer));
    assert_true(mock_case_exists(mocks, "m", "other"));
    assert_false(mock_case_exists(mocks, "m", "none"));
    assert_false(mock_case_exists(NULL, "m", "path"));
    mock_file_close(mocks);
    mock_file_close(NULL);
}

static void wrong_files_are_named(void **unused) {
    (void)unused;
#define RESPONSE(text) "{\"StateMachines\":{},\"MockedResponses\":{\"r\":" text "}}"
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"[]", "mock file: the file must hold an object"},
        {"{}", "mock file: \"StateMachines\" is missing"},
        {"{\"StateMachines\":{}}", "mock file: \"MockedResponses\" is missing"},
        {"{\"StateMachines\":[],\"MockedResponses\":{}}", "mock file: \"StateMachines\" must be an object"},
        {"{\"StateMachines\":{\"m\":{}},\"MockedResponses\":{}}",
         "mock file: state machine \"m\": \"TestCases\" is missing"},
        {"{\"StateMachines\":{\"m\":{\"TestCases\":{\"c\":7}}},\"MockedResponses\":{}}",
         "mock file: state machine \"m\": test case \"c\": must be an object of states and the names of their "
         "responses"},
        {"{\"StateMachines\":{\"m\":{\"TestCases\":{\"c\":{\"S\":\"gone\"}}}},\"MockedResponses\":{}}",
         "mock file: state machine \"m\": test case \"c\": state \"S\" names the response \"gone\", which is not in "
         "\"MockedResponses\""},
        {RESPONSE("{}"), "mock file: response \"r\": must be an object with an answer for attempt \"0\" at least"},
        {RESPONSE("{\"x\":{\"Return\":1}}"), "mock file: response \"r\": \"x\" is no attempt; write \"0\" or \"1-2\""},
        {RESPONSE("{\"2-1\":{\"Return\":1}}"),
         "mock file: response \"r\": \"2-1\" is no attempt; write \"0\" or \"1-2\""},
        {RESPONSE("{\"1-\":{\"Return\":1}}"),
         "mock file: response \"r\": \"1-\" is no attempt; write \"0\" or \"1-2\""},
        {RESPONSE("{\"99999999999999999999999\":{\"Return\":1}}"),
         "mock file: response \"r\": \"99999999999999999999999\" is no attempt; write \"0\" or \"1-2\""},
        {RESPONSE("{\"0-2\":{\"Return\":1},\"2\":{\"Return\":1}}"),
         "mock file: response \"r\": \"0-2\" and \"2\" name the same attempt"},
        {RESPONSE("{\"0\":{\"Return\":1,\"Throw\":{\"Error\":\"E\"}}}"),
         "mock file: response \"r\": attempt \"0\": must have either \"Return\" or \"Throw\" and nothing else"},
        {RESPONSE("{\"0\":{\"Throw\":{\"Cause\":\"C\"}}}"),
         "mock file: response \"r\": attempt \"0\": \"Throw\" needs \"Error\""},
        {RESPONSE("{\"0\":{\"Throw\":{\"Error\":1}}}"),
         "mock file: response \"r\": attempt \"0\": \"Error\" of \"Throw\" must be a text"},
        {RESPONSE("{\"0\":{\"Throw\":{\"Error\":\"E\",\"Why\":\"\"}}}"),
         "mock file: response \"r\": attempt \"0\": \"Throw\" has \"Why\"; it may have \"Error\" and \"Cause\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error err = {0};
        assert_null(open_text(cases[i].text, &err));
        assert_int_equal(err.code, ERROR_INVALID);
        assert_string_equal(err.message, cases[i].message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_found_by_attempt),
        cmocka_unit_test(wrong_files_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
