#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/file.h"
#include "podcast/manifest.h"
#include "store/object/directory.h"
#include "support/scratch.h"

/* As the older system writes it, with a field of somebody else's. */
static const char users[] = "{\n"
                            "  \"lastUpdated\": \"2025-06-01T10:00:00.000Z\",\n"
                            "  \"episodes\": [\n"
                            "    {\n"
                            "      \"sequentialId\": 1,\n"
                            "      \"podcastId\": \"hard-fork\",\n"
                            "      \"title\": \"Caf\xc3\xa9 / \\\"quoted\\\"\",\n"
                            "      \"fileKey\": \"2024-01-31_Caf_quoted--1748735400000\",\n"
                            "      \"originalAudioURL\": \"https://example.org/a.mp3?x=1\",\n"
                            "      \"summary\": \"<p>Hi</p>\",\n"
                            "      \"durationInSeconds\": 3600.5,\n"
                            "      \"publishedAt\": \"2024-01-31T00:00:00.000Z\",\n"
                            "      \"downloadedAt\": \"2025-05-31T23:50:00.000Z\",\n"
                            "      \"hasCompletedLLMAnnotations\": false,\n"
                            "      \"llmAnnotations\": {},\n"
                            "      \"somebodyElses\": [\n"
                            "        1\n"
                            "      ]\n"
                            "    }\n"
                            "  ],\n"
                            "  \"alsoElse\": true\n"
                            "}";

static void test_read_and_write(void **state) {
    (void)state;
    struct manifest *manifest = manifest_parse(users, strlen(users), NULL);
    assert_non_null(manifest);
    assert_int_equal(manifest->count, 1);
    const struct episode *row = manifest->episodes[0];
    assert_int_equal(row->id, 1);
    assert_string_equal(row->podcast_id, "hard-fork");
    assert_true(row->duration_s > 3600.4 && row->duration_s < 3600.6);
    assert_int_equal(row->published_ms, 1706659200000);
    assert_int_equal(row->downloaded_ms, 1748735400000);
    assert_int_equal(manifest->updated_ms, 1748772000000);
    assert_false(manifest->changed);
    /* Nothing of it is lost, not even the order of what is not known. */
    char *text = manifest_text(manifest);
    assert_string_equal(text, users);
    free(text);
    manifest_close(manifest);
}

static void expect_refused(const char *text, enum error_code code, const char *message) {
    struct error err = {0};
    assert_null(manifest_parse(text, strlen(text), &err));
    assert_int_equal(err.code, code);
    assert_string_equal(err.message, message);
}

