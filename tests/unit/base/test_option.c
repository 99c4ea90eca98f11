/* The option table: parsing, origins, yaml, .env files, flags. */
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/option.h"
#include "support/scratch.h"

static const struct option_row rows[] = {
    {.name = "flag.bool", .flag = "dry-run", .letter = 'n', .type = OPTION_BOOL, .otherwise = "false", .help = "x"},
    {.name = "jobs",
     .flag = "jobs",
     .letter = 'j',
     .type = OPTION_INTEGER,
     .otherwise = "1",
     .least = 1,
     .most = 64,
     .environment = "T_JOBS",
     .help = "x"},
    {.name = "limits.size", .flag = "size", .type = OPTION_SIZE, .otherwise = "64m", .help = "x"},
    {.name = "limits.wait", .type = OPTION_DURATION, .otherwise = "500ms", .help = "x"},
    {.name = "provider",
     .flag = "provider",
     .type = OPTION_CHOICE,
     .otherwise = "whisper",
     .choices = "whisper|openai",
     .environment = "T_PROVIDER|OLD_PROVIDER",
     .help = "x"},
    {.name = "sites", .flag = "sites", .type = OPTION_LIST, .help = "x"},
    {.name = "secrets.key", .flag = "key", .type = OPTION_TEXT, .environment = "T_KEY", .secret = true, .help = "x"},
};

static bool all(void *to, const struct option_row *row) {
    (void)to;
    (void)row;
    return true;
}

static bool read_flags(struct options *options, const char *const *words, struct error *err, size_t *left) {
    char *argv[16] = {(char *)"tidemill"};
    int argc = 1;
    for (; words[argc - 1]; argc++)
        argv[argc] = memory_text(words[argc - 1]);
    char **rest = NULL;
    size_t count = 0;
    bool done = options_read_flags(options, argc, argv, all, NULL, &rest, &count, err);
    if (done && left)
        *left = count;
    if (done)
        free(rest);
    for (int i = 1; i < argc; i++)
        free(argv[i]);
    return done;
}

static struct options *open_options(void) {
    struct error err = {0};
    struct options *options = options_open(rows, ARRAY_LENGTH(rows), &err);
    assert_non_null(options);
    return options;
}

static void defaults_hold(void **state) {
    (void)state;
    struct options *options = open_options();
    assert_false(options_bool(options, "flag.bool"));
    assert_int_equal(options_integer(options, "limits.size"), 64 << 20);
    assert_int_equal(options_integer(options, "limits.wait"), 500);
    assert_string_equal(options_origin(options, "jobs"), "default");
    assert_false(options_is_set(options, "jobs"));
    assert_null(options_text(options, "sites"));
    options_close(options);
}

static void flags_are_read(void **state) {
    (void)state;
    struct options *options = open_options();
    struct error err = {0};
    size_t left = 0;
    const char *words[] = {"podcast", "-nj", NULL};
    assert_false(read_flags(options, words, &err, &left)); /* -j cannot be bundled: it takes a value */
    const char *good[] = {"podcast", "-n",      "-j", "7",  "--size=2k", "--sites",
                          "a,b",     "--sites", "c",  "--", "--key",     NULL};
    assert_true(read_flags(options, good, &err, &left));
    assert_int_equal(left, 2);
    assert_true(options_bool(options, "flag.bool"));
    assert_int_equal(options_integer(options, "jobs"), 7);
    assert_int_equal(options_integer(options, "limits.size"), 2048);
    size_t count = 0;
    const char *const *sites = options_list(options, "sites", &count);
    assert_int_equal(count, 3);
    assert_string_equal(sites[0], "a");
    assert_string_equal(sites[2], "c");
    const char *off[] = {"--no-dry-run", NULL};
    assert_true(read_flags(options, off, &err, NULL));
    assert_false(options_bool(options, "flag.bool"));
    options_close(options);
}

static void wrong_flags_suggest(void **state) {
    (void)state;
    struct options *options = open_options();
    struct error err = {0};
    const char *near[] = {"--provder", "openai", NULL};
    assert_false(read_flags(options, near, &err, NULL));
    assert_int_equal(err.code, ERROR_USAGE);
    assert_string_equal(err.hint, "did you mean --provider?");
    const char *choice[] = {"--provider", "replicate", NULL};
    assert_false(read_flags(options, choice, &err, NULL));
    assert_int_equal(err.code, ERROR_USAGE);
    const char *range[] = {"--jobs", "65", NULL};
    assert_false(read_flags(options, range, &err, NULL));
    assert_non_null(strstr(err.message, "outside 1 to 64"));
    const char *missing[] = {"--jobs", NULL};
    assert_false(read_flags(options, missing, &err, NULL));
    assert_int_equal(options_integer(options, "jobs"), 1);
    options_close(options);
}

