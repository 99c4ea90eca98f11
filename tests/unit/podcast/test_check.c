/* The check: a site in order has no issue; each kind of damage is named, on the right file. Audio is real: WAV files
 * with a tone and silence. */
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
#include "base/text.h"
#include "podcast/check.h"
#include "podcast/index_site.h"
#include "podcast/manifest.h"
#include "store/object/directory.h"
#include "store/object/faulty.h"
#include "support/scratch.h"

enum { RATE = 8000 };

#define KEY "2024-01-01_First--1700000000000"
#define AUDIO "audio/alpha/" KEY ".wav"
#define TRANSCRIPT "transcripts/alpha/" KEY ".srt"
#define ENTRIES "search-entries/alpha/" KEY ".json"

static const char manifest_text_now[] =
    "{\"lastUpdated\":\"2025-06-01T10:00:00.000Z\",\"episodes\":["
    "{\"sequentialId\":1,\"podcastId\":\"alpha\",\"title\":\"First\",\"fileKey\":\"" KEY "\","
    "\"originalAudioURL\":\"https://example.org/1.wav\",\"summary\":\"\",\"durationInSeconds\":60,"
    "\"publishedAt\":\"2024-01-01T08:00:00.000Z\",\"audioFile\":\"" KEY ".wav\"}]}";

static const char good_srt[] = "1\n00:00:01,000 --> 00:00:09,000\nAn apple a day keeps the doctor away.\n\n"
                               "2\n00:00:10,000 --> 00:00:19,000\nSo they say, at least in books.\n\n"
                               "3\n00:00:20,000 --> 00:00:29,000\nNobody knows who said it first.\n\n"
                               "4\n00:00:30,000 --> 00:00:39,500\nThat is all for today, good bye.\n\n";

struct fixture {
    struct arena *arena;
    struct scratch *scratch;
    struct object_store *files;
    struct site_podcast podcast;
    struct site site;
    struct check_report report;
};

/* Mono, 16 bits: a tone for `heard` seconds, silence to the end; `announced` seconds in the header. */
static void write_wav(struct fixture *f, const char *name, uint32_t heard, uint32_t seconds, uint32_t announced) {
    size_t length = 44 + (size_t)seconds * RATE * 2;
    uint8_t *wav = calloc(1, length);
    uint32_t data = announced * RATE * 2;
    const uint32_t fields[][2] = {{4, data + 36}, {16, 16}, {24, RATE}, {28, RATE * 2}, {40, data}};
    memcpy(wav, "RIFF", 4);
    memcpy(wav + 8, "WAVEfmt ", 8);
    memcpy(wav + 36, "data", 4);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        for (size_t j = 0; j < 4; j++)
            wav[fields[i][0] + j] = (uint8_t)(fields[i][1] >> (8 * j));
    wav[20] = wav[22] = 1;
    wav[32] = 2;
    wav[34] = 16;
    for (size_t i = 0; i < (size_t)heard * RATE; i++)
        wav[44 + i * 2 + 1] = (i / 10) % 2 ? 0x20 : 0xE0;
    const char *path = scratch_path(f->scratch, name);
    assert_true(file_make_parents(path, NULL));
    assert_true(file_write(path, wav, length, 0644, NULL));
    free(wav);
}

static void index_now(struct fixture *f) {
    struct manifest *manifest = manifest_load(f->files, NULL);
    struct index_site_report report;
    struct error err = {0};
    assert_non_null(manifest);
    assert_true(index_site(f->arena, &f->site, manifest, f->files, NULL, &report, &err));
    manifest_close(manifest);
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    f->arena = arena_open();
    f->scratch = scratch_open();
    f->files = directory_store_open(f->scratch->path, NULL);
    f->podcast = (struct site_podcast){.id = "alpha", .title = "Alpha", .active = true};
    f->site = (struct site){.id = "example", .folder = "/nowhere", .podcasts = &f->podcast, .podcast_count = 1};
    scratch_write(f->scratch, MANIFEST_KEY, manifest_text_now);
    scratch_write(f->scratch, TRANSCRIPT, good_srt);
    write_wav(f, AUDIO, 41, 60, 60);
    index_now(f);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    object_store_close(f->files);
    scratch_close(f->scratch);
    arena_close(f->arena);
    free(f);
    return 0;
}