static void test_refused(void **state) {
    (void)state;
    expect_refused("[]", ERROR_INVALID, "is not an object");
    expect_refused("{\"episodes\":{}}", ERROR_INVALID, "episodes is not a list");
    expect_refused("{}", ERROR_INVALID, "episodes is missing");
    expect_refused("{\"episodes\":[3]}", ERROR_INVALID, "episodes[0]: is not an object");
    expect_refused("{\"episodes\":[{\"podcastId\":\"a\",\"title\":1984}]}", ERROR_INVALID,
                   "episodes[0]: title is not text");
    expect_refused(
        "{\"episodes\":[{\"podcastId\":\"../a\",\"title\":\"t\",\"fileKey\":\"k\",\"originalAudioURL\":\"u\"}]}",
        ERROR_INVALID, "episodes[0]: podcastId, fileKey or audioFile is empty or leads to another folder");
    struct error err = {0};
    assert_null(manifest_parse("{\"episodes\":\n[}", 15, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_non_null(strstr(err.message, "line 2"));
}

static const char *row_text(struct arena *arena, int id, const char *key, const char *date) {
    return arena_format(arena,
                        "{\"sequentialId\":%d,\"podcastId\":\"p\",\"title\":\"t\",\"fileKey\":\"%s\","
                        "\"originalAudioURL\":\"https://example.org/%s\",\"publishedAt\":\"%s\"}",
                        id, key, key, date);
}

/* Two rows with one number, and one without: the first keeps it. Rows with unreadable dates sort last. */
static void test_numbers_mended(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    char *text = arena_format(arena, "{\"episodes\":[%s,%s,%s,%s]}", row_text(arena, 3, "odd", "BST"),
                              row_text(arena, 3, "b", "2024-01-02T00:00:00.000Z"),
                              row_text(arena, 0, "c", "2024-01-03T00:00:00.000Z"),
                              row_text(arena, 3, "a", "2024-01-01T00:00:00.000Z"));
    struct manifest *manifest = manifest_parse(text, strlen(text), NULL);
    assert_non_null(manifest);
    manifest_number_new(manifest);
    static const char *const keys[] = {"a", "b", "c", "odd"};
    static const int ids[] = {4, 5, 6, 3};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(manifest->episodes[i]->file_key, keys[i]);
        assert_int_equal(manifest->episodes[i]->id, ids[i]);
    }
    assert_false(manifest->episodes[3]->published_known);
    manifest_close(manifest);
}

static void test_save_only_when_changed(void **state) {
    (void)state;
    struct scratch *scratch = scratch_open();
    struct object_store *files = directory_store_open(scratch->path, NULL);
    bool written = true;
    struct manifest *manifest = manifest_load(files, NULL);
    assert_non_null(manifest);
    assert_int_equal(manifest->count, 0);
    /* A site without manifest gets an empty one, once. */
    assert_true(manifest_save(manifest, files, 1748772000000, &written, NULL));
    assert_true(written);
    manifest_close(manifest);
    assert_string_equal(scratch_read(scratch, MANIFEST_KEY),
                        "{\n  \"lastUpdated\": \"2025-06-01T10:00:00.000Z\",\n  \"episodes\": []\n}");
    manifest = manifest_load(files, NULL);
    assert_true(manifest_save(manifest, files, 1748772009999, &written, NULL));
    assert_false(written);
    assert_int_equal(manifest->updated_ms, 1748772000000);
    manifest_close(manifest);
    object_store_close(files);
    scratch_close(scratch);
}

/* A failure to look is not an empty manifest. */
static void test_unreadable(void **state) {
    (void)state;
    struct scratch *scratch = scratch_open();
    scratch_write(scratch, MANIFEST_KEY, "{ broken");
    struct object_store *files = directory_store_open(scratch->path, NULL);
    struct error err = {0};
    assert_null(manifest_load(files, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_non_null(strstr(err.message, MANIFEST_KEY));
    object_store_close(files);
    scratch_close(scratch);
}

/* Audio that changed behind its address: a new key, the same number. */
static void test_new_version(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    struct manifest *manifest = manifest_parse(users, strlen(users), NULL);
    struct episode *row = manifest_find(manifest, 1);
    episode_set_audio_extension(manifest, row, ".m4a");
    assert_string_equal(episode_audio_key(arena, row), "audio/hard-fork/2024-01-31_Caf_quoted--1748735400000.m4a");
    assert_string_equal(manifest_new_version(manifest, row, 1750000000000), "2024-01-31_Caf_quoted--1748735400000");
    assert_string_equal(row->file_key, "2024-01-31_Caf_quoted--1750000000000");
    assert_int_equal(row->id, 1);
    assert_int_equal(row->downloaded_ms, 1750000000000);
    assert_string_equal(episode_audio_key(arena, row), "audio/hard-fork/2024-01-31_Caf_quoted--1750000000000.m4a");
    assert_string_equal(episode_transcript_key(arena, row),
                        "transcripts/hard-fork/2024-01-31_Caf_quoted--1750000000000.srt");
    /* A clock that went back still gives a newer key. */
    manifest_new_version(manifest, row, 5);
    assert_string_equal(row->file_key, "2024-01-31_Caf_quoted--1750000000001");
    episode_set_audio_extension(manifest, row, "mp3");
    assert_null(row->audio_file);
    assert_true(manifest->changed);
    assert_ptr_equal(manifest_find_key(manifest, "hard-fork", "2024-01-31_Caf_quoted--1750000000001"), row);
    assert_null(manifest_find_key(manifest, "other", "2024-01-31_Caf_quoted--1750000000001"));
    manifest_close(manifest);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_and_write), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_numbers_mended), cmocka_unit_test(test_save_only_when_changed),
        cmocka_unit_test(test_unreadable),     cmocka_unit_test(test_new_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
