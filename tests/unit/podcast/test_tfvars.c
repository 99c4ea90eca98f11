/* Terraform's variables, and the rule that one site of each account makes the automation role. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/file.h"
#include "podcast/roles.h"
#include "podcast/tfvars.h"
#include "support/scratch.h"

static struct arena *arena;

static int set_up(void **state) {
    (void)state;
    arena = arena_open();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_close(arena);
    return 0;
}

static struct tfvars parse(const char *text) {
    struct tfvars file = {0};
    struct error err = {0};
    if (!tfvars_parse(arena, "prod.tfvars", text, strlen(text), &file, &err))
        fail_msg("%s", err.message);
    return file;
}

static void expect_refusal(const char *text, const char *message) {
    struct tfvars file = {0};
    struct error err = {0};
    assert_false(tfvars_parse(arena, "prod.tfvars", text, strlen(text), &file, &err));
    assert_int_equal(err.code, ERROR_CONFIG);
    assert_string_equal(err.message, message);
}

static void test_values_of_every_kind(void **state) {
    (void)state;
    struct tfvars file = parse("# comment\n"
                               "a = \"one # two\" # three\n"
                               "  b=true // yes\r\n"
                               "/* c = 1\n */ c = -4.5\n"
                               "\"d\" = null\n"
                               "e = [ \"]\", { x = \"}\" }, # ]\n 3 ]\n"
                               "f = \"\\\"\\u00e9$${g}\"\n"
                               "h = <<-END\n  a\n  b\n  END\n"
                               "last = \"x\"");
    static const struct {
        const char *name;
        enum tfvars_kind kind;
        const char *value;
        int line;
    } wanted[] = {{"a", TFVARS_TEXT, "one # two", 2},   {"b", TFVARS_BOOL, "true", 3},
                  {"c", TFVARS_NUMBER, "-4.5", 5},      {"d", TFVARS_NULL, "", 6},
                  {"e", TFVARS_OTHER, "", 7},           {"f", TFVARS_TEXT, "\"\xC3\xA9${g}", 9},
                  {"h", TFVARS_TEXT, "  a\n  b\n", 10}, {"last", TFVARS_TEXT, "x", 14}};
    assert_int_equal(file.count, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_string_equal(file.entries[i].name, wanted[i].name);
        assert_int_equal(file.entries[i].kind, wanted[i].kind);
        assert_string_equal(file.entries[i].value, wanted[i].value);
        assert_int_equal(file.entries[i].line, wanted[i].line);
    }
    assert_string_equal(tfvars_text(&file, "b", "none"), "none");
    assert_string_equal(tfvars_text(&file, "zz", "none"), "none");
    assert_int_equal(parse("").count, 0);
}

static void test_what_is_wrong_is_told_with_its_line(void **state) {
    (void)state;
    expect_refusal("a = \"secret\nb = 1", "prod.tfvars:1: the text in quotes has no end");
    expect_refusal("a = 1\nb = [1,\n2", "prod.tfvars:2: the list or map has no end");
    expect_refusal("a = 1\na = 2", "prod.tfvars:2: the variable is set twice");
    expect_refusal("a 1", "prod.tfvars:1: \"=\" is missing behind the name of a variable");
    expect_refusal("a =\n", "prod.tfvars:1: a value is missing");
    expect_refusal("a = 1 2", "prod.tfvars:1: something stands behind the value");
    expect_refusal("a = maybe",
                   "prod.tfvars:1: a value is a text in quotes, a number, true, false, null, a list or a map");
    expect_refusal("\n\n/* x", "prod.tfvars:3: the comment has no end");
    expect_refusal("a = <<END\nx\n", "prod.tfvars:1: the heredoc has no end");
    expect_refusal("a = \"\\ud800\"", "prod.tfvars:1: an escape names no character");
}

/* ---- roles ---- */

static struct site *make_site(struct scratch *scratch, const char *id, const char *tfvars) {
    struct site *site = arena_alloc(arena, sizeof(*site));
    site->id = id;
    site->folder = file_join(arena, scratch_path(scratch, "sites"), id);
    const char *path = file_join(arena, site->folder, "terraform/prod.tfvars");
    assert_true(file_make_parents(path, NULL));
    if (tfvars)
        assert_true(file_write(path, tfvars, strlen(tfvars), 0644, NULL));
    return site;
}

static void test_one_site_of_each_profile_makes_the_role(void **state) {
    (void)state;
    struct scratch *scratch = scratch_open();
    struct site *sites[] = {
        make_site(scratch, "a", "aws_profile = \"p-1-111111111111\"\ncreate_automation_role = true\n"),
        make_site(scratch, "b", "aws_profile = \"p-1-111111111111\"\ncreate_automation_role = false\n"),
        make_site(scratch, "c", "aws_profile = \"p-2\"\n"),
        make_site(scratch, "d", "aws_profile = \"p-3\"\ncreate_automation_role = true\n"),
        make_site(scratch, "e", "aws_profile = \"p-3\"\ncreate_automation_role = \"true\"\n"),
        make_site(scratch, "f", "aws_profile = \"your-profile\"\ncreate_automation_role = true\n"),
        make_site(scratch, "g", "create_automation_role = true\n"),
        make_site(scratch, "h", NULL),
        make_site(scratch, "i", "aws_profile = oops"),
        make_site(scratch, "j", "aws_profile = \"q-1-111111111111\"\ncreate_automation_role = true\n"),
    };
    struct role_report report;
    roles_check(arena, sites, sizeof(sites) / sizeof(sites[0]), &report);
    assert_int_equal(report.count, 6);
    assert_int_equal(report.site_count, 8);
    assert_int_equal(report.errors, 3);
    assert_int_equal(report.fault_count, 1);
    assert_non_null(strstr(report.faults[0], "prod.tfvars:1: "));
    assert_string_equal(report.groups[0].profile, "");
    assert_true(report.groups[0].placeholder);
    assert_null(report.groups[0].fault);
    assert_string_equal(report.groups[1].profile, "p-1-111111111111");
    assert_int_equal(report.groups[1].creators, 1);
    assert_null(report.groups[1].fault);
    assert_string_equal(report.groups[2].fault, "no site makes the role: c");
    assert_string_equal(report.groups[3].fault, "2 sites make the role: d, e");
    assert_string_equal(report.groups[5].profile, "your-profile");
    assert_null(report.groups[5].fault);
    static const char *const warnings[] = {
        "c: create_automation_role is not set, so it is false", "f: aws_profile \"your-profile\" is to be filled in",
        "g: aws_profile is not set", "h: has no terraform/prod.tfvars",
        "p-1-111111111111 and q-1-111111111111 look like one account (111111111111), and sites of both make the role"};
    assert_int_equal(report.warning_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(report.warnings[i], warnings[i]);
    JSON_OWNED json_t *json = roles_json(&report);
    assert_false(json_get_bool(json, "ok", true));
    assert_int_equal(json_array_size(json_object_get(json, "profiles")), 6);
    scratch_close(scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values_of_every_kind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_wrong_is_told_with_its_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_site_of_each_profile_makes_the_role, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