static void check_as(struct fixture *f, bool deep) {
    struct check_settings settings = {
        .deep = deep, .now_ms = 1750000000000, .scratch = deep ? scratch_path(f->scratch, "") : NULL};
    struct error err = {0};
    bool done = check_site(f->arena, &f->site, f->files, &settings, &f->report, &err);
    assert_string_equal(err.message, "");
    assert_true(done);
}

static const struct check_issue *issue(const struct fixture *f, const char *type) {
    for (size_t i = 0; i < f->report.count; i++)
        if (!strcmp(f->report.rows[i].type, type))
            return &f->report.rows[i];
    return NULL;
}

static void print_issues(const struct fixture *f) {
    for (size_t i = 0; i < f->report.count; i++)
        print_message("%s: %s (%s)\n", f->report.rows[i].type, f->report.rows[i].description,
                      f->report.rows[i].details ? f->report.rows[i].details : "");
}

static void expect_issue(const struct fixture *f, const char *type, enum check_severity severity, const char *path) {
    const struct check_issue *row = issue(f, type);
    if (!row) {
        print_issues(f);
        fail_msg("no issue %s", type);
    }
    assert_int_equal(row->severity, severity);
    if (path)
        assert_string_equal(row->file_path, path);
}

static int exit_status(struct fixture *f) {
    const struct check_report *reports[] = {&f->report};
    return check_exit_status(reports, 1);
}

static void test_in_order(void **state) {
    struct fixture *f = *state;
    check_as(f, true);
    if (f->report.summary.issues)
        print_issues(f);
    assert_int_equal(f->report.summary.issues, 0);
    assert_int_equal(f->report.summary.audio_decoded, 1);
    assert_int_equal(exit_status(f), 0);
    char *text = check_text(&f->report, false);
    assert_non_null(strstr(text, "🎉 No issues found! All files are consistent."));
    assert_non_null(strstr(text, "Audio decoded from end to end: 1"));
    free(text);
    check_as(f, false);
    assert_int_equal(f->report.summary.issues, 0);
    assert_int_equal(f->report.summary.audio_decoded, 0);
    text = check_text(&f->report, false);
    assert_non_null(strstr(text, "not looked for: damaged packets, text in silence, holes"));
    free(text);
}

static void test_missing_files(void **state) {
    struct fixture *f = *state;
    assert_true(file_remove(scratch_path(f->scratch, TRANSCRIPT), NULL));
    assert_true(file_remove(scratch_path(f->scratch, ENTRIES), NULL));
    check_as(f, false);
    assert_int_equal(f->report.summary.errors, 3); /* and the index holds an episode without transcript */
    expect_issue(f, "missing-file", CHECK_ERROR, ENTRIES);
    assert_string_equal(f->report.rows[2].description, "Missing transcript for episode in podcast \"alpha\"");
    assert_string_equal(f->report.rows[2].file_path, TRANSCRIPT);
    expect_issue(f, "index-mismatch", CHECK_ERROR, INDEX_KEY);
    assert_int_equal(exit_status(f), 1);
}

/* Audio that is gone while its transcript is there was only an orphan's warning. */
static void test_missing_audio(void **state) {
    struct fixture *f = *state;
    assert_true(file_remove(scratch_path(f->scratch, AUDIO), NULL));
    check_as(f, false);
    expect_issue(f, "missing-file", CHECK_ERROR, AUDIO);
}

static void test_orphaned_row(void **state) {
    struct fixture *f = *state;
    assert_true(file_remove_tree(scratch_path(f->scratch, "audio"), NULL));
    assert_true(file_remove_tree(scratch_path(f->scratch, "transcripts"), NULL));
    assert_true(file_remove_tree(scratch_path(f->scratch, "search-entries"), NULL));
    check_as(f, false);
    expect_issue(f, "missing-file", CHECK_ERROR, NULL);
    assert_string_equal(issue(f, "missing-file")->description,
                        "Orphaned manifest entry - no files exist for episode \"First\"");
    assert_string_equal(issue(f, "missing-file")->episode_title, "First");
}

