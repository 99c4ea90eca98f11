/* Sites and workspaces: what is read, what is refused with which line, which folder counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/file.h"
#include "podcast/site.h"
#include "podcast/site_check.h"
#include "podcast/workspace.h"
#include "support/scratch.h"

static const char config[] = "{\n"
                             "  \"id\": \"examplecast\",\n"
                             "  \"domain\": \"examplecast.example.org\",\n"
                             "  \"appHeader\": {\n"
                             "    \"primaryTitle\": \"Example Cast\",\n"
                             "    \"includeTitlePrefix\": true,\n"
                             "    \"taglinePrimaryPodcastName\": \"Example Cast\",\n"
                             "    \"taglinePrimaryPodcastExternalURL\": \"https://example.org/show\",\n"
                             "    \"taglineSuffix\": \"archives\",\n"
                             "    \"extraHeightForLongTitle\": false,\n"
                             "    \"includeAIUseDisclosure\": true\n"
                             "  },\n"
                             "  \"socialAndMetadata\": {\n"
                             "    \"pageTitle\": \"Search Example Cast\",\n"
                             "    \"canonicalUrl\": \"https://examplecast.example.org\",\n"
                             "    \"openGraphImagePath\": \"./assets/social-cards/open-graph-card-1200x630.jpg\",\n"
                             "    \"metaDescription\": \"About\",\n"
                             "    \"metaTitle\": \"Title\"\n"
                             "  },\n"
                             "  \"includedPodcasts\": [\n"
                             "    {\n"
                             "      \"id\": \"example-cast\",\n"
                             "      \"rssFeedFile\": \"example-cast.xml\",\n"
                             "      \"title\": \"Example Cast\",\n"
                             "      \"status\": \"active\",\n"
                             "      \"url\": \"https://example.org/feed.xml\"\n"
                             "    }\n"
                             "  ],\n"
                             "  \"whisperTranscriptionPrompt\": \"Hi, this is Example Cast with A and B.\",\n"
                             "  \"themeColor\": \"#734ee4\",\n"
                             "  \"themeColorDark\": \"#2f6a9e\",\n"
                             "  \"searchPlaceholderOptions\": [\"hello there\", \"b\"],\n"
                             "  \"trackingScript\": \"<script src='x'></script>\"\n"
                             "}\n";

static struct arena *arena;
static struct scratch *scratch;

static int set_up(void **state) {
    (void)state;
    arena = arena_open();
    scratch = scratch_open();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    scratch_close(scratch);
    arena_close(arena);
    return 0;
}

/* The configuration with one part of its text replaced. */
static char *with(const char *old, const char *new) {
    const char *at = strstr(config, old);
    assert_non_null(at);
    return arena_format(arena, "%.*s%s%s", (int)(at - config), config, new, at + strlen(old));
}

static struct site *parse(const char *text, struct error *err) {
    return site_parse(arena, "/sites/my-sites/examplecast", "site.config.json", text, strlen(text), err);
}

static void test_every_field(void **state) {
    (void)state;
    struct error err = {0};
    const struct site *site = parse(config, &err);
    assert_string_equal(err.message, "");
    assert_string_equal(site->id, "examplecast");
    assert_string_equal(site->domain, "examplecast.example.org");
    assert_string_equal(site->header.primary_title, "Example Cast");
    assert_true(site->header.include_title_prefix);
    assert_string_equal(site->header.tagline_name, "Example Cast");
    assert_string_equal(site->header.tagline_url, "https://example.org/show");
    assert_string_equal(site->header.tagline_suffix, "archives");
    assert_false(site->header.extra_height_for_long_title);
    assert_true(site->header.include_ai_use_disclosure);
    assert_string_equal(site->metadata.page_title, "Search Example Cast");
    assert_string_equal(site->metadata.canonical_url, "https://examplecast.example.org");
    assert_string_equal(site->metadata.open_graph_image_path, "./assets/social-cards/open-graph-card-1200x630.jpg");
    assert_string_equal(site->metadata.meta_description, "About");
    assert_string_equal(site->metadata.meta_title, "Title");
    assert_int_equal(site->podcast_count, 1);
    assert_string_equal(site->podcasts[0].rss_file, "example-cast.xml");
    assert_true(site->podcasts[0].active);
    assert_string_equal(site->prompt, "Hi, this is Example Cast with A and B.");
    assert_string_equal(site->theme_color_dark, "#2f6a9e");
    assert_int_equal(site->placeholder_count, 2);
    assert_string_equal(site->tracking_script, "<script src='x'></script>");
    assert_null(site->language);
    assert_int_equal(site->warning_count, 0);
    assert_ptr_equal(site_podcast_find(site, "example-cast"), &site->podcasts[0]);
    assert_null(site_podcast_find(site, "x"));
}

