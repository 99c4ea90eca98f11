#include "support/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "http/catalog.h"
#include "podcast/index_site.h"
#include "store/object/directory.h"
#include "support/scratch.h"

enum { READERS = 4, ROUNDS = 40 };

static struct scratch *scratch;
static struct catalog *catalog;
static atomic_bool over;

static const char config_text[] =
    "{\"id\":\"one\",\"domain\":\"One.example\",\"appHeader\":{\"primaryTitle\":\"%s\",\"includeTitlePrefix\":false,"
    "\"taglinePrimaryPodcastName\":\"One\",\"taglinePrimaryPodcastExternalURL\":\"https://"
    "example.org\",\"taglineSuffix\":\"archives\"},"
    "\"socialAndMetadata\":{\"pageTitle\":\"One\",\"canonicalUrl\":\"https://one.example\",\"openGraphImagePath\":\"\","
    "\"metaDescription\":\"d\",\"metaTitle\":\"t\"},\"includedPodcasts\":[{\"id\":\"cast\",\"rssFeedFile\":\"cast."
    "xml\","
    "\"title\":\"Cast\",\"status\":\"active\",\"url\":\"%s\"}],\"whisperTranscriptionPrompt\":\"Hi.\",\"themeColor\":"
    "\"#123456\","
    "\"themeColorDark\":\"#654321\",\"searchPlaceholderOptions\":[\"x\"]}";

static const char row_text[] =
    "{\"sequentialId\":%d,\"podcastId\":\"cast\",\"title\":\"Episode "
    "%d\",\"fileKey\":\"2024-01-01_E%d--1700000000000\","
    "\"originalAudioURL\":\"https://example.org/"
    "%d.mp3?token=audiosecret\",\"summary\":\"\",\"publishedAt\":\"2024-01-01T00:00:00.000Z\","
    "\"hasCompletedLLMAnnotations\":false,\"llmAnnotations\":{}}";

/* Whole or absent, as runs write. */
static void write_file(const char *name, const char *text) {
    char part[256];
    snprintf(part, sizeof(part), "%s.new", name);
    const char *from = scratch_write(scratch, part, text);
    if (rename(from, scratch_path(scratch, name)) != 0)
        fail_msg("%s", name);
}

static void write_config(const char *title, const char *url) {
    char text[2048];
    snprintf(text, sizeof(text), config_text, title, url);
    write_file("sites/my-sites/one/site.config.json", text);
}

static void write_episodes(int count) {
    char text[16384] = "{\"lastUpdated\":\"2024-01-02T00:00:00.000Z\",\"episodes\":[";
    for (int i = 1; i <= count; i++) {
        char row[1024], name[256];
        snprintf(row, sizeof(row), row_text, i, i, i, i);
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i > 1 ? "," : "", row);
        snprintf(name, sizeof(name), "objects/sites/one/transcripts/cast/2024-01-01_E%d--1700000000000.srt", i);
        write_file(name, "1\n00:00:00,000 --> 00:00:04,000\nElephants walk.\n\n");
    }
    snprintf(text + strlen(text), sizeof(text) - strlen(text), "]}");
    write_file("objects/sites/one/episode-manifest/full-episode-manifest.json", text);
}

static void make_index(void) {
    struct arena *arena = arena_open();
    struct error err = {0};
    struct object_store *files = directory_store_open(scratch_path(scratch, "objects/sites/one"), &err);
    struct site *site = site_load(arena, scratch_path(scratch, "sites/my-sites/one"), &err);
    struct manifest *manifest = manifest_load(files, &err);
    struct index_site_settings settings = {0};
    struct index_site_report report;
    if (!site || !manifest || !index_site(arena, site, manifest, files, &settings, &report, &err))
        fail_msg("%s", err.message);
    manifest_close(manifest);
    object_store_close(files);
    arena_close(arena);
}

static struct workspace_settings settings;

static int open_world(void **state) {
    struct error err = {0};
    (void)state;
    scratch = scratch_open();
    write_config("First", "https://example.org/feed.xml");
    write_episodes(1);
    make_index();
    settings = (struct workspace_settings){.data = scratch->path};
    catalog = catalog_open(&settings, &err);
    if (!catalog)
        fail_msg("%s", err.message);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    catalog_close(catalog);
    scratch_close(scratch);
    return 0;
}

static size_t episodes_now(void) {
    struct error err = {0};
    const struct catalog_view *view = catalog_view_take(catalog);
    struct catalog_manifest *manifest = catalog_manifest_take(catalog_find(view, "one"), &err);
    assert_non_null(manifest);
    size_t count = manifest->manifest->count;
    catalog_manifest_give(manifest);
    catalog_view_give(view);
    return count;
}

static void sites_are_found_by_id_and_host(void **state) {
    (void)state;
    const struct catalog_view *view = catalog_view_take(catalog);
    assert_non_null(catalog_find(view, "one"));
    assert_null(catalog_find(view, "two"));
    assert_ptr_equal(catalog_find_domain(view, "one.example"), catalog_find(view, "one"));
    assert_ptr_equal(catalog_find_domain(view, "one.example:8080"), catalog_find(view, "one"));
    assert_null(catalog_find_domain(view, "one.example.org"));
    assert_null(catalog_find_domain(view, "one.exampl"));
    assert_null(catalog_find_domain(view, ""));
    assert_null(catalog_find_domain(view, "[::1]:80"));
    catalog_view_give(view);
}