static void test_strangers(void **state) {
    struct fixture *f = *state;
    scratch_write(f->scratch, "transcripts/alpha/2023-01-01_Gone--1600000000000.srt", good_srt);
    scratch_write(f->scratch, "transcripts/alpha/notes.srt", good_srt);
    scratch_write(f->scratch, "transcripts/old-show/2022-01-01_Old.srt", good_srt);
    check_as(f, false);
    expect_issue(f, "manifest-mismatch", CHECK_ERROR, "transcripts/alpha/2023-01-01_Gone--1600000000000.srt");
    expect_issue(f, "orphaned-file", CHECK_WARNING, "transcripts/alpha/2023-01-01_Gone--1600000000000.srt");
    expect_issue(f, "parse-error", CHECK_ERROR, "transcripts/alpha/notes.srt");
    assert_string_equal(issue(f, "parse-error")->description, "Invalid file key format: \"notes\"");
    /* Folders of podcasts that are no longer configured were not looked into. */
    expect_issue(f, "unconfigured-podcast", CHECK_WARNING, "transcripts/old-show/2022-01-01_Old.srt");
    assert_string_equal(issue(f, "manifest-mismatch")->downloaded_at, "2020-09-13T12:26:40.000Z");
}

/* A transcript of another download passed for that of this one. */
static void test_versions(void **state) {
    struct fixture *f = *state;
    assert_true(file_rename(scratch_path(f->scratch, TRANSCRIPT),
                            scratch_path(f->scratch, "transcripts/alpha/2024-01-01_First--1600000000000.srt"), NULL));
    check_as(f, false);
    expect_issue(f, "version-mismatch", CHECK_ERROR, "transcripts/alpha/2024-01-01_First--1600000000000.srt");
    expect_issue(f, "duplicate-versions", CHECK_WARNING, NULL);
    assert_int_equal(issue(f, "duplicate-versions")->version_count, 2);
}

/* Two episodes that share day and title are not two versions of one. */
static void test_same_title_is_no_version(void **state) {
    struct fixture *f = *state;
    char *text = arena_text(f->arena, manifest_text_now);
    text[strlen(text) - 2] = 0;
    scratch_write(
        f->scratch, MANIFEST_KEY,
        arena_format(
            f->arena,
            "%s,{\"sequentialId\":2,\"podcastId\":\"alpha\",\"title\":\"First\",\"fileKey\":\"2024-01-01_First--"
            "1700000000001\","
            "\"originalAudioURL\":\"https://example.org/2.wav\",\"publishedAt\":\"2024-01-01T09:00:00.000Z\"}]}",
            text));
    check_as(f, false);
    assert_null(issue(f, "duplicate-versions"));
    assert_null(issue(f, "version-mismatch"));
    assert_int_equal(f->report.summary.manifest_entries, 2);
}

/* 0-byte audio and an empty SRT passed. */
static void test_empty_files(void **state) {
    struct fixture *f = *state;
    scratch_write(f->scratch, AUDIO, "");
    check_as(f, true);
    expect_issue(f, "empty-file", CHECK_ERROR, AUDIO);
    scratch_write(f->scratch, TRANSCRIPT, "");
    write_wav(f, AUDIO, 41, 60, 60);
    check_as(f, true);
    expect_issue(f, "empty-file", CHECK_ERROR, TRANSCRIPT);
    scratch_write(f->scratch, TRANSCRIPT, "no cue here\n");
    check_as(f, true);
    expect_issue(f, "empty-transcript", CHECK_ERROR, TRANSCRIPT);
}

static void test_bad_audio(void **state) {
    struct fixture *f = *state;
    scratch_write(f->scratch, AUDIO, "<!DOCTYPE html><html><body>404 Not Found, and some more text</body></html>");
    check_as(f, false);
    expect_issue(f, "unreadable-audio", CHECK_ERROR, AUDIO);
    write_wav(f, AUDIO, 30, 30, 60);
    check_as(f, false);
    expect_issue(f, "truncated-audio", CHECK_ERROR, AUDIO);
    write_wav(f, AUDIO, 20, 20, 20); /* whole, but the feed says 60 seconds */
    check_as(f, false);
    expect_issue(f, "short-audio", CHECK_WARNING, AUDIO);
    expect_issue(f, "beyond-the-end", CHECK_ERROR, TRANSCRIPT);
}

