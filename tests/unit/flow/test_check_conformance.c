/* The checker against what the real service said: every recorded diagnostic to the letter, and no fault in what the
 * service accepted. The recordings are read from SHARED_DIR. */
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/definition.h"
#include "support/unit.h"

typedef void check_row(struct arena *arena, const json_t *row, const char *id);

/* The rows of a file, one by one. The number of those that were checked. */
static size_t each_row(const char *name, check_row *check) {
    ARENA_OWNED struct arena *arena = arena_open();
    const char *shared = getenv("SHARED_DIR");
    char *text = NULL;
    size_t length = 0, count = 0;
    const char *path = arena_format(arena, "%s/conformance/%s", shared ? shared : ".", name);
    if (!file_read(arena, path, LIMIT_JSON_BYTES, &text, &length, NULL)) {
        print_message("skipped: the recordings are not at %s\n", path);
        skip();
    }
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        struct error err = {0};
        if (!*line)
            continue;
        JSON_OWNED json_t *row = json_parse(line, strlen(line), &err);
        if (!row)
            fail_msg("%s, row %zu: %s", name, count + 1, err.message);
        check(arena, row, json_get_text(row, "id", "?"));
        count++;
    }
    print_message("%s: %zu rows\n", name, count);
    return count;
}

/* A definition as text: the recordings have it as a value where it is JSON. */
static const char *definition_text(struct arena *arena, const json_t *definition) {
    if (json_is_string(definition))
        return json_string_value(definition);
    TEXT_OWNED char *text = json_text(definition, 0);
    return arena_text(arena, text);
}

static struct diagnostics *check(struct arena *arena, const json_t *definition,
                                 const struct definition_settings *settings) {
    struct diagnostics *diagnostics = diagnostics_open();
    const char *text = definition_text(arena, definition);
    struct machine *machine = machine_compile(text, strlen(text), settings, diagnostics);
    assert_true((machine != NULL) == (diagnostics->errors == 0));
    machine_close(machine);
    return diagnostics;
}

/* ---- ValidateStateMachineDefinition ---- */

static json_t *as_recorded(const struct diagnostics *diagnostics) {
    json_t *list = json_array();
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *item = &diagnostics->items[i];
        json_t *made = json_pack("{s:s, s:s, s:s}", "code", item->code, "message", item->message, "severity",
                                 item->severity == DIAGNOSTIC_ERROR ? "ERROR" : "WARNING");
        if (item->location)
            json_object_set_new(made, "location", json_string(item->location));
        json_array_append_new(list, made);
    }
    return list;
}

static void check_validation(struct arena *arena, const json_t *row, const char *id) {
    const json_t *request = json_object_get(row, "request"), *response = json_object_get(row, "response");
    struct definition_settings settings = {.express = text_equal(json_get_text(request, "type", ""), "EXPRESS")};
    struct diagnostics *diagnostics = check(arena, json_object_get(request, "definition"), &settings);
    JSON_OWNED json_t *found = as_recorded(diagnostics);
    diagnostics_close(diagnostics);
    TEXT_OWNED char *text = json_text(found, 0);
    TEXT_OWNED char *expected = json_text(json_object_get(response, "diagnostics"), 0);
    if (!json_equal(found, json_object_get(response, "diagnostics")))
        fail_msg("%s\n  says %s\n  not  %s", id, text, expected);
}

static void test_validations(void **state) {
    (void)state;
    assert_int_equal(each_row("asl-validate.jsonl", check_validation), 8);
}

/* ---- what creation refused ---- */

/* What stands between the apostrophes of "Invalid State Machine Definition: '...'"; NULL: another error. */
static const char *refusal(struct arena *arena, const json_t *response) {
    const char *message = json_get_text(response, "message", json_get_text(response, "exception_value", ""));
    const char *start = strstr(message, "Invalid State Machine Definition: '");
    if (!start)
        return NULL;
    start += strlen("Invalid State Machine Definition: '");
    return arena_text_part(arena, start, strlen(start) - 1);
}

