/* Two manifests of one site made one. */
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/manifest.h"

struct row {
    int id;
    const char *guid; /* NULL: none */
    int day;
    const char *title;
    int time; /* the last digits of the key's time */
};

static struct manifest *make(const char *updated, const struct row *rows, size_t count, const char *more) {
    struct text text;
    struct error err = {0};
    text_open(&text, 1 << 20);
    text_append_format(&text, "{\"lastUpdated\": \"%s\", %s \"episodes\": [", updated, more);
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        text_append_format(&text,
                           "%s{\"sequentialId\": %d, \"podcastId\": \"p\", \"title\": \"%s\", \"fileKey\": "
                           "\"2024-01-%02d_%s--17000000%05d\", \"originalAudioURL\": \"http://x/%s.mp3\", \"summary\": "
                           "\"%s\", \"publishedAt\": \"2024-01-%02dT08:00:00.000Z\"",
                           i ? "," : "", row->id, row->title, row->day, row->title, row->time, row->title, updated,
                           row->day);
        if (row->guid)
            text_append_format(&text, ", \"guid\": \"%s\"", row->guid);
        text_append(&text, "}");
    }
    text_append(&text, "]}");
    struct manifest *manifest = manifest_parse(text_value(&text), text.length, &err);
    if (!manifest)
        fail_msg("%s", err.message);
    text_close(&text);
    return manifest;
}

#define OLDER "2025-01-01T00:00:00.000Z"
#define LATER "2025-02-01T00:00:00.000Z"
#define MAKE(updated, rows) make(updated, rows, ARRAY_LENGTH(rows), "")

static struct manifest *unite(struct manifest *ours, struct manifest *theirs, manifest_keep *keep,
                              struct manifest_union *report) {
    struct error err = {0};
    struct manifest *united = manifest_unite(ours, theirs, keep, NULL, report, &err);
    if (!united)
        fail_msg("%s", err.message);
    manifest_close(ours);
    manifest_close(theirs);
    return united;
}

static void rows_of_both_are_there_and_theirs_keep_their_numbers(void **unused) {
    (void)unused;
    static const struct row ours[] = {{1, "a", 1, "A", 1}, {2, "m", 3, "Mine", 2}};
    static const struct row theirs[] = {{1, "a", 1, "A", 1}, {2, "t", 2, "Theirs", 3}};
    struct manifest_union report = {0};
    struct manifest *united = unite(MAKE(LATER, ours), MAKE(OLDER, theirs), NULL, &report);
    assert_int_equal(united->count, 3);
    assert_string_equal(manifest_find(united, 2)->title, "Theirs");
    assert_string_equal(manifest_find(united, 3)->title, "Mine");
    assert_int_equal(report.both, 1);
    assert_int_equal(report.only_ours, 1);
    assert_int_equal(report.only_theirs, 1);
    assert_int_equal(report.renumbered, 1);
    assert_false(report.is_ours || report.is_theirs);
    assert_true(united->changed);
    /* Of one key, the row of the later manifest. */
    assert_string_equal(manifest_find(united, 1)->summary, LATER);
    manifest_close(united);
}

static void a_part_of_theirs_becomes_theirs(void **unused) {
    (void)unused;
    static const struct row ours[] = {{1, "a", 1, "A", 1}};
    static const struct row theirs[] = {{1, "a", 1, "A", 1}, {2, "b", 2, "B", 2}};
    struct manifest_union report = {0};
    struct manifest *united = unite(MAKE(OLDER, ours), MAKE(LATER, theirs), NULL, &report);
    assert_true(report.is_theirs);
    assert_false(report.is_ours);
    manifest_close(united);
    united = unite(MAKE(LATER, theirs), MAKE(OLDER, ours), NULL, &report);
    assert_true(report.is_ours);
    assert_false(united->changed);
    manifest_close(united);
}

static bool keep_ours(void *to, const struct episode *mine, const struct episode *theirs) {
    (void)to;
    (void)theirs;
    return mine->id > 0;
}

/* Two machines that found the same episode apart from each other: one row, its number theirs. */
static void one_episode_under_two_keys_is_one_row(void **unused) {
    (void)unused;
    static const struct row ours[] = {{5, "a", 1, "A", 7}};
    static const struct row theirs[] = {{1, "a", 1, "A", 1}};
    struct manifest_union report = {0};
    struct manifest *united = unite(MAKE(LATER, ours), MAKE(OLDER, theirs), NULL, &report);
    assert_int_equal(united->count, 1);
    assert_string_equal(united->episodes[0]->file_key, "2024-01-01_A--1700000000001");
    manifest_close(united);
    united = unite(MAKE(OLDER, ours), MAKE(LATER, theirs), keep_ours, &report);
    assert_int_equal(united->count, 1);
    assert_string_equal(united->episodes[0]->file_key, "2024-01-01_A--1700000000007");
    assert_int_equal(united->episodes[0]->id, 1);
    manifest_close(united);
}

/* Rows of the older system have no guid: address and day tell. */
static void without_a_guid_address_and_day_tell(void **unused) {
    (void)unused;
    static const struct row ours[] = {{1, "a", 1, "A", 7}, {2, "b", 2, "B", 8}};
    static const struct row theirs[] = {{1, NULL, 1, "A", 1}, {2, "other", 2, "B", 2}};
    struct manifest_union report = {0};
    struct manifest *united = unite(MAKE(LATER, ours), MAKE(OLDER, theirs), NULL, &report);
    assert_int_equal(report.both, 1);
    assert_int_equal(united->count, 3);
    manifest_close(united);
}

static void numbers_that_were_given_once_are_not_given_again(void **unused) {
    (void)unused;
    static const struct row ours[] = {{1, "a", 1, "A", 1}};
    static const struct row theirs[] = {{1, "b", 2, "B", 2}};
    struct manifest_union report = {0};
    struct manifest *united =
        unite(make(OLDER, ours, 1, "\"highestSequentialId\": 9,"), MAKE(LATER, theirs), NULL, &report);
    assert_string_equal(manifest_find(united, 10)->title, "A");
    TEXT_OWNED char *text = manifest_text(united);
    assert_non_null(strstr(text, "\"highestSequentialId\": 10"));
    manifest_close(united);
}

static void a_number_out_of_all_bounds_is_refused(void **unused) {
    (void)unused;
    static const struct row ours[] = {{1, "a", 1, "A", 1}};
    static const struct row theirs[] = {{10000001, "b", 2, "B", 2}};
    struct manifest *mine = MAKE(OLDER, ours), *other = MAKE(LATER, theirs);
    struct manifest_union report = {0};
    struct error err = {0};
    assert_null(manifest_unite(mine, other, NULL, NULL, &report, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    manifest_close(mine);
    manifest_close(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_both_are_there_and_theirs_keep_their_numbers),
        cmocka_unit_test(a_part_of_theirs_becomes_theirs),
        cmocka_unit_test(one_episode_under_two_keys_is_one_row),
        cmocka_unit_test(without_a_guid_address_and_day_tell),
        cmocka_unit_test(numbers_that_were_given_once_are_not_given_again),
        cmocka_unit_test(a_number_out_of_all_bounds_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