static void expect_refused(const char *text, const char *message) {
    struct error err = {0};
    assert_null(parse(text, &err));
    assert_int_equal(err.code, ERROR_CONFIG);
    assert_string_equal(err.message, message);
}

/* File, line and field. */
static void test_refused_with_place(void **state) {
    (void)state;
    expect_refused(with("\"Example Cast\",\n    \"includeT", "12,\n    \"includeT"),
                   "site.config.json:5: appHeader.primaryTitle: is a number, must be text");
    expect_refused(with("true,\n    \"tagline", "\"yes\",\n    \"tagline"),
                   "site.config.json:6: appHeader.includeTitlePrefix: is text, must be true or false");
    expect_refused(with("\"https://example.org/feed.xml\"", "[]"),
                   "site.config.json:26: includedPodcasts[0].url: is a list, must be text");
    expect_refused(with("\"status\": \"active\"", "\"status\": \"paused\""),
                   "site.config.json:25: includedPodcasts[0].status: must be \"active\" or \"inactive\"");
    expect_refused(with("\"id\": \"example-cast\"", "\"id\": \"../up\""),
                   "site.config.json:22: includedPodcasts[0].id: must be 1 to 64 letters, digits, '-' or '_'");
    expect_refused(with("example-cast.xml", "a/b.xml"),
                   "site.config.json:23: includedPodcasts[0].rssFeedFile: must be a plain file name");
    expect_refused(with("\"examplecast\"", "\"another\""),
                   "site.config.json:2: id: is \"another\", must equal the folder's name \"examplecast\"");
    expect_refused(with("\"b\"]", "7]"), "site.config.json:32: searchPlaceholderOptions[1]: is a number, must be text");
    expect_refused("[]", "site.config.json:1: is a list, must be an object");
    expect_refused("{\"id\":\"examplecast\"}", "site.config.json:1: includedPodcasts: must name at least one podcast");
    expect_refused("{\"id\":\"examplecast\",\n\"includedPodcasts\":[]}",
                   "site.config.json:2: includedPodcasts: must name at least one podcast");
    struct error err = {0};
    assert_null(parse("{\n\"id\": }", &err));
    assert_non_null(strstr(err.message, "site.config.json: line 2"));
}

static void test_twice(void **state) {
    (void)state;
    expect_refused(
        with(
            "    }\n  ],",
            "    },\n    {\"id\": \"example-cast\", \"rssFeedFile\": \"b.xml\", \"url\": \"https://x.example\"}\n  ],"),
        "site.config.json:28: includedPodcasts[1].id: is the same as that of row 0");
}

/* Unknown fields are kept out of the way, and said. */
static void test_unknown_fields(void **state) {
    (void)state;
    const struct site *site = parse(with("\"themeColor\":", "\"themeColour\": \"red\",\n  \"themeColor\":"), NULL);
    assert_non_null(site);
    assert_int_equal(site->warning_count, 1);
    assert_string_equal(site->warnings[0], "site.config.json:30: themeColour: is not known; did you mean themeColor?");
}