static void test_bad_transcripts(void **state) {
    struct fixture *f = *state;
    scratch_write(f->scratch, TRANSCRIPT,
                  "1\n00:00:01,000 --> 00:00:09,000\nOne.\n\n2\n00:00:05,000 --> 00:00:12,000\nTwo.\n\n"
                  "3\n00:00:45,000 --> 00:00:50,000\nThanks for watching.\n\n");
    check_as(f, true);
    expect_issue(f, "crossing", CHECK_WARNING, TRANSCRIPT);
    expect_issue(f, "text-in-silence", CHECK_WARNING, TRANSCRIPT); /* the tone ends at 41 s */
    TEXT_SCOPED struct text loop;
    text_open(&loop, SIZE_MAX / 2);
    for (int i = 0; i < 13; i++)
        text_append_format(&loop, "%d\n00:00:%02d,000 --> 00:00:%02d,000\nI am going to go now.\n\n", i + 1, i * 3,
                           i * 3 + 3);
    scratch_write(f->scratch, TRANSCRIPT, text_value(&loop));
    check_as(f, false);
    expect_issue(f, "loop", CHECK_WARNING, TRANSCRIPT);
    assert_non_null(strstr(issue(f, "loop")->details, "Time range: "));
}

static void test_short_transcript(void **state) {
    struct fixture *f = *state;
    write_wav(f, AUDIO, 600, 600, 600);
    check_as(f, false);
    expect_issue(f, "short-transcript", CHECK_WARNING, TRANSCRIPT);
}

static void test_stale_entries_and_index(void **state) {
    struct fixture *f = *state;
    /* A correction after indexing: entries and index keep the old text. */
    char *changed = arena_text(f->arena, good_srt);
    memcpy(strstr(changed, "apple"), "peach", 5);
    scratch_write(f->scratch, TRANSCRIPT, changed);
    check_as(f, false);
    expect_issue(f, "stale-entries", CHECK_ERROR, ENTRIES);
    expect_issue(f, "index-mismatch", CHECK_ERROR, INDEX_KEY);
    scratch_write(f->scratch, TRANSCRIPT, good_srt);
    /* Numbers shifted after the entries were written. */
    char *entries = arena_text(f->arena, scratch_read(f->scratch, ENTRIES));
    memcpy(strstr(entries, "1_1000"), "9_1000", 6);
    scratch_write(f->scratch, ENTRIES, entries);
    check_as(f, false);
    expect_issue(f, "stale-entries", CHECK_ERROR, ENTRIES);
    assert_string_equal(issue(f, "stale-entries")->details, "\"9_1000\" should be \"1_1000\"");
}

static void test_damaged_index(void **state) {
    struct fixture *f = *state;
    scratch_write(f->scratch, INDEX_KEY, "not an index, whatever it was before somebody wrote this text into it");
    check_as(f, false);
    expect_issue(f, "index-damaged", CHECK_ERROR, INDEX_KEY);
    assert_true(file_remove(scratch_path(f->scratch, INDEX_KEY), NULL));
    check_as(f, false);
    expect_issue(f, "missing-file", CHECK_ERROR, INDEX_KEY);
}

static void test_damaged_manifest(void **state) {
    struct fixture *f = *state;
    scratch_write(f->scratch, MANIFEST_KEY, "{");
    check_as(f, false);
    expect_issue(f, "manifest-unreadable", CHECK_ERROR, MANIFEST_KEY);
    assert_null(issue(f, "manifest-mismatch")); /* what cannot be read says nothing about the files */
}

static void test_words(void **state) {
    struct fixture *f = *state;
    scratch_write(f->scratch, "transcripts/alpha/" KEY ".words.json",
                  "{\"version\":1,\"language\":\"en\",\"words\":[{\"w\":\"An\",\"s\":5}]}");
    check_as(f, false);
    expect_issue(f, "unreadable-words", CHECK_WARNING, "transcripts/alpha/" KEY ".words.json");
    assert_int_equal(exit_status(f), 2);
}

