/* A new site from a feed, fetched from the server that can lie; and the show's picture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/http_client.h"
#include "base/json.h"
#include "podcast/add.h"
#include "podcast/art.h"
#include "podcast/site_check.h"
#include "support/feed_server.h"
#include "support/scratch.h"

/* 16 by 16 pixels of #2255cc, written by FFmpeg. */
static const uint8_t jpeg[] = {
    0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a, 0x46, 0x49, 0x46, 0x00, 0x01, 0x02, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00,
    0x00, 0xff, 0xfe, 0x00, 0x10, 0x4c, 0x61, 0x76, 0x63, 0x35, 0x39, 0x2e, 0x33, 0x37, 0x2e, 0x31, 0x30, 0x30, 0x00,
    0xff, 0xdb, 0x00, 0x43, 0x00, 0x08, 0x04, 0x04, 0x04, 0x04, 0x04, 0x05, 0x05, 0x05, 0x05, 0x05, 0x05, 0x06, 0x06,
    0x06, 0x06, 0x06, 0x06, 0x06, 0x06, 0x06, 0x06, 0x06, 0x06, 0x06, 0x07, 0x07, 0x07, 0x08, 0x08, 0x08, 0x07, 0x07,
    0x07, 0x06, 0x06, 0x07, 0x07, 0x08, 0x08, 0x08, 0x08, 0x09, 0x09, 0x09, 0x08, 0x08, 0x08, 0x08, 0x09, 0x09, 0x0a,
    0x0a, 0x0a, 0x0c, 0x0c, 0x0b, 0x0b, 0x0e, 0x0e, 0x0e, 0x11, 0x11, 0x14, 0xff, 0xc4, 0x00, 0x4c, 0x00, 0x01, 0x01,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06, 0x01, 0x01, 0x01,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06, 0x07, 0x10, 0x01, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x11, 0x01, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xc0, 0x00, 0x11, 0x08,
    0x00, 0x10, 0x00, 0x10, 0x03, 0x01, 0x22, 0x00, 0x02, 0x11, 0x00, 0x03, 0x11, 0x00, 0xff, 0xda, 0x00, 0x0c, 0x03,
    0x01, 0x00, 0x02, 0x11, 0x03, 0x11, 0x00, 0x3f, 0x00, 0x93, 0x01, 0x44, 0x1c, 0x7f, 0xff, 0xd9};
static const uint8_t webp[] = {0x52, 0x49, 0x46, 0x46, 0x3a, 0x00, 0x00, 0x00, 0x57, 0x45, 0x42, 0x50, 0x56, 0x50,
                               0x38, 0x20, 0x2e, 0x00, 0x00, 0x00, 0xd0, 0x01, 0x00, 0x9d, 0x01, 0x2a, 0x10, 0x00,
                               0x10, 0x00, 0x02, 0x00, 0x34, 0x25, 0xa0, 0x02, 0x74, 0xba, 0x01, 0xf8, 0x00, 0x03,
                               0xb0, 0x00, 0xfe, 0xef, 0xfd, 0xc3, 0xff, 0x50, 0x67, 0xc8, 0x33, 0xe4, 0x19, 0xfa,
                               0xa9, 0x7f, 0xf0, 0xab, 0x70, 0xc4, 0x32, 0x74, 0x00, 0x00};

struct fixture {
    struct arena *arena;
    struct scratch *scratch;
    struct feed_server *server;
    struct http_client *client;
    struct workspace workspace;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    f->arena = arena_open();
    f->scratch = scratch_open();
    scratch_write(f->scratch, "www/x", "");
    f->server = feed_server_open(scratch_path(f->scratch, "www"));
    struct http_client_settings settings = {.allow_private = true, .attempts = 1};
    f->client = http_client_open(&settings, NULL);
    struct workspace_settings where = {.data = scratch_path(f->scratch, "data")};
    assert_true(workspace_find(f->arena, &where, &f->workspace, NULL));
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    http_client_close(f->client);
    feed_server_close(f->server);
    scratch_close(f->scratch);
    arena_close(f->arena);
    free(f);
    return 0;
}

static void serve(struct fixture *f, const char *name, const void *bytes, size_t length) {
    assert_true(
        file_write(scratch_path(f->scratch, arena_format(f->arena, "www/%s", name)), bytes, length, 0644, NULL));
}