static void test_optional(void **state) {
    (void)state;
    const char *small = "\xef\xbb\xbf{\"id\":\"examplecast\",\"includedPodcasts\":[{\"id\":\"a\",\"url\":\"https://"
                        "example.org/f\"}],\"language\":\"de\"}";
    const struct site *site = parse(small, NULL);
    assert_non_null(site);
    assert_string_equal(site->podcasts[0].rss_file, "a.xml");
    assert_string_equal(site->podcasts[0].title, "a");
    assert_true(site->podcasts[0].active);
    assert_false(site->header.include_ai_use_disclosure);
    assert_string_equal(site->prompt, "");
    assert_string_equal(site->language, "de");
    assert_null(site->tracking_script);
}

static void test_lines(void **state) {
    (void)state;
    const char *text = "{\n \"a\": {\"b\": [1,\n {\"c\": \"}\\\"]\"},\n 3]},\n \"d\"\n:\n 4\n}";
    size_t length = strlen(text);
    assert_int_equal(json_line_of(text, length, ""), 1);
    assert_int_equal(json_line_of(text, length, "/a"), 2);
    assert_int_equal(json_line_of(text, length, "/a/b/1/c"), 3);
    assert_int_equal(json_line_of(text, length, "/a/b/2"), 4);
    assert_int_equal(json_line_of(text, length, "/d"), 7);
    assert_int_equal(json_line_of(text, length, "/a/missing"), 2);
    assert_int_equal(json_line_of(text, length, "/a/b/9"), 2);
}

