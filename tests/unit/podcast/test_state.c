/* The state database: what is remembered between runs. */
#include "support/unit.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "podcast/state.h"
#include "support/scratch.h"

struct fixture {
    struct scratch *scratch;
    struct arena *arena;
    struct podcast_state *state;
};

static struct fixture open_fixture(void) {
    struct fixture f = {scratch_open(), arena_open(), NULL};
    struct error err = {0};
    f.state = podcast_state_open(scratch_path(f.scratch, "state/podcast.db"), &err);
    assert_non_null(f.state);
    return f;
}

static void close_fixture(struct fixture *f) {
    podcast_state_close(f->state);
    arena_close(f->arena);
    scratch_close(f->scratch);
}

static void feeds_are_remembered(void **unused) {
    (void)unused;
    struct fixture f = open_fixture();
    struct error err = {0};
    struct state_feed feed = {0};
    bool found = true;
    assert_true(state_feed_read(f.state, f.arena, "s", "p", &feed, &found, &err));
    assert_false(found);
    const struct state_feed written = {"http://a/feed", "\"e\"", NULL};
    assert_true(state_feed_write(f.state, "s", "p", &written, &err));
    assert_true(state_feed_read(f.state, f.arena, "s", "p", &feed, &found, &err));
    assert_true(found);
    assert_string_equal(feed.etag, "\"e\"");
    assert_null(feed.last_modified);
    close_fixture(&f);
}

static void parts_come_back_in_order_and_only_for_their_settings(void **unused) {
    (void)unused;
    struct fixture f = open_fixture();
    struct error err = {0};
    for (int64_t i = 0; i < 3; i++) {
        JSON_OWNED json_t *part = json_pack("{s:I}", "index", (json_int_t)i);
        assert_true(state_part_write(f.state, "s", "key", "v1", i, part, &err));
    }
    json_t *parts = state_parts_read(f.state, "s", "key", "v1", &err);
    assert_int_equal(json_array_size(parts), 3);
    assert_int_equal(json_get_int(json_array_get(parts, 2), "index", -1), 2);
    json_decref(parts);
    parts = state_parts_read(f.state, "s", "key", "v2", &err);
    assert_int_equal(json_array_size(parts), 0);
    json_decref(parts);
    /* Asking with other settings removed them. */
    parts = state_parts_read(f.state, "s", "key", "v1", &err);
    assert_int_equal(json_array_size(parts), 0);
    json_decref(parts);
    close_fixture(&f);
}

/* A part with a gap before it belongs to something that was lost. */
static void parts_with_a_gap_are_of_no_use(void **unused) {
    (void)unused;
    struct fixture f = open_fixture();
    struct error err = {0};
    JSON_OWNED json_t *part = json_pack("{s:i}", "index", 1);
    assert_true(state_part_write(f.state, "s", "key", "v1", 1, part, &err));
    json_t *parts = state_parts_read(f.state, "s", "key", "v1", &err);
    assert_int_equal(json_array_size(parts), 0);
    json_decref(parts);
    close_fixture(&f);
}

static void index_facts_are_compared_whole(void **unused) {
    (void)unused;
    struct fixture f = open_fixture();
    struct error err = {0};
    assert_false(state_index_fresh(f.state, "s", 1, "a"));
    assert_true(state_index_remember(f.state, "s", 1, "a", &err));
    assert_true(state_index_fresh(f.state, "s", 1, "a"));
    assert_false(state_index_fresh(f.state, "s", 1, "ab"));
    assert_false(state_index_fresh(f.state, "t", 1, "a"));
    close_fixture(&f);
}