/* A PNG picture: blue with a red quarter. */
static void serve_cover(struct fixture *f) {
    struct art art = {600, 600, NULL};
    art.pixels = arena_alloc(f->arena, 600 * 600 * 3);
    for (size_t i = 0; i < 600 * 600; i++) {
        bool red = i % 600 < 300 && i / 600 < 300;
        art.pixels[i * 3] = red ? 200 : 20;
        art.pixels[i * 3 + 1] = red ? 30 : 60;
        art.pixels[i * 3 + 2] = red ? 30 : 220;
    }
    const uint8_t *png = NULL;
    size_t length = 0;
    assert_true(art_png(f->arena, &art, &png, &length, NULL));
    serve(f, "cover.png", png, length);
}

static void serve_feed(struct fixture *f, const char *name, const char *title, const char *more) {
    char *text = arena_format(
        f->arena,
        "<?xml version=\"1.0\"?><rss version=\"2.0\" xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\" "
        "xmlns:podcast=\"https://podcastindex.org/namespace/1.0\"><channel><title>%s</title>"
        "<link>https://example.org/show</link><language>en-US</language>"
        "<description>&lt;p&gt;Two friends &amp;amp; their garden.&lt;/p&gt;</description>%s"
        "<item><title>Growing tomatoes</title><pubDate>Mon, 01 Jan 2024 08:00:00 GMT</pubDate>"
        "<enclosure url=\"https://example.org/1.mp3\" type=\"audio/mpeg\"/></item>"
        "<item><title>More about tomatoes</title><pubDate>Tue, 02 Jan 2024 08:00:00 GMT</pubDate>"
        "<enclosure url=\"https://example.org/2.mp3\" type=\"audio/mpeg\"/></item></channel></rss>",
        title, more);
    serve(f, name, text, strlen(text));
}

static bool add_as(struct fixture *f, const char *path, const char *site_id, bool dry, struct add_result *result,
                   struct error *err) {
    struct add_settings settings = {.url = feed_server_url(f->server, path), .site_id = site_id, .dry = dry};
    return podcast_add(f->arena, &f->workspace, f->client, &settings, result, err);
}

static struct site *load(struct fixture *f, const char *id) {
    struct error err = {0};
    struct site *site = site_load(f->arena, file_join(f->arena, f->workspace.sites_folder, id), &err);
    assert_string_equal(err.message, "");
    return site;
}

static void test_one_step(void **state) {
    struct fixture *f = *state;
    struct add_result result = {0};
    struct error err = {0};
    serve_cover(f);
    serve_feed(f, "feed.xml", "The Garden &amp; Caf\xc3\xa9",
               arena_format(f->arena,
                            "<itunes:image href=\"%s\"/><podcast:person>Ann Ash</podcast:person>"
                            "<podcast:person role=\"host\">Bo Birch</podcast:person>"
                            "<podcast:person role=\"guest\">Nobody</podcast:person>",
                            feed_server_url(f->server, "/cover.png")));
    bool done = add_as(f, "/feed.xml", NULL, false, &result, &err);
    assert_string_equal(err.message, "");
    assert_true(done);
    assert_string_equal(result.site_id, "thegardencafe");
    assert_string_equal(result.podcast_id, "thegardencafe-podcast");
    assert_true(result.made_site);
    assert_int_equal(result.episodes, 2);
    assert_int_equal(result.warning_count, 0);
    const struct site *site = load(f, "thegardencafe");
    assert_string_equal(site->header.primary_title, "The Garden & Caf\xc3\xa9");
    assert_string_equal(site->header.tagline_url, "https://example.org/show");
    assert_string_equal(site->metadata.meta_description, "Two friends & their garden.");
    assert_string_equal(site->prompt,
                        "Hi, welcome to The Garden & Caf\xc3\xa9, with Ann Ash and Bo Birch. Let's jump in!");
    assert_string_equal(site->placeholders[0], "tomatoes");
    assert_string_equal(site->language, "en");
    assert_string_equal(site->domain, "thegardencafe.localhost");
    assert_string_equal(site->podcasts[0].url, feed_server_url(f->server, "/feed.xml"));
    assert_string_equal(site->podcasts[0].rss_file, "thegardencafe-podcast.xml");
    assert_true(art_contrast(site->theme_color, "#ffffff") >= 4.5);
    assert_true(art_contrast(site->theme_color_dark, "#121212") >= 4.5);
    /* The site is in order by its own rules: not one finding. */
    struct site_findings findings;
    site_validate(f->arena, site, &findings);
    for (size_t i = 0; i < findings.count; i++)
        print_message("%s %s\n", findings.rows[i].file, findings.rows[i].message);
    assert_int_equal(findings.count, 0);
    /* The icons are pictures of their size. */
    char *bytes = NULL;
    size_t length = 0;
    struct art icon;
    assert_true(file_read(f->arena, file_join(f->arena, site->folder, "assets/apple-touch-icon.png"), 1 << 20, &bytes,
                          &length, NULL));
    assert_true(art_decode(f->arena, bytes, length, &icon, NULL));
    assert_int_equal(icon.width, 180);
    assert_int_equal(icon.height, 180);
    assert_true(file_read(f->arena,
                          file_join(f->arena, site->folder, "assets/social-cards/open-graph-card-1200x630.png"),
                          1 << 22, &bytes, &length, NULL));
    assert_true(art_decode(f->arena, bytes, length, &icon, NULL));
    assert_int_equal(icon.width, 1024); /* made smaller by reading */
    assert_true(
        file_read(f->arena, file_join(f->arena, site->folder, "assets/favicon.ico"), 1 << 20, &bytes, &length, NULL));
    assert_memory_equal(bytes, "\0\0\1\0\1\0", 6);
    assert_true(art_decode(f->arena, bytes + 22, length - 22, &icon, NULL));
    assert_int_equal(icon.width, 32);
}