/* A listing that fails is no site without files. */
static void test_listing_fails(void **state) {
    struct fixture *f = *state;
    const struct fault faults[] = {{FAULTY_LIST, FAULTY_FAIL, 2, false, ERROR_IO, false, 0}};
    const struct faulty_plan plan = {.faults = faults, .count = 1};
    struct object_store *faulty = faulty_store_open(f->files, &plan, NULL);
    struct check_settings settings = {.now_ms = 1};
    struct error err = {0};
    assert_false(check_site(f->arena, &f->site, faulty, &settings, &f->report, &err));
    assert_int_equal(err.code, ERROR_IO);
    object_store_close(faulty);
}

static void test_cancelled(void **state) {
    struct fixture *f = *state;
    struct cancel cancel = {true};
    struct check_settings settings = {.now_ms = 1, .cancel = &cancel};
    struct error err = {0};
    assert_false(check_site(f->arena, &f->site, f->files, &settings, &f->report, &err));
    assert_int_equal(err.code, ERROR_CANCELLED);
}

/* Music alone: the engine heard nobody, and said so. That is no damage. */
static void test_nobody_speaks(void **state) {
    struct fixture *f = *state;
    scratch_write(f->scratch, "transcripts/alpha/" KEY ".words.json",
                  "{\"version\":1,\"language\":\"en\",\"words\":[]}");
    scratch_write(f->scratch, TRANSCRIPT, "");
    index_now(f);
    check_as(f, true);
    expect_issue(f, "empty-transcript", CHECK_INFO, TRANSCRIPT);
    assert_int_equal(f->report.summary.issues, 1);
    assert_int_equal(exit_status(f), 0);
}

static void test_report_forms(void **state) {
    struct fixture *f = *state;
    assert_true(file_remove(scratch_path(f->scratch, AUDIO), NULL));
    scratch_write(f->scratch, "transcripts/alpha/2024-01-01_First--1600000000000.srt", good_srt);
    check_as(f, false);
    json_t *json = check_json(&f->report);
    const json_t *summary = json_object_get(json, "summary");
    static const char *const counts[] = {"audioFiles",      "transcriptFiles", "searchEntryFiles",
                                         "manifestEntries", "totalEpisodes",   "totalIssues",
                                         "errors",          "warnings",        "info"};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        assert_true(json_is_integer(json_object_get(summary, counts[i])));
    assert_int_equal(json_integer_value(json_object_get(summary, "transcriptFiles")), 2);
    assert_string_equal(json_string_value(json_object_get(json, "siteId")), "example");
    assert_string_equal(json_string_value(json_object_get(json, "timestamp")), "2025-06-15T15:06:40.000Z");
    assert_int_equal(json_array_size(json_object_get(json, "issues")), f->report.summary.issues);
    json_decref(json);
    char *text = check_text(&f->report, true);
    assert_non_null(strstr(text, "📊 FILE CONSISTENCY REPORT"));
    assert_non_null(strstr(text, "📈 SUMMARY:"));
    assert_non_null(strstr(text, "🔍 DETAILED ISSUES:"));
    assert_non_null(strstr(text, "\nMISSING FILE:\n"));
    assert_non_null(strstr(text, "     Version: 2024-01-01_First--1600000000000\n"));
    assert_non_null(strstr(text, "💡 RECOMMENDATIONS:"));
    free(text);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_in_order),
        TEST(test_missing_files),
        TEST(test_missing_audio),
        TEST(test_orphaned_row),
        TEST(test_strangers),
        TEST(test_versions),
        TEST(test_same_title_is_no_version),
        TEST(test_empty_files),
        TEST(test_bad_audio),
        TEST(test_bad_transcripts),
        TEST(test_short_transcript),
        TEST(test_stale_entries_and_index),
        TEST(test_damaged_index),
        TEST(test_damaged_manifest),
        TEST(test_words),
        TEST(test_nobody_speaks),
        TEST(test_listing_fails),
        TEST(test_cancelled),
        TEST(test_report_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
