/* The history file for people: its form, old files, what piled up in them. */
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/history_file.h"
#include "support/scratch.h"

enum { HOUR_MS = 3600000 };

static json_t *parse(const char *text) {
    TEXT_OWNED char *copy = memory_text(text);
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    struct error err = {0};
    json_t *value = json_parse(copy, strlen(copy), &err);
    assert_non_null(value);
    return value;
}

static size_t count_of(const char *text, const char *part) {
    size_t count = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        count++;
    return count;
}

static const char good[] =
    "{'startedAt':'2026-11-26T01:59:00.000Z','endedAt':'2026-11-26T02:12:45.500Z','durationMs':12345,'sites':["
    "{'siteId':'one','siteTitle':'Site One','newAudioFilesDownloaded':3,'newEpisodesTranscribed':2,"
    "'s3SyncTotalFilesUploaded':5,'rssRetrievalSuccess':true,'audioProcessingSuccess':true,'s3SyncSuccess':true,"
    "'localIndexingSuccess':null,'errors':[]},"
    "{'siteId':'two','siteTitle':'Two','rssRetrievalSuccess':true,'audioProcessingSuccess':true,"
    "'localIndexingSuccess':null,'errors':[]}]}";

static void an_entry_has_the_form_that_is_read_today(void **unused) {
    (void)unused;
    JSON_OWNED json_t *record = parse(good);
    TEXT_OWNED char *entry = history_entry(record, HOUR_MS);
    assert_string_equal(entry, "## 11/26/2026, 3:12:45 AM - ✅ SUCCESS\n\n"
                               "**Duration:** 12.3s  \n"
                               "**Sites Processed:** 2  \n"
                               "**Total Files Uploaded:** 5  \n"
                               "**Audio Files Downloaded:** 3  \n"
                               "**Episodes Transcribed:** 2  \n\n"
                               "### Site Results\n\n"
                               "**✅ Site One** (`one`)  \n"
                               "  📥 Audio Files: 3  \n"
                               "  🎤 Transcribed: 2  \n"
                               "  📤 Files Uploaded: 5  \n\n"
                               "**✅ Two** (`two`)  \n\n"
                               "### Success Rates\n\n"
                               "**RSS Retrieval:** 2/2 (100.0%)  \n"
                               "**Audio Processing:** 2/2 (100.0%)  \n"
                               "**S3 Upload:** 1/1 (100.0%)  \n"
                               "\n---\n");
}

static void errors_are_named_and_begin_no_line(void **unused) {
    (void)unused;
    redact_add("hunter2hunter2");
    JSON_OWNED json_t *record =
        parse("{'endedAt':'2026-11-26T13:00:00.000Z','durationMs':1,'interrupted':true,'errors':['it was killed'],"
              "'sites':[{'siteId':'one','siteTitle':'A\\n## B','rssRetrievalSuccess':false,'newPhaseSuccess':false,"
              "'errors':['feed: gone\\n---\\nsecret hunter2hunter2','second']}]}");
    TEXT_OWNED char *entry = history_entry(record, 0);
    assert_non_null(strstr(entry, "## 11/26/2026, 1:00:00 PM - ❌ ERRORS\n"));
    assert_non_null(strstr(entry, "**Error Count:** 3  \n"));
    assert_non_null(strstr(entry, "**Errors:** it was killed  \n"));
    assert_non_null(strstr(entry, "**❌ A ## B** (`one`)  \n"));
    assert_non_null(strstr(entry, "  ⚠️ Errors: feed: gone --- secret ***"));
    assert_non_null(strstr(entry, ", second  \n"));
    assert_null(strstr(entry, "hunter2"));
    /* A phase that this file has never heard of is there by its name. */
    assert_non_null(strstr(entry, "**New Phase:** 0/1 (0.0%)  \n"));
    assert_int_equal(count_of(entry, "\n## "), 0);
    assert_int_equal(count_of(entry, "\n---\n"), 1);
}

#define OLD_ABOUT "This file lists the runs, the newest on top."
static const char old_file[] = "# Ingestion Pipeline Run History\n\n" OLD_ABOUT "\n\n"
                               "## 1/3/2025, 4:00:00 AM - ❌ ERRORS\n\n**Duration:** 3.0s  \n\n---\n\n"
                               "\n" OLD_ABOUT "\n\n"
                               "## 1/2/2025, 4:00:00 AM - ✅ SUCCESS\n\n**Duration:** 2.0s  \n\n---\n\n"
                               "a note of mine\n"
                               "\n" OLD_ABOUT "\n\n"
                               "## 1/1/2025, 4:00:00 AM - ✅ SUCCESS\n\n**Duration:** 1.0s  \n\n---\n\n";