static void test_asset_paths(void **state) {
    (void)state;
    const struct site site = {.folder = "/s"};
    assert_string_equal(site_asset_path(arena, &site, "./assets/a.png"), "/s/assets/a.png");
    static const char *const refused[] = {
        "", "./", "/etc/passwd", "../x", "assets/../../x", ".env.aws-sso", "assets/.hidden", "a//b", "a\\b"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_null(site_asset_path(arena, &site, refused[i]));
}

/* ---- workspaces ---- */

static void write_site(const char *where, const char *id) {
    char *text = with("\"examplecast\"", arena_format(arena, "\"%s\"", id));
    scratch_write(scratch, arena_format(arena, "%s/%s/site.config.json", where, id), text);
}

static struct workspace find(const char *here) {
    struct workspace workspace;
    struct workspace_settings settings = {.data = scratch_path(scratch, "data"), .here = here};
    struct error err = {0};
    assert_true(workspace_find(arena, &settings, &workspace, &err));
    return workspace;
}

static void test_discovery(void **state) {
    (void)state;
    write_site("ws/sites/origin-sites", "origin-one");
    scratch_write(scratch, "ws/sites/my-sites/notes/README.md", "no site");
    scratch_write(scratch, "ws/packages/deep/x", "");
    struct workspace workspace = find(scratch_path(scratch, "ws/packages/deep"));
    assert_string_equal(workspace.root, scratch_path(scratch, "ws"));
    assert_false(workspace.is_mine);
    struct site_list list;
    assert_true(workspace_sites(arena, &workspace, &list, NULL));
    assert_int_equal(list.count, 1);
    assert_string_equal(list.sites[0]->id, "origin-one");
    /* One site in my-sites, and only my-sites counts. */
    write_site("ws/sites/my-sites", "mine-b");
    write_site("ws/sites/my-sites", "mine-a");
    scratch_write(scratch, "ws/sites/my-sites/broken/site.config.json", "{\n oops");
    workspace = find(scratch_path(scratch, "ws"));
    assert_true(workspace.is_mine);
    assert_true(workspace_sites(arena, &workspace, &list, NULL));
    assert_int_equal(list.count, 2);
    assert_string_equal(list.sites[0]->id, "mine-a");
    assert_int_equal(list.failure_count, 1);
    assert_string_equal(list.failures[0].id, "broken");
    assert_non_null(strstr(list.failures[0].error.message, "broken/site.config.json: line 2"));
    assert_non_null(site_find(&list, "mine-b"));
}

static void test_no_workspace(void **state) {
    (void)state;
    struct workspace workspace = find(scratch->path);
    assert_string_equal(workspace.root, scratch_path(scratch, "data"));
    assert_string_equal(workspace.sites_folder, scratch_path(scratch, "data/sites/my-sites"));
    assert_string_equal(workspace.files_root, scratch_path(scratch, "data/objects/sites"));
    struct site_list list;
    assert_true(workspace_sites(arena, &workspace, &list, NULL));
    assert_int_equal(list.count, 0);
    struct workspace_settings settings = {.data = "/d", .workspace = scratch->path};
    struct error err = {0};
    assert_false(workspace_find(arena, &settings, &workspace, &err));
    assert_int_equal(err.code, ERROR_CONFIG);
}

static void test_files_root(void **state) {
    (void)state;
    write_site("ws/sites/my-sites", "one");
    const char *here = scratch_path(scratch, "ws");
    assert_string_equal(find(here).files_root, scratch_path(scratch, "data/objects/sites"));
    scratch_write(scratch, "ws/aws-local-dev/x", "");
    assert_string_equal(find(here).files_root, scratch_path(scratch, "ws/aws-local-dev/s3/sites"));
    scratch_write(scratch, "elsewhere/x", "");
    scratch_write(scratch, "ws/.local-files-config.json",
                  arena_format(arena, "{\"localFilesPath\":\"%s\"}", scratch_path(scratch, "elsewhere")));
    struct workspace workspace = find(here);
    assert_string_equal(workspace.files_root, scratch_path(scratch, "elsewhere/s3/sites"));
    assert_null(workspace.warning);
    assert_string_equal(workspace_site_files(arena, &workspace, "one"),
                        scratch_path(scratch, "elsewhere/s3/sites/one"));
    scratch_write(scratch, "ws/.local-files-config.json", "{\"localFilesPath\":\"/not/there\"}");
    workspace = find(here);
    assert_string_equal(workspace.files_root, scratch_path(scratch, "ws/aws-local-dev/s3/sites"));
    assert_non_null(strstr(workspace.warning, "\"/not/there\" is not a folder"));
    struct workspace_settings settings = {.data = "/d", .here = here, .files = "/mine"};
    assert_true(workspace_find(arena, &settings, &workspace, NULL));
    assert_string_equal(workspace.files_root, "/mine");
}

static void expect_selected(const struct site_list *list, const char *wanted, const char *expected,
                            const char *message) {
    struct site **sites = NULL;
    size_t count = 0;
    struct error err = {0};
    bool done = site_select(arena, list, wanted, &sites, &count, &err);
    assert_string_equal(err.message, message ? message : "");
    assert_int_equal(done, !message);
    char *names = arena_text(arena, "");
    for (size_t i = 0; done && i < count; i++)
        names = arena_format(arena, "%s%s,", names, sites[i]->id);
    if (done)
        assert_string_equal(names, expected);
}

/* Unknown ids were dropped in silence. */
static void test_select(void **state) {
    (void)state;
    write_site("ws/sites/my-sites", "hardfork");
    write_site("ws/sites/my-sites", "naddpod");
    scratch_write(scratch, "ws/sites/my-sites/broken/site.config.json", "{}");
    struct workspace workspace = find(scratch_path(scratch, "ws"));
    struct site_list list;
    assert_true(workspace_sites(arena, &workspace, &list, NULL));
    expect_selected(&list, NULL, "hardfork,naddpod,", NULL);
    expect_selected(&list, "", "hardfork,naddpod,", NULL);
    expect_selected(&list, "naddpod, hardfork,naddpod", "hardfork,naddpod,", NULL);
    expect_selected(&list, "hardfrok,xyzzy", NULL,
                    "there is no site \"hardfrok\" (did you mean \"hardfork\"?); there is no site \"xyzzy\"");
    expect_selected(&list, " , ", NULL, "\" , \" names no site");
    struct site **sites;
    size_t count;
    struct error err = {0};
    assert_false(site_select(arena, &list, "broken", &sites, &count, &err));
    assert_non_null(strstr(err.message, "site \"broken\" is broken: "));
}

/* ---- validation ---- */

static struct site_findings validate(const char *text) {
    struct site_findings findings;
    struct error err = {0};
    scratch_write(scratch, "ws/sites/my-sites/examplecast/site.config.json", text);
    struct site *site = site_load(arena, scratch_path(scratch, "ws/sites/my-sites/examplecast"), &err);
    assert_string_equal(err.message, "");
    site_validate(arena, site, &findings);
    return findings;
}

static const struct site_finding *finding(const struct site_findings *findings, const char *rule) {
    for (size_t i = 0; i < findings->count; i++)
        if (!strcmp(findings->rows[i].rule, rule))
            return &findings->rows[i];
    return NULL;
}

static void expect_finding(const char *text, const char *rule, enum site_severity severity, int line) {
    struct site_findings findings = validate(text);
    const struct site_finding *row = finding(&findings, rule);
    if (!row)
        fail_msg("no finding %s", rule);
    assert_int_equal(row->severity, severity);
    assert_int_equal(row->line, line);
}

static void test_rules(void **state) {
    (void)state;
    struct site_findings findings = validate(config);
    assert_int_equal(findings.errors, 0);
    assert_non_null(finding(&findings, "index-css"));
    assert_non_null(finding(&findings, "asset-missing"));
    assert_non_null(finding(&findings, "card-missing"));
    assert_null(finding(&findings, "aws-profile")); /* no terraform folder, no cloud */
    expect_finding(with("\"primaryTitle\": \"Example Cast\"",
                        "\"primaryTitle\": \"This title is longer than forty characters are\""),
                   "title-length", SITE_ERROR, 5);
    char *text = with("    \"extraHeightForLongTitle\": false,\n", "");
    const char *old = "\"primaryTitle\": \"Example Cast\"";
    const char *at = strstr(text, old);
    text = arena_format(arena, "%.*s\"primaryTitle\": \"Twenty-three characters\"%s", (int)(at - text), text,
                        at + strlen(old));
    expect_finding(text, "title-long", SITE_ERROR, 5);
    expect_finding(with("\"id\": \"example-cast\"", "\"id\": \"examplecast\""), "podcast-id-site", SITE_ERROR, 22);
    expect_finding(with("\"id\": \"example-cast\"", "\"id\": \"Example\""), "podcast-id-form", SITE_ERROR, 22);
    expect_finding(with("https://example.org/feed.xml", "file:///etc/passwd"), "podcast-url", SITE_ERROR, 26);
    expect_finding(with("<script src='x'></script>", "alert(1)"), "tracking-script", SITE_ERROR, 33);
    expect_finding(with("#734ee4", "purple"), "colour-form", SITE_ERROR, 30);
    expect_finding(with("\"metaTitle\": \"Title\"", "\"metaTitle\": \"TO_BE_ADDED\""), "to-be-added", SITE_WARNING, 18);
    expect_finding(with("\"pageTitle\": \"Search Example Cast\",\n", ""), "missing-field", SITE_ERROR, 13);
    expect_finding(with("\"hello there\", \"b\"", ""), "missing-field", SITE_ERROR, 32);
    expect_finding(with("\"status\": \"active\"", "\"status\": \"inactive\""), "podcasts-inactive", SITE_WARNING, 20);
    expect_finding(with("https://examplecast.example.org", "https://other.example.org"), "canonical-host", SITE_WARNING,
                   15);
    expect_finding(with("\"themeColor\":", "\"colour\": 1, \"themeColor\":"), "unknown-field", SITE_WARNING, 30);
    expect_finding(with("examplecast.example.org\",\n  \"app", "https://examplecast.example.org/\",\n  \"app"),
                   "domain-form", SITE_ERROR, 3);
    /* The disclosure was demanded, so most sites failed. It is false when absent. */
    findings = validate(with(",\n    \"includeAIUseDisclosure\": true", ""));
    assert_int_equal(findings.errors, 0);
}

static void test_rules_of_ids(void **state) {
    (void)state;
    static const struct {
        const char *id, *rule;
        enum site_severity severity;
    } ids[] = {{"with_underscore", "id-terraform", SITE_WARNING},
               {"pod2", "id-older-validator", SITE_WARNING},
               {"-edge", "id-form", SITE_ERROR},
               {"Upper", "id-form", SITE_ERROR},
               {"a-very-long-id-with-more-than-32-bytes", "id-length", SITE_ERROR}};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        write_site("ids", ids[i].id);
        struct site *site = site_load(arena, scratch_path(scratch, arena_format(arena, "ids/%s", ids[i].id)), NULL);
        assert_non_null(site);
        struct site_findings findings;
        site_validate(arena, site, &findings);
        const struct site_finding *row = finding(&findings, ids[i].rule);
        assert_non_null(row);
        assert_int_equal(row->severity, ids[i].severity);
        assert_int_equal(row->line, 2);
    }
}