static void test_known_feed(void **state) {
    struct fixture *f = *state;
    struct add_result result = {0};
    struct error err = {0};
    serve_feed(f, "feed.xml", "Show", "");
    assert_true(add_as(f, "/feed.xml", NULL, false, &result, NULL));
    assert_int_equal(result.warning_count, 2); /* no picture, and so no card */
    assert_false(add_as(f, "/feed.xml", NULL, false, &result, &err));
    assert_int_equal(err.code, ERROR_EXISTS);
    assert_string_equal(err.message, "site \"show\" has this feed already, as podcast \"show-podcast\"");
}

static void test_second_podcast(void **state) {
    struct fixture *f = *state;
    struct add_result result = {0};
    serve_feed(f, "feed.xml", "Show", "");
    serve_feed(f, "extra.xml", "Show Extra", "");
    serve_feed(f, "again.xml", "Show Extra", "");
    assert_true(add_as(f, "/feed.xml", NULL, false, &result, NULL));
    assert_true(add_as(f, "/extra.xml", "show", false, &result, NULL));
    assert_false(result.made_site);
    assert_string_equal(result.podcast_id, "showextra");
    assert_true(add_as(f, "/again.xml", "show", false, &result, NULL));
    assert_string_equal(result.podcast_id, "showextra-2");
    const struct site *site = load(f, "show");
    assert_int_equal(site->podcast_count, 3);
    assert_string_equal(site->podcasts[1].rss_file, "showextra.xml");
    /* Without --site, another site of that name. */
    serve_feed(f, "other.xml", "Show", "");
    assert_true(add_as(f, "/other.xml", NULL, false, &result, NULL));
    assert_string_equal(result.site_id, "show-2");
}