/* The recordings hide the partition of ARNs. */
static const char *hide_partition(struct arena *arena, const char *text) {
    const char *found = strstr(text, "arn:aws:");
    return found ? arena_format(arena, "%.*sarn:<partition>:%s", (int)(found - text), text, found + 8) : text;
}

static size_t refused;

static void check_refusal(struct arena *arena, const json_t *row, const char *id) {
    const json_t *request = json_object_get(row, "request");
    const char *expected =
        json_is_object(json_object_get(row, "response")) ? refusal(arena, json_object_get(row, "response")) : NULL;
    struct definition_settings settings = {.express = text_equal(json_get_text(request, "type", ""), "EXPRESS")};
    if (!expected)
        return;
    struct diagnostics *diagnostics = check(arena, json_object_get(request, "definition"), &settings);
    const char *found = hide_partition(arena, diagnostics_line(diagnostics, arena));
    diagnostics_close(diagnostics);
    if (strcmp(found, expected) != 0)
        fail_msg("%s\n  says %s\n  not  %s", id, found, expected);
    refused++;
}

static void test_refusals(void **state) {
    (void)state;
    refused = 0;
    each_row("asl-createfail.jsonl", check_refusal);
    assert_int_equal(refused, 6);
}

/* ---- what it accepted ---- */

static size_t accepted, later;

static bool is_json(const json_t *definition) {
    return json_is_object(definition);
}

static void check_accepted(struct arena *arena, const json_t *definition, const struct definition_settings *settings,
                           const char *id) {
    struct diagnostics *diagnostics = check(arena, definition, settings);
    bool is_later = false;
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *item = &diagnostics->items[i];
        if (item->severity == DIAGNOSTIC_WARNING)
            continue;
        is_later = strcmp(item->message, "QueryLanguage 'JSONata' is not supported yet") == 0;
        if (!is_later)
            fail_msg("%s: %s at %s (%s)", id, item->message, item->location, item->detail ? item->detail : "");
        assert_true(item->line > 0 && item->column > 0);
    }
    TEXT_OWNED char *text = json_text(definition, 0);
    assert_true(is_later == (strstr(text, "\"QueryLanguage\":\"JSONata\"") != NULL));
    accepted += !is_later;
    later += is_later;
    diagnostics_close(diagnostics);
}

static void check_execution(struct arena *arena, const json_t *row, const char *id) {
    struct definition_settings settings = {.express = text_equal(json_get_text(row, "type", ""), "EXPRESS")};
    assert_true(is_json(json_object_get(row, "definition")));
    check_accepted(arena, json_object_get(row, "definition"), &settings, id);
}

static void test_executions(void **state) {
    (void)state;
    accepted = later = 0;
    each_row("asl-exec.jsonl", check_execution);
    each_row("asl-choice.jsonl", check_execution);
    print_message("%zu compile, %zu wait for JSONata\n", accepted, later);
    assert_true(accepted > 300 && later > 50);
}

/* ---- TestState: single states, and whole machines ---- */

static void check_teststate(struct arena *arena, const json_t *row, const char *id) {
    const json_t *definition = json_object_get(json_object_get(row, "request"), "definition");
    struct definition_settings settings = {.single_state = !json_object_get(definition, "States")};
    const char *expected = refusal(arena, json_object_get(row, "response"));
    if (!expected) {
        check_accepted(arena, definition, &settings, id);
        return;
    }
    struct diagnostics *diagnostics = check(arena, definition, &settings);
    assert_string_equal(diagnostics_line(diagnostics, arena), expected);
    diagnostics_close(diagnostics);
    refused++;
}

static void test_teststates(void **state) {
    (void)state;
    accepted = later = refused = 0;
    each_row("asl-teststate.jsonl", check_teststate);
    print_message("%zu compile, %zu wait for JSONata\n", accepted, later);
    assert_int_equal(refused, 1);
    assert_true(accepted > 45);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_validations),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_executions),
        cmocka_unit_test(test_teststates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