static void test_rules_of_files(void **state) {
    (void)state;
    const char *folder = "ws/sites/my-sites/examplecast";
    scratch_write(scratch, arena_format(arena, "%s/index.css", folder),
                  ":root { --primary: #111; --secondary:#222 }\n.dark { --primary: #333; }");
    scratch_write(scratch, arena_format(arena, "%s/assets/site.webmanifest", folder),
                  "{\"theme_color\":\"#444\",\"background_color\":\"#111\"}");
    scratch_write(scratch, arena_format(arena, "%s/terraform/prod.tfvars", folder),
                  "# vars\nsite_id = \"other\"\naws_region=\"us-east-1\"\n");
    scratch_write(scratch, arena_format(arena, "%s/spelling-corrections.json", folder), "{");
    scratch_write(scratch, arena_format(arena, "%s/stray.txt", folder), "");
    struct site_findings findings = validate(config);
    assert_int_equal(finding(&findings, "tfvars-site-id")->severity, SITE_ERROR);
    assert_string_equal(finding(&findings, "tfvars-site-id")->message,
                        "site_id is \"other\", the site is \"examplecast\"");
    assert_string_equal(finding(&findings, "tfvars-recommended")->message, "s3_bucket_name is missing");
    assert_int_equal(finding(&findings, "aws-profile")->severity, SITE_WARNING);
    assert_non_null(finding(&findings, "backend-missing"));
    assert_non_null(finding(&findings, "colours"));
    assert_non_null(finding(&findings, "spelling"));
    assert_non_null(strstr(finding(&findings, "unexpected-file")->file, "stray.txt"));
    assert_null(finding(&findings, "index-css"));
    json_t *json = site_findings_json(&findings);
    assert_int_equal(json_array_size(json), findings.count);
    assert_int_equal(findings.errors + findings.warnings, findings.count);
    json_decref(json);
}

static void test_rules_over_sites(void **state) {
    (void)state;
    write_site("ws/sites/my-sites", "one");
    write_site("ws/sites/my-sites", "two");
    scratch_write(scratch, "ws/sites/my-sites/three/site.config.json", "{");
    struct workspace workspace = find(scratch_path(scratch, "ws"));
    struct site_list list;
    struct site_findings findings;
    assert_true(workspace_sites(arena, &workspace, &list, NULL));
    site_validate_list(arena, &list, &findings);
    assert_non_null(strstr(finding(&findings, "domain-twice")->message, "site \"one\""));
    assert_int_equal(finding(&findings, "feed-twice")->severity, SITE_WARNING);
    assert_int_equal(finding(&findings, "unreadable")->severity, SITE_ERROR);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_every_field),
        TEST(test_refused_with_place),
        TEST(test_twice),
        TEST(test_unknown_fields),
        TEST(test_optional),
        TEST(test_lines),
        TEST(test_asset_paths),
        TEST(test_discovery),
        TEST(test_no_workspace),
        TEST(test_files_root),
        TEST(test_select),
        TEST(test_rules),
        TEST(test_rules_of_ids),
        TEST(test_rules_of_files),
        TEST(test_rules_over_sites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