static void test_refused(void **state) {
    struct fixture *f = *state;
    struct add_result result = {0};
    struct error err = {0};
    serve(f, "page.html", "<!DOCTYPE html><html><body>Hello</body></html>", 46);
    assert_false(add_as(f, "/page.html", NULL, false, &result, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_false(add_as(f, "/absent.xml", NULL, false, &result, &err));
    assert_int_equal(err.code, ERROR_HTTP);
    struct add_settings settings = {.url = "file:///etc/passwd"};
    assert_false(podcast_add(f->arena, &f->workspace, f->client, &settings, &result, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    serve_feed(f, "feed.xml", "Show", "");
    assert_false(add_as(f, "/feed.xml", "../up", false, &result, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    /* Nothing was left behind. */
    assert_false(file_is_folder(file_join(f->arena, f->workspace.sites_folder, ".new-show")));
    assert_false(file_is_folder(file_join(f->arena, f->workspace.sites_folder, "show")));
}

static void test_dry(void **state) {
    struct fixture *f = *state;
    struct add_result result = {0};
    serve_feed(f, "feed.xml", "Show", "");
    assert_true(add_as(f, "/feed.xml", NULL, true, &result, NULL));
    assert_string_equal(result.site_id, "show");
    assert_true(result.file_count >= 3);
    assert_false(file_is_folder(f->workspace.sites_folder));
}

/* A picture that is a web page, or damaged, is a warning; the site is made. */
static void test_bad_cover(void **state) {
    struct fixture *f = *state;
    struct add_result result = {0};
    serve(f, "cover.png", "\x89PNG\r\n\x1a\n and then nothing of a picture", 38);
    serve_feed(f, "feed.xml", "Show",
               arena_format(f->arena, "<itunes:image href=\"%s\"/>", feed_server_url(f->server, "/cover.png")));
    assert_true(add_as(f, "/feed.xml", NULL, false, &result, NULL));
    assert_non_null(strstr(result.warnings[0], "no cover: the picture is damaged"));
    assert_string_equal(load(f, "show")->theme_color, "#734ee4");
}

/* Hostile titles and a title of no Latin letter. */
static void test_odd_titles(void **state) {
    struct fixture *f = *state;
    struct add_result result = {0};
    struct error err = {0};
    serve_feed(f, "a.xml", "../../&lt;script&gt;alert(1)&lt;/script&gt; \"quoted\"", "");
    bool done = add_as(f, "/a.xml", NULL, false, &result, &err);
    assert_string_equal(err.message, "");
    assert_true(done);
    assert_string_equal(result.site_id, "alert1quoted");
    serve_feed(f, "b.xml", "\xe6\x97\xa5\xe6\x9c\xac", "");
    assert_true(add_as(f, "/b.xml", NULL, false, &result, NULL));
    assert_true(strlen(result.site_id) == strlen("podcast-00000000"));
    assert_memory_equal(result.site_id, "podcast-", 8);
}

static void test_ids(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *title, *id;
    } ids[] = {{"Hard Fork", "hardfork"},
               {"My Favorite Murder", "myfavoritemurder"},
               {"I Will Always Love Trubbish", "i-will-always-love-trubbish"},
               {"Don't Panic!", "dontpanic"},
               {"99% Invisible", "99invisible"},
               {"\xc3\x89t\xc3\xa9 \xc3\xa0 Lyon", "etealyon"},
               {"A very long title of a show that never seems to come to any end", "a-very-long-title-of-a-show-that"},
               {"Supercalifragilisticexpialidociousness", "supercalifragilisticexpialidocio"},
               {"", ""},
               {"!!!", ""}};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        assert_string_equal(site_id_from_title(f->arena, ids[i].title, SITE_ID_LONGEST), ids[i].id);
}

static void expect_colour(struct fixture *f, const void *bytes, size_t length, const char *extension) {
    struct art art;
    struct error err = {0};
    assert_string_equal(art_extension(bytes, length), extension);
    bool done = art_decode(f->arena, bytes, length, &art, &err);
    assert_string_equal(err.message, "");
    assert_true(done);
    assert_int_equal(art.width, 16);
    /* #2255cc, as far as the compression keeps it. */
    static const int expected[] = {0x22, 0x55, 0xcc};
    for (size_t i = 0; i < 3; i++)
        assert_true(abs(art.pixels[i] - expected[i]) < 12);
}

static void test_art(void **state) {
    struct fixture *f = *state;
    expect_colour(f, jpeg, sizeof(jpeg), "jpg");
    expect_colour(f, webp, sizeof(webp), "webp");
    struct art art;
    struct error err = {0};
    assert_null(art_extension("BM", 2));
    assert_false(art_decode(f->arena, "<html>", 6, &art, &err));
    assert_int_equal(err.code, ERROR_UNSUPPORTED);
    /* A header that announces a picture of 60,000 by 60,000 pixels. */
    static const uint8_t bomb[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0,    0,    0,   13,  'I', 'H',
                                   'D',  'R', 0,   0,   0xEA, 0x60, 0,    0,    0xEA, 0x60, 8,   2,   0,   0,
                                   0,    0,   0,   0,   0,    0,    0,    0,    0,    'I',  'D', 'A', 'T'};
    assert_false(art_decode(f->arena, bomb, sizeof(bomb), &art, &err));
    assert_int_equal(err.code, ERROR_INVALID);
}

static void test_colours(void **state) {
    (void)state;
    /* Black on white is 21, equal colours 1 (WCAG 2.1). */
    assert_true(art_contrast("#000000", "#ffffff") > 20.99 && art_contrast("#000000", "#ffffff") < 21.01);
    assert_true(art_contrast("#777777", "#777777") < 1.001);
    static const uint8_t grounds[][3] = {{255, 255, 0}, {255, 255, 255}, {0, 0, 0}, {10, 10, 60}, {128, 128, 128}};
    for (size_t i = 0; i < sizeof(grounds) / sizeof(grounds[0]); i++) {
        uint8_t pixels[4 * 3];
        for (size_t j = 0; j < 4; j++)
            memcpy(pixels + j * 3, grounds[i], 3);
        struct art art = {2, 2, pixels};
        char light[ART_COLOUR_SIZE], dark[ART_COLOUR_SIZE];
        art_colours(&art, light, dark);
        assert_true(art_contrast(light, "#ffffff") >= 4.5);
        assert_true(art_contrast(dark, "#121212") >= 4.5);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_one_step), TEST(test_known_feed), TEST(test_second_podcast), TEST(test_refused),
        TEST(test_dry),      TEST(test_bad_cover),  TEST(test_odd_titles),     TEST(test_ids),
        TEST(test_art),      TEST(test_colours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