static void what_was_taken_stays_as_it_was(void **state) {
    struct error err = {0};
    (void)state;
    const struct catalog_view *old = catalog_view_take(catalog);
    struct catalog_manifest *manifest = catalog_manifest_take(catalog_find(old, "one"), &err);
    struct index_reader *reader = catalog_reader_take(catalog_find(old, "one")->live, &err);
    size_t count;
    write_episodes(2);
    write_config("Second", "https://example.org/feed.xml");
    make_index();
    assert_true(catalog_refresh(catalog, &err));
    assert_int_equal(episodes_now(), 2);
    assert_int_equal(manifest->manifest->count, 1);
    assert_string_equal(catalog_find(old, "one")->site->header.primary_title, "First");
    index_reader_entries(reader, &count);
    assert_int_equal(count, 1);
    catalog_reader_give(catalog_find(old, "one")->live, reader);
    catalog_manifest_give(manifest);
    catalog_view_give(old);
    const struct catalog_view *view = catalog_view_take(catalog);
    assert_string_equal(catalog_find(view, "one")->site->header.primary_title, "Second");
    reader = catalog_reader_take(catalog_find(view, "one")->live, &err);
    index_reader_entries(reader, &count);
    assert_int_equal(count, 2);
    catalog_reader_give(catalog_find(view, "one")->live, reader);
    catalog_view_give(view);
}

/* The manifest did not change, but whether its addresses may be shown did. */
static void a_feed_that_becomes_private_is_covered(void **state) {
    struct error err = {0};
    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct catalog_view *view = catalog_view_take(catalog);
        struct catalog_manifest *manifest = catalog_manifest_take(catalog_find(view, "one"), &err);
        const struct catalog_text *text = catalog_manifest_text(manifest, catalog_find(view, "one")->site);
        assert_int_equal(strstr(text->text, "audiosecret") != NULL, i == 0);
        catalog_manifest_give(manifest);
        catalog_view_give(view);
        write_config("Third", "https://example.org/feed.xml?token=feedsecret");
        assert_true(catalog_refresh(catalog, &err));
    }
}

/* What is not used goes after a while; the facts stay, and what is held stays whole. */
static void what_nobody_uses_is_let_go(void **state) {
    struct error err = {0};
    struct catalog_facts facts;
    uint64_t passages = 0;
    (void)state;
    const struct catalog_view *view = catalog_view_take(catalog);
    const struct catalog_entry *entry = catalog_find(view, "one");
    struct catalog_manifest *held = catalog_manifest_take(entry, &err);
    catalog_reader_give(entry->live, catalog_reader_take(entry->live, &err));
    for (int i = 0; i < CATALOG_KEEP_TICKS; i++)
        assert_false(catalog_trim(catalog));
    assert_true(catalog_trim(catalog));
    assert_false(catalog_trim(catalog));
    assert_int_equal(held->manifest->count, 1);
    assert_true(catalog_facts(entry, &facts, &err));
    assert_int_equal(facts.episodes, 1);
    assert_true(catalog_index_look(entry->live, &passages, &err));
    assert_int_equal(passages, 1);
    assert_false(catalog_trim(catalog)); /* looking kept nothing open */
    struct catalog_manifest *again = catalog_manifest_take(entry, &err);
    assert_ptr_not_equal(again, held);
    catalog_manifest_give(again);
    catalog_manifest_give(held);
    catalog_view_give(view);
}

static void *read_on(void *to) {
    size_t *looks = to;
    while (!over) {
        struct error err = {0};
        const struct catalog_view *view = catalog_view_take(catalog);
        const struct catalog_entry *entry = catalog_find(view, "one");
        struct catalog_manifest *manifest = catalog_manifest_take(entry, &err);
        struct index_reader *reader = catalog_reader_take(entry->live, &err);
        struct arena *arena = arena_open();
        struct index_passage *passages;
        size_t count;
        if (!manifest || !reader || !index_reader_passages(arena, reader, 1, &passages, &count, &err) ||
            catalog_manifest_text(manifest, entry->site)->length == 0) {
            *looks = 0;
            fprintf(stderr, "%s\n", err.message);
            over = true;
        }
        *looks += 1;
        arena_close(arena);
        catalog_reader_give(entry->live, reader);
        catalog_manifest_give(manifest);
        catalog_view_give(view);
    }
    return NULL;
}

static void readers_and_changes_do_not_meet(void **state) {
    pthread_t threads[READERS];
    size_t looks[READERS] = {0};
    (void)state;
    over = false;
    for (int i = 0; i < READERS; i++)
        pthread_create(&threads[i], NULL, read_on, &looks[i]);
    for (int round = 0; round < ROUNDS && !over; round++) {
        struct error err = {0};
        char title[32];
        snprintf(title, sizeof(title), "Round %d", round);
        write_config(title, "https://example.org/feed.xml");
        write_episodes(1 + round % 7);
        make_index();
        if (!catalog_refresh(catalog, &err))
            fail_msg("%s", err.message);
        assert_int_equal(episodes_now(), 1 + round % 7);
    }
    bool failed = over;
    over = true;
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_false(failed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sites_are_found_by_id_and_host, open_world, close_world),
        cmocka_unit_test_setup_teardown(what_was_taken_stays_as_it_was, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_feed_that_becomes_private_is_covered, open_world, close_world),
        cmocka_unit_test_setup_teardown(what_nobody_uses_is_let_go, open_world, close_world),
        cmocka_unit_test_setup_teardown(readers_and_changes_do_not_meet, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