static void an_old_file_is_kept_and_its_header_stands_once(void **unused) {
    (void)unused;
    struct scratch *scratch = scratch_open();
    const char *path = scratch_write(scratch, "logs/" HISTORY_FILE_NAME, old_file);
    JSON_OWNED json_t *record = parse(good);
    struct error err = {0};
    assert_true(history_file_add(path, record, 0, &err));
    assert_true(history_file_add(path, record, 0, &err));
    const char *text = scratch_read(scratch, "logs/" HISTORY_FILE_NAME);
    assert_true(text_starts(text, "# Ingestion Pipeline Run History\n\n" OLD_ABOUT "\n\n## 11/26/2026, 2:12:45 AM"));
    assert_int_equal(count_of(text, "# Ingestion Pipeline Run History"), 1);
    assert_int_equal(count_of(text, OLD_ABOUT), 1);
    assert_int_equal(count_of(text, "\n## 11/26/2026"), 2);
    assert_int_equal(count_of(text, "a note of mine\n"), 1);
    /* What the scripts' own reader splits at. */
    assert_int_equal(count_of(text, "---\n\n"), 5);
    const char *third = strstr(text, "\n## 1/3/2025, 4:00:00 AM - ❌ ERRORS\n\n**Duration:** 3.0s  \n\n---\n\n");
    const char *second = strstr(text, "\n## 1/2/2025");
    const char *first = strstr(text, "\n## 1/1/2025");
    assert_true(third && second > third && first > second);
    scratch_close(scratch);
}

static void a_new_file_is_made_with_its_folders(void **unused) {
    (void)unused;
    struct scratch *scratch = scratch_open();
    const char *path = scratch_path(scratch, "a/b/" HISTORY_FILE_NAME);
    JSON_OWNED json_t *record = parse(good);
    struct error err = {0};
    const char **entries = NULL;
    size_t count = 7;
    assert_true(history_file_newest(scratch->arena, path, 5, &entries, &count, &err));
    assert_int_equal(count, 0);
    assert_true(history_file_add(path, record, 0, &err));
    assert_true(text_starts(scratch_read(scratch, "a/b/" HISTORY_FILE_NAME), "# Ingestion Pipeline Run History\n\n"));
    assert_true(history_file_newest(scratch->arena, path, 5, &entries, &count, &err));
    assert_int_equal(count, 1);
    TEXT_OWNED char *entry = history_entry(record, 0);
    assert_string_equal(entries[0], entry);
    scratch_close(scratch);
}

static void it_does_not_grow_for_ever(void **unused) {
    (void)unused;
    struct text old;
    text_open(&old, 64 * MIB);
    for (int i = 0; i < LIMIT_HISTORY_ENTRIES + 10; i++)
        text_append_format(&old, "## entry %d\n\nx\n\n---\n\n", i);
    TEXT_OWNED char *once = history_merge(text_value(&old), old.length, "## new\n\n---\n");
    assert_int_equal(count_of(once, "\n## "), LIMIT_HISTORY_ENTRIES);
    assert_true(text_ends(once, "---\n\n*Older runs were left out of this file.*\n"));
    TEXT_OWNED char *twice = history_merge(once, strlen(once), "## newer\n\n---\n");
    assert_int_equal(count_of(twice, "\n## "), LIMIT_HISTORY_ENTRIES);
    assert_int_equal(count_of(twice, "Older runs"), 1);
    assert_true(text_ends(twice, "*Older runs were left out of this file.*\n"));
    text_reset(&old);
    for (int i = 0; i < 40; i++)
        text_append_format(&old, "## entry %d\n\n%0100000d\n\n---\n\n", i, i);
    TEXT_OWNED char *large = history_merge(text_value(&old), old.length, "## new\n\n---\n");
    assert_true(strlen(large) < LIMIT_HISTORY_BYTES + 200);
    assert_non_null(strstr(large, "## entry 0\n"));
    assert_non_null(strstr(large, "Older runs"));
    text_close(&old);
}

static void a_file_that_cannot_be_read_is_not_replaced(void **unused) {
    (void)unused;
    struct scratch *scratch = scratch_open();
    const char *path = scratch_path(scratch, HISTORY_FILE_NAME);
    scratch_write(scratch, HISTORY_FILE_NAME "/inside", "x"); /* a folder in its place */
    JSON_OWNED json_t *record = parse(good);
    struct error err = {0};
    assert_false(history_file_add(path, record, 0, &err));
    assert_string_equal(scratch_read(scratch, HISTORY_FILE_NAME "/inside"), "x");
    scratch_close(scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_has_the_form_that_is_read_today),
        cmocka_unit_test(errors_are_named_and_begin_no_line),
        cmocka_unit_test(an_old_file_is_kept_and_its_header_stands_once),
        cmocka_unit_test(a_new_file_is_made_with_its_folders),
        cmocka_unit_test(it_does_not_grow_for_ever),
        cmocka_unit_test(a_file_that_cannot_be_read_is_not_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
