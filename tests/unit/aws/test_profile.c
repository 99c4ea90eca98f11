#include "support/unit.h"

#include <string.h>
#include <sys/stat.h>

#include "aws/profile.h"
#include "base/limits.h"
#include "base/text.h"
#include "support/scratch.h"
#include "support/test_environment.h"

static struct aws_config *parse(struct arena *arena, const char *config, const char *credentials, struct error *err) {
    struct aws_config *made = aws_config_new(arena);
    if (config && !aws_config_parse(made, AWS_FILE_CONFIG, "config", config, strlen(config), err))
        return NULL;
    if (credentials &&
        !aws_config_parse(made, AWS_FILE_CREDENTIALS, "credentials", credentials, strlen(credentials), err))
        return NULL;
    return made;
}

/* One property of a configuration. */
static const char *look(struct arena *arena, const char *config, const char *credentials, const char *profile,
                        const char *name) {
    struct error err = {0};
    const struct aws_config *made = parse(arena, config, credentials, &err);
    if (!made)
        fail_msg("%s", err.message);
    const struct aws_section *section = aws_config_section(made, AWS_SECTION_PROFILE, profile);
    return section ? aws_section_value(section, name) : NULL;
}

static void lines_are_read(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    static const struct {
        const char *config, *credentials, *profile, *name, *value;
    } rows[] = {
        {"[default]\nregion = eu-west-1\n", NULL, "default", "region", "eu-west-1"},
        {"[default]\r\nregion=eu-west-1\r\n", NULL, "default", "region", "eu-west-1"},
        {"[default]\nregion = eu-west-1", NULL, "default", "region", "eu-west-1"},
        {"\xEF\xBB\xBF[default]\nregion = eu-west-1", NULL, "default", "region", "eu-west-1"},
        {"[profile a]\nREGION = eu-west-1", NULL, "a", "region", "eu-west-1"},
        {"[profile a]\nx = 1", NULL, "A", "x", NULL},
        {"[ profile\ta ]  ; why\nx = 1", NULL, "a", "x", "1"},
        {"[profile \"a b\"]\nx = 1", NULL, "a b", "x", "1"},
        {"[profile 'a b']\nx = 1", NULL, "a b", "x", "1"},
        {"# one\n; two\n\n[profile a]\n# three\nx = 1 # four\n", NULL, "a", "x", "1"},
        {"[profile a]\nx = 1 ; four\n", NULL, "a", "x", "1"},
        {"[profile a]\nx = 1#4;5\n", NULL, "a", "x", "1#4;5"},
        {"[profile a]\nx = a = b\n", NULL, "a", "x", "a = b"},
        {"[profile a]\nx =\n", NULL, "a", "x", NULL},
        {"[profile a]\nx = 1\n 2 # stays\n\t3\n", NULL, "a", "x", "1\n2 # stays\n3"},
        {"[profile a]\nx = 1\n\n 2\n", NULL, "a", "x", "1\n2"},
        {"[profile a]\nx = 1\nx = 2\n", NULL, "a", "x", "2"},
        {"[profile a]\nx = 1\n[profile b]\nx = 2\n[profile a]\ny = 3\n", NULL, "a", "x", "1"},
        {"[profile a]\nx = 1\n[profile b]\nx = 2\n[profile a]\ny = 3\n", NULL, "a", "y", "3"},
        /* Sections without the word are none of ours; in the credentials file those with it are not. */
        {"[a]\nx = 1\n", NULL, "a", "x", NULL},
        {"[profile a]\nx = 1\n[preview]\nx = 2\n[plugins]\ny = z\n", NULL, "a", "x", "1"},
        {NULL, "[a]\nx = 1\n", "a", "x", "1"},
        {NULL, "[profile a]\nx = 1\n", "a", "x", NULL},
        /* [profile default] hides [default], on whichever side of it it stands. */
        {"[default]\nx = 1\ny = 1\n[profile default]\nx = 2\n", NULL, "default", "x", "2"},
        {"[default]\nx = 1\ny = 1\n[profile default]\nx = 2\n", NULL, "default", "y", NULL},
        {"[profile default]\nx = 2\n[default]\nx = 1\ny = 1\n", NULL, "default", "x", "2"},
        {"[profile default]\nx = 2\n[default]\nx = 1\ny = 1\n", NULL, "default", "y", NULL},
        {"[profile default]\nx = 2\n", "[default]\ny = 1\n", "default", "y", "1"},
        /* The credentials file counts where both say something. */
        {"[profile a]\nx = 1\ny = 1\n", "[a]\nx = 2\n", "a", "x", "2"},
        {"[profile a]\nx = 1\ny = 1\n", "[a]\nx = 2\n", "a", "y", "1"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *value = look(arena, rows[i].config, rows[i].credentials, rows[i].profile, rows[i].name);
        if (!text_equal(value, rows[i].value) && !(value == NULL && rows[i].value == NULL))
            fail_msg("row %zu: %s", i, value ? value : "(none)");
    }
}

static void what_is_no_configuration_is_named_without_its_text(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    static const struct {
        const char *config, *message;
    } rows[] = {
        {"x = hidden\n", "config, line 1: a property stands before the first section"},
        {" hidden\n", "config, line 1: a line stands before the first section"},
        {"[default]\n hidden\n", "config, line 2: a line goes on with no property"},
        {"[default]\nhidden\n", "config, line 2: a property has no '='"},
        {"[default]\n = hidden\n", NULL}, /* a line that goes on, with no property before it */
        {"[default]\n= hidden\n", "config, line 2: a property has no name"},
        {"[default\nx = 1\n", "config, line 1: a section's name has no ']'"},
        {"[default] hidden\n", "config, line 1: something follows the section's name"},
        {"[]\n", "config, line 1: a section has no name"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct error err = {0};
        assert_null(parse(arena, rows[i].config, NULL, &err));
        assert_int_equal(err.code, ERROR_CONFIG);
        assert_null(strstr(err.message, "hidden"));
        if (rows[i].message)
            assert_string_equal(err.message, rows[i].message);
    }
    struct error err = {0};
    struct aws_config *made = aws_config_new(arena);
    assert_false(aws_config_parse(made, AWS_FILE_CONFIG, "config", "[default]\nx\0y = 1", 18, &err));
    assert_string_equal(err.message, "config: it has zero bytes in it");
}

static void properties_within_properties(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    static const char text[] = "[profile a]\n"
                               "s3 =\n"
                               "    Max_Concurrent_Requests = 20\n"
                               "    addressing_style = path # MinIO\n"
                               "region = eu-west-1\n"
                               "s4 = x\n"
                               "  addressing_style = path\n"
                               "[services local]\n"
                               "s3 =\n"
                               "  endpoint_url = http://127.0.0.1:9000\n"
                               "lambda =\n"
                               "  endpoint_url = http://127.0.0.1:3001\n"
                               "[sso-session work]\n"
                               "sso_region = us-east-1\n";
    const struct aws_config *made = parse(arena, text, NULL, NULL);
    assert_non_null(made);
    const struct aws_section *a = aws_config_section(made, AWS_SECTION_PROFILE, "a");
    assert_string_equal(aws_section_nested(a, "s3", "addressing_style"), "path");
    assert_string_equal(aws_section_nested(a, "s3", "max_concurrent_requests"), "20");
    assert_null(aws_section_nested(a, "s3", "region"));
    assert_null(aws_section_nested(a, "s4", "addressing_style"));
    assert_null(aws_section_nested(a, "s5", "addressing_style"));
    assert_string_equal(aws_section_value(a, "region"), "eu-west-1");
    const struct aws_section *local = aws_config_section(made, AWS_SECTION_SERVICES, "local");
    assert_string_equal(aws_section_nested(local, "lambda", "endpoint_url"), "http://127.0.0.1:3001");
    assert_non_null(aws_config_section(made, AWS_SECTION_SSO_SESSION, "work"));
    assert_null(aws_config_section(made, AWS_SECTION_PROFILE, "work"));
    size_t count;
    const char *const *names = aws_config_names(made, arena, AWS_SECTION_PROFILE, &count);
    assert_int_equal(count, 1);
    assert_string_equal(names[0], "a");
}

static void ceilings(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct text text TEXT_SCOPED;
    text_open(&text, MIB);
    for (int i = 0; i <= LIMIT_AWS_SECTIONS; i++)
        text_append_format(&text, "[profile %d]\n", i);
    struct error err = {0};
    assert_null(parse(arena, text_value(&text), NULL, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    text_reset(&text);
    text_append(&text, "[profile a]\n");
    for (int i = 0; i <= LIMIT_AWS_PROPERTIES; i++)
        text_append_format(&text, "x%d = 1\n", i);
    assert_null(parse(arena, text_value(&text), NULL, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

static void files_are_where_the_environment_says(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct scratch *scratch = scratch_open();
    struct test_environment environment;
    struct error err = {0};
    test_environment_open(&environment, NULL);
    /* Nowhere to look is an empty configuration, as files that are not there. */
    const struct aws_config *config = aws_config_read(arena, &environment.environment, &err);
    assert_non_null(config);
    assert_null(aws_config_path(config, AWS_FILE_CONFIG));
    test_environment_open(&environment, scratch->path);
    config = aws_config_read(arena, &environment.environment, &err);
    assert_non_null(config);
    assert_false(aws_config_there(config, AWS_FILE_CONFIG));
    /* The usual places. */
    scratch_write(scratch, ".aws/config", "[profile a]\nregion = eu-west-1\n");
    const char *keys = scratch_write(scratch, ".aws/credentials", "[a]\naws_secret_access_key = s\n");
    assert_int_equal(chmod(keys, 0640), 0);
    config = aws_config_read(arena, &environment.environment, &err);
    assert_non_null(config);
    assert_true(aws_config_there(config, AWS_FILE_CONFIG));
    assert_false(aws_config_shared(config, AWS_FILE_CONFIG));
    assert_true(aws_config_shared(config, AWS_FILE_CREDENTIALS));
    assert_int_equal(chmod(keys, 0600), 0);
    config = aws_config_read(arena, &environment.environment, &err);
    assert_false(aws_config_shared(config, AWS_FILE_CREDENTIALS));
    const struct aws_section *a = aws_config_section(config, AWS_SECTION_PROFILE, "a");
    assert_string_equal(aws_section_value(a, "region"), "eu-west-1");
    assert_string_equal(aws_section_value(a, "aws_secret_access_key"), "s");
    /* Others. */
    scratch_write(scratch, "other", "[profile a]\nregion = us-west-2\n");
    test_environment_set(&environment, "AWS_CONFIG_FILE", "~/other");
    test_environment_set(&environment, "AWS_SHARED_CREDENTIALS_FILE", scratch_path(scratch, "none"));
    config = aws_config_read(arena, &environment.environment, &err);
    a = aws_config_section(config, AWS_SECTION_PROFILE, "a");
    assert_string_equal(aws_section_value(a, "region"), "us-west-2");
    assert_null(aws_section_value(a, "aws_secret_access_key"));
    /* A folder is no file, and that is told. */
    test_environment_set(&environment, "AWS_CONFIG_FILE", scratch->path);
    assert_null(aws_config_read(arena, &environment.environment, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    scratch_close(scratch);
}

static const char *region_of(struct arena *arena, const struct test_environment *environment, const char *profile) {
    const char *region = "untouched";
    assert_true(aws_region_find(arena, &environment->environment, profile, &region, NULL));
    return region ? region : "(none)";
}

static void regions(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct scratch *scratch = scratch_open();
    struct test_environment environment;
    test_environment_open(&environment, scratch->path);
    assert_string_equal(region_of(arena, &environment, NULL), "(none)");
    scratch_write(scratch, ".aws/config", "[default]\nregion = r-default\n[profile a]\nregion = r-a\n[profile b]\n");
    assert_string_equal(region_of(arena, &environment, NULL), "r-default");
    assert_string_equal(region_of(arena, &environment, "a"), "r-a");
    assert_string_equal(region_of(arena, &environment, "b"), "(none)");
    test_environment_set(&environment, "AWS_DEFAULT_PROFILE", "a");
    assert_string_equal(region_of(arena, &environment, NULL), "r-a");
    test_environment_set(&environment, "AWS_PROFILE", "b");
    assert_string_equal(region_of(arena, &environment, NULL), "(none)");
    test_environment_set(&environment, "AWS_DEFAULT_REGION", "r-2");
    assert_string_equal(region_of(arena, &environment, NULL), "r-2");
    test_environment_set(&environment, "AWS_REGION", "r-1");
    assert_string_equal(region_of(arena, &environment, NULL), "r-1");
    assert_string_equal(region_of(arena, &environment, "a"), "r-1");
    scratch_close(scratch);
}

static const char *endpoint_of(struct arena *arena, const struct test_environment *environment, const char *profile,
                               const char *service) {
    const char *endpoint = "untouched";
    assert_true(aws_endpoint_find(arena, &environment->environment, profile, service, &endpoint, NULL));
    return endpoint ? endpoint : "(none)";
}

static void endpoints(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct scratch *scratch = scratch_open();
    struct test_environment environment;
    test_environment_open(&environment, scratch->path);
    assert_string_equal(endpoint_of(arena, &environment, NULL, "s3"), "(none)");
    scratch_write(scratch, ".aws/config",
                  "[profile a]\nservices = local\nendpoint_url = http://all\n"
                  "[services local]\ns3 =\n  endpoint_url = http://s3\nsso_oidc =\n  endpoint_url = http://oidc\n"
                  "[profile b]\nservices = none\n"
                  "[profile c]\nendpoint_url = http://c\nignore_configured_endpoint_urls = true\n");
    assert_string_equal(endpoint_of(arena, &environment, "a", "s3"), "http://s3");
    assert_string_equal(endpoint_of(arena, &environment, "a", "sso_oidc"), "http://oidc");
    assert_string_equal(endpoint_of(arena, &environment, "a", "sts"), "http://all");
    assert_string_equal(endpoint_of(arena, &environment, "c", "sts"), "(none)");
    const char *endpoint;
    struct error err = {0};
    assert_false(aws_endpoint_find(arena, &environment.environment, "b", "s3", &endpoint, &err));
    assert_string_equal(err.message, "profile b: there is no [services none]");
    test_environment_set(&environment, "AWS_ENDPOINT_URL", "http://env");
    assert_string_equal(endpoint_of(arena, &environment, "a", "s3"), "http://env");
    test_environment_set(&environment, "AWS_ENDPOINT_URL_S3", "http://env-s3");
    test_environment_set(&environment, "AWS_ENDPOINT_URL_SSO_OIDC", "http://env-oidc");
    assert_string_equal(endpoint_of(arena, &environment, "a", "s3"), "http://env-s3");
    assert_string_equal(endpoint_of(arena, &environment, "a", "sso_oidc"), "http://env-oidc");
    assert_string_equal(endpoint_of(arena, &environment, "a", "sts"), "http://env");
    test_environment_set(&environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE");
    assert_string_equal(endpoint_of(arena, &environment, "a", "s3"), "(none)");
    scratch_close(scratch);
}

static void s3_addressing(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct scratch *scratch = scratch_open();
    struct test_environment environment;
    struct error err = {0};
    enum aws_s3_addressing style = AWS_S3_PATH;
    test_environment_open(&environment, scratch->path);
    assert_true(aws_s3_addressing_find(arena, &environment.environment, NULL, &style, &err));
    assert_int_equal(style, AWS_S3_AUTO);
    scratch_write(scratch, ".aws/config",
                  "[profile a]\ns3 =\n  addressing_style = path\n[profile b]\ns3 =\n  addressing_style = virtual\n"
                  "[profile c]\ns3 =\n  addressing_style = sideways\n");
    assert_true(aws_s3_addressing_find(arena, &environment.environment, "a", &style, &err));
    assert_int_equal(style, AWS_S3_PATH);
    assert_true(aws_s3_addressing_find(arena, &environment.environment, "b", &style, &err));
    assert_int_equal(style, AWS_S3_VIRTUAL);
    assert_false(aws_s3_addressing_find(arena, &environment.environment, "c", &style, &err));
    assert_int_equal(err.code, ERROR_CONFIG);
    scratch_close(scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read),
        cmocka_unit_test(what_is_no_configuration_is_named_without_its_text),
        cmocka_unit_test(properties_within_properties),
        cmocka_unit_test(ceilings),
        cmocka_unit_test(files_are_where_the_environment_says),
        cmocka_unit_test(regions),
        cmocka_unit_test(endpoints),
        cmocka_unit_test(s3_addressing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