static const char *fake_environment(const char *name) {
    if (strcmp(name, "OLD_PROVIDER") == 0)
        return "openai";
    return strcmp(name, "T_KEY") == 0 ? "very-secret-1" : strcmp(name, "T_JOBS") == 0 ? "9" : NULL;
}

static void write_file(const char *path, const char *text) {
    struct error err = {0};
    assert_true(file_write(path, text, strlen(text), 0644, &err));
}

/* Default < tidemill.yaml < .env file < environment < flag, in whatever order they are read. */
static void the_stronger_origin_wins(void **state) {
    (void)state;
    struct scratch *scratch = scratch_open();
    const char *yaml = scratch_path(scratch, "t.yaml");
    const char *env = scratch_path(scratch, ".env");
    write_file(yaml, "# mine\njobs: 3\nprovider: whisper\nlimits:\n  wait: 2m\nsites:\n  - x\n  - y\n");
    write_file(env, "# comment\nexport T_JOBS='4'\nT_PROVIDER=\"openai\"\nOTHER=1\n");
    struct options *options = open_options();
    struct error err = {0};
    const char *flags[] = {"--jobs=5", NULL};
    assert_true(read_flags(options, flags, &err, NULL));
    assert_true(options_read_environment(options, fake_environment, &err));
    assert_true(options_read_env_file(options, env, &err));
    assert_true(options_read_yaml(options, yaml, &err));
    assert_int_equal(options_integer(options, "jobs"), 5);
    assert_string_equal(options_origin(options, "jobs"), "flag --jobs");
    assert_string_equal(options_text(options, "provider"), "openai");
    assert_string_equal(options_origin(options, "provider"), "environment OLD_PROVIDER");
    assert_int_equal(options_integer(options, "limits.wait"), 120000);
    assert_non_null(strstr(options_origin(options, "limits.wait"), "t.yaml:5"));
    size_t count = 0;
    options_list(options, "sites", &count);
    assert_int_equal(count, 2);
    char line[] = "the key is very-secret-1.";
    assert_string_equal(redact_text(line), "the key is ***.");
    options_close(options);
    scratch_close(scratch);
}

static void yaml_faults_name_their_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"jobs: 1\nproviderr: x\n", ":2: unknown setting \"providerr\""},
        {"limits:\n  size: many\n", ":2: limits.size: \"many\" is not a size"},
        {"jobs: [1\n", ""},
        {"- a\n", ":1: a list is out of place"},
        {"jobs:\n  - {a: b}\n", ":2: a mapping is out of place"},
        {"just text\n", ":1: the file must be a mapping"},
    };
    struct scratch *scratch = scratch_open();
    const char *yaml = scratch_path(scratch, "t.yaml");
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct options *options = open_options();
        struct error err = {0};
        write_file(yaml, cases[i].text);
        assert_false(options_read_yaml(options, yaml, &err));
        assert_int_equal(err.code, ERROR_CONFIG);
        assert_non_null(strstr(err.message, cases[i].message));
        options_close(options);
    }
    scratch_close(scratch);
}

/* A secret's value is in no error. */
static void secrets_stay_out_of_errors(void **state) {
    (void)state;
    static const struct option_row secret_rows[] = {
        {.name = "pin", .flag = "pin", .type = OPTION_INTEGER, .secret = true, .help = "x"}};
    struct error err = {0};
    struct options *options = options_open(secret_rows, 1, &err);
    const char *flags[] = {"--pin", "hunter22", NULL};
    assert_false(read_flags(options, flags, &err, NULL));
    assert_null(strstr(err.message, "hunter22"));
    options_close(options);
}

static void faulty_tables_are_refused(void **state) {
    (void)state;
    static const struct option_row twice[] = {{.name = "a", .flag = "x", .type = OPTION_TEXT, .help = "x"},
                                              {.name = "b", .flag = "x", .type = OPTION_TEXT, .help = "x"}};
    static const struct option_row bad_default[] = {
        {.name = "a", .type = OPTION_INTEGER, .otherwise = "many", .help = "x"}};
    struct error err = {0};
    assert_null(options_open(twice, 2, &err));
    assert_null(options_open(bad_default, 1, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold),
        cmocka_unit_test(flags_are_read),
        cmocka_unit_test(wrong_flags_suggest),
        cmocka_unit_test(the_stronger_origin_wins),
        cmocka_unit_test(yaml_faults_name_their_line),
        cmocka_unit_test(secrets_stay_out_of_errors),
        cmocka_unit_test(faulty_tables_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
