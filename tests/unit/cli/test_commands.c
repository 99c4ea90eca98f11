/* The tables of commands and options agree with each other, and every option can be set and read back. */
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"

static bool row_is_there(const char *name, size_t length) {
    size_t count = 0;
    const struct option_row *rows = option_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (strlen(rows[i].name) == length && strncmp(rows[i].name, name, length) == 0)
            return true;
    }
    return false;
}

/* Every option that a command names is in the table, and every row of the table belongs to some command. */
static void tables_agree(void **state) {
    (void)state;
    size_t command_count = 0;
    const struct command *commands = command_table(&command_count);
    assert_true(command_count > 10);
    for (size_t i = 0; i < command_count; i++) {
        for (const char *at = commands[i].options; *at && *at != '*';) {
            size_t size = strcspn(at, " ");
            if (!row_is_there(at, size))
                fail_msg("%s %s names no option: %.20s", commands[i].noun, commands[i].verb, at);
            at += size + (at[size] == ' ');
        }
        assert_true(commands[i].hidden || *commands[i].example);
        assert_true(commands[i].least_words <= commands[i].most_words);
    }
    size_t row_count = 0;
    const struct option_row *rows = option_table(&row_count);
    for (size_t i = 0; i < row_count; i++) {
        bool used = false;
        for (size_t j = 0; j < command_count && !used; j++)
            used = strcmp(commands[j].options, "*") != 0 && command_takes(&commands[j], &rows[i]);
        if (!used)
            fail_msg("no command takes %s", rows[i].name);
    }
}

/* A value that the row takes and that is not its default. */
static const char *another_value(const struct option_row *row, char *buffer, size_t size) {
    switch (row->type) {
    case OPTION_BOOL:
        return strcmp(row->otherwise, "true") == 0 ? "false" : "true";
    case OPTION_CHOICE: {
        size_t first = strcspn(row->choices, "|");
        bool is_default =
            row->otherwise && strlen(row->otherwise) == first && strncmp(row->otherwise, row->choices, first) == 0;
        const char *from = is_default ? row->choices + first + 1 : row->choices;
        snprintf(buffer, size, "%.*s", (int)strcspn(from, "|"), from);
        return buffer;
    }
    case OPTION_INTEGER:
        snprintf(buffer, size, "%lld", (long long)(row->most > row->least ? row->most : 7));
        return buffer;
    case OPTION_SIZE:
        snprintf(buffer, size, "%lld", (long long)(row->least > 65536 ? row->least : 65536) + 1);
        return buffer;
    case OPTION_DURATION:
        snprintf(buffer, size, "%lldms", (long long)(row->least > 45000 ? row->least : 45000) + 1);
        return buffer;
    default:
        return "some-value";
    }
}

/* get, set, get over the whole table. */
static void every_option_can_be_set(void **state) {
    (void)state;
    size_t count = 0;
    const struct option_row *rows = option_table(&count);
    struct error err = {0};
    struct options *options = options_open(rows, count, &err);
    assert_non_null(options);
    for (size_t i = 0; i < count; i++) {
        char buffer[64];
        const char *value = another_value(&rows[i], buffer, sizeof(buffer));
        assert_string_equal(options_origin(options, rows[i].name), "default");
        if (!options_set(options, rows[i].name, value, ORIGIN_FLAG, "flag", &err))
            fail_msg("%s: %s", rows[i].name, err.message);
        assert_string_equal(options_text(options, rows[i].name), value);
        assert_true(options_is_set(options, rows[i].name));
        assert_string_equal(options_origin(options, rows[i].name), "flag");
    }
    options_close(options);
}

static int call(const char *words) {
    TEXT_OWNED char *copy = memory_text(words);
    char *argv[16] = {(char *)"tidemill"};
    int argc = 1;
    char *rest = NULL;
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    return command_main(argc, argv, NULL);
}

static void exit_statuses(void **state) {
    (void)state;
    assert_int_equal(call("--version"), 0);
    assert_int_equal(call("version"), 0);
    assert_int_equal(call("--help"), 0);
    assert_int_equal(call("podcast --help"), 0);
    assert_int_equal(call(""), 2);
    assert_int_equal(call("podcast"), 2);
    assert_int_equal(call("podkast run"), 2);
    assert_int_equal(call("podcast rn"), 2);
    assert_int_equal(call("podcast run --job 2"), 2);
    assert_int_equal(call("podcast run surplus"), 2);
    assert_int_equal(call("podcast add"), 2);
    assert_int_equal(call("completion tcsh"), 2);
    assert_int_equal(call("config no.such.thing --data /nonexistent"), 2);
    assert_int_equal(call("podcast run --config /nonexistent/t.yaml"), 3);
}

/* Help and completions print the verbs of a noun together. */
static void verbs_of_a_noun_are_together(void **state) {
    (void)state;
    size_t count = 0;
    const struct command *commands = command_table(&count);
    for (size_t i = 1; i < count; i++) {
        for (size_t j = 0; j + 1 < i && strcmp(commands[i].noun, commands[i - 1].noun) != 0; j++)
            assert_string_not_equal(commands[i].noun, commands[j].noun);
    }
}

static void every_command_has_help(void **state) {
    (void)state;
    size_t count = 0;
    const struct command *commands = command_table(&count);
    for (size_t i = 0; i < count; i++) {
        char words[128];
        snprintf(words, sizeof(words), "%s %s --help", commands[i].noun, commands[i].verb ? commands[i].verb : "");
        assert_int_equal(call(words), 0);
    }
}

static void manual_and_completions_print(void **state) {
    (void)state;
    assert_int_equal(call("manual"), 0);
    assert_int_equal(call("completion bash"), 0);
    assert_int_equal(call("completion zsh"), 0);
    assert_int_equal(call("completion fish"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_agree),           cmocka_unit_test(every_option_can_be_set),
        cmocka_unit_test(exit_statuses),          cmocka_unit_test(verbs_of_a_noun_are_together),
        cmocka_unit_test(every_command_has_help), cmocka_unit_test(manual_and_completions_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