static void runs_without_end_were_killed(void **unused) {
    (void)unused;
    struct fixture f = open_fixture();
    struct error err = {0};
    int64_t first = 0;
    int64_t second = 0;
    assert_true(state_run_begin(f.state, 1000, &first, &err));
    assert_true(state_run_begin(f.state, 2000, &second, &err));
    JSON_OWNED json_t *record = json_pack("{s:i}", "n", 7);
    assert_true(state_run_end(f.state, second, 3000, "success", record, &err));
    JSON_OWNED json_t *runs = state_runs_read(f.state, 10, &err);
    assert_int_equal(json_array_size(runs), 2);
    assert_string_equal(json_get_text(json_array_get(runs, 0), "status", ""), "success");
    assert_int_equal(json_get_int(json_object_get(json_array_get(runs, 0), "record"), "n", 0), 7);
    assert_string_equal(json_get_text(json_array_get(runs, 1), "status", ""), "killed");
    assert_string_equal(json_get_text(json_array_get(runs, 1), "startedAt", ""), "1970-01-01T00:00:01.000Z");
    close_fixture(&f);
}

static void versions_are_listed_and_removed(void **unused) {
    (void)unused;
    struct fixture f = open_fixture();
    struct error err = {0};
    const struct state_version version = {5, "old", "new", 123, "audio/p/old.mp3"};
    assert_true(state_version_write(f.state, "s", &version, &err));
    struct state_version *versions = NULL;
    size_t count = 0;
    assert_true(state_versions_read(f.state, f.arena, "s", &versions, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(versions[0].old_audio, "audio/p/old.mp3");
    assert_int_equal(versions[0].downloaded_ms, 123);
    assert_true(state_version_remove(f.state, "s", 5, &err));
    assert_true(state_versions_read(f.state, f.arena, "s", &versions, &count, &err));
    assert_int_equal(count, 0);
    close_fixture(&f);
}

static void a_reader_makes_nothing(void **unused) {
    (void)unused;
    struct scratch *scratch = scratch_open();
    struct error err = {0};
    const char *path = scratch_path(scratch, "podcast.db");
    assert_null(podcast_state_open_readonly(path, &err));
    assert_false(file_size(path, NULL, NULL));
    scratch_close(scratch);
}

static void notes_are_kept_by_execution(void **unused) {
    (void)unused;
    struct fixture f = open_fixture();
    struct error err = {0};
    JSON_OWNED json_t *one = json_pack("{s:i}", "n", 1);
    JSON_OWNED json_t *two = json_pack("{s:i}", "n", 2);
    assert_true(state_note_write(f.state, "run", "b", one, &err));
    assert_true(state_note_write(f.state, "run", "a", one, &err));
    assert_true(state_note_write(f.state, "other", "a", one, &err));
    assert_true(state_note_write(f.state, "run", "b", two, &err)); /* in its old place */
    JSON_OWNED json_t *notes = state_notes_read(f.state, "run", &err);
    TEXT_OWNED char *text = json_text(notes, 0);
    assert_string_equal(text, "{\"b\":{\"n\":2},\"a\":{\"n\":1}}");
    assert_true(state_notes_remove(f.state, "other", &err));
    JSON_OWNED json_t *gone = state_notes_read(f.state, "run", &err);
    assert_int_equal(json_object_size(gone), 0);
    JSON_OWNED json_t *kept = state_notes_read(f.state, "other", &err);
    assert_int_equal(json_object_size(kept), 1);
    assert_true(state_notes_remove(f.state, NULL, &err));
    JSON_OWNED json_t *none = state_notes_read(f.state, "other", &err);
    assert_int_equal(json_object_size(none), 0);
    close_fixture(&f);
}

/* A kill between the plan and the upload leaves a debt that is not certain; the next upload settles it. */
static void what_is_owed_survives_until_it_is_paid(void **unused) {
    (void)unused;
    struct fixture f = open_fixture();
    struct error err = {0};
    const char *keys[] = {"a", "b", "c"};
    struct state_owed *owed = NULL;
    size_t count = 0;
    assert_true(state_owed_plan(f.state, "s", keys, 3, 1000, &err));
    assert_true(state_owed_read(f.state, f.arena, "s", STATE_REFRESH, &owed, &count, &err));
    assert_int_equal(count, 0);
    JSON_OWNED json_t *unsure = json_pack("{s:b}", "b", 1);
    assert_true(state_owed_settle(f.state, "s", unsure, &err));
    assert_true(state_owed_read(f.state, f.arena, "s", STATE_REFRESH, &owed, &count, &err));
    assert_int_equal(count, 2);
    assert_string_equal(owed[1].key, "c");
    assert_int_equal(owed[1].stamp_ms, 1000);
    assert_true(state_owed_paid(f.state, "s", STATE_REFRESH, &err));
    assert_true(state_owed_read(f.state, f.arena, "s", STATE_REFRESH, &owed, &count, &err));
    assert_int_equal(count, 0);
    assert_true(state_owed_read(f.state, f.arena, "s", STATE_INVALIDATION, &owed, &count, &err));
    assert_int_equal(count, 2);
    /* Another upload of one of them owes both again. */
    assert_true(state_owed_plan(f.state, "s", keys, 1, 2000, &err));
    assert_true(state_owed_read(f.state, f.arena, "s", STATE_REFRESH, &owed, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(owed[0].stamp_ms, 2000);
    JSON_OWNED json_t *nothing = json_object();
    assert_true(state_owed_settle(f.state, "s", nothing, &err));
    assert_true(state_owed_paid(f.state, "s", STATE_REFRESH, &err));
    assert_true(state_owed_paid(f.state, "s", STATE_INVALIDATION, &err));
    assert_true(state_owed_read(f.state, f.arena, "s", STATE_INVALIDATION, &owed, &count, &err));
    assert_int_equal(count, 0);
    assert_true(state_owed_read(f.state, f.arena, "other", STATE_REFRESH, &owed, &count, &err));
    assert_int_equal(count, 0);
    close_fixture(&f);
}

static void retired_keys_are_kept_until_they_are_forgotten(void **unused) {
    (void)unused;
    struct fixture f = open_fixture();
    struct error err = {0};
    const char *keys[] = {"x", "y"};
    const char **read = NULL;
    size_t count = 0;
    assert_true(state_retire(f.state, "s", keys, 2, &err));
    assert_true(state_retire(f.state, "s", keys, 2, &err));
    assert_true(state_retired_read(f.state, f.arena, "s", &read, &count, &err));
    assert_int_equal(count, 2);
    assert_true(state_retired_forget(f.state, "s", keys, 1, &err));
    assert_true(state_retired_read(f.state, f.arena, "s", &read, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(read[0], "y");
    close_fixture(&f);
}

static void an_index_that_came_from_elsewhere_is_looked_at_again(void **unused) {
    (void)unused;
    struct fixture f = open_fixture();
    struct error err = {0};
    assert_true(state_index_remember(f.state, "s", 1, "facts", &err));
    assert_true(state_index_remember(f.state, "t", 1, "facts", &err));
    assert_true(state_index_forget(f.state, "s", &err));
    assert_false(state_index_fresh(f.state, "s", 1, "facts"));
    assert_true(state_index_fresh(f.state, "t", 1, "facts"));
    close_fixture(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_owed_survives_until_it_is_paid),
        cmocka_unit_test(retired_keys_are_kept_until_they_are_forgotten),
        cmocka_unit_test(an_index_that_came_from_elsewhere_is_looked_at_again),
        cmocka_unit_test(notes_are_kept_by_execution),
        cmocka_unit_test(feeds_are_remembered),
        cmocka_unit_test(parts_come_back_in_order_and_only_for_their_settings),
        cmocka_unit_test(parts_with_a_gap_are_of_no_use),
        cmocka_unit_test(index_facts_are_compared_whole),
        cmocka_unit_test(runs_without_end_were_killed),
        cmocka_unit_test(versions_are_listed_and_removed),
        cmocka_unit_test(a_reader_makes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
