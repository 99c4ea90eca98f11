/* The gap report: categories, lists, what is printed. */
#include "support/unit.h"

#include <string.h>

#include "base/memory.h"
#include "podcast/gap.h"
#include "store/object/directory.h"
#include "support/memory_store.h"
#include "support/scratch.h"

struct fixture {
    struct arena *arena;
    struct scratch *scratch;
    struct object_store *left, *right;
    struct sync_settings settings;
};

static struct fixture open_fixture(void) {
    struct fixture f = {.arena = arena_open(), .scratch = scratch_open()};
    f.left = directory_store_open(f.scratch->path, NULL);
    const struct memory_settings memory = {0};
    f.right = memory_store_open(&memory);
    f.settings = (struct sync_settings){
        .left = f.left, .right = f.right, .left_name = "a", .right_name = "s3://b/", .rule = SYNC_NEWER};
    return f;
}

static void close_fixture(struct fixture *f) {
    object_store_close(f->left);
    object_store_close(f->right);
    scratch_close(f->scratch);
    arena_close(f->arena);
}

static struct gap_report read_gap(struct fixture *f, enum sync_direction direction, struct object_store *local) {
    struct error err = {0};
    struct gap_report report = {0};
    f->settings.direction = direction;
    struct sync *sync = sync_open(&f->settings, &err);
    assert_non_null(sync);
    if (!sync_look(sync, &err) || !gap_read(f->arena, sync, direction, local, direction == SYNC_BOTH, &report, &err))
        fail_msg("%s", err.message);
    sync_close(sync);
    return report;
}

static void keys_have_their_categories(void **unused) {
    (void)unused;
    static const struct {
        const char *key;
        bool counted;
        enum gap_category category;
    } cases[] = {
        {"audio/p/a.mp3", true, GAP_AUDIO},
        {"audio/p/a.m4a", true, GAP_AUDIO},
        {"audio/p/a.txt", false, GAP_AUDIO},
        {"transcripts/p/a.srt", true, GAP_TRANSCRIPTS},
        {"transcripts/.processing-lock.json", false, GAP_AUDIO},
        {"episode-manifest/full-episode-manifest.json", true, GAP_MANIFEST},
        {"rss/p.xml", true, GAP_RSS},
        {"rss/p.json", true, GAP_RSS},
        {"search-entries/p/a.json", true, GAP_SEARCH_ENTRIES},
        {"search-index/orama_index.msp", true, GAP_SEARCH_INDEX},
        {"audiobooks/a.mp3", false, GAP_AUDIO},
        {"index.html", false, GAP_AUDIO},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        enum gap_category category = GAP_AUDIO;
        assert_int_equal(gap_category_of(cases[i].key, &category), cases[i].counted);
        assert_int_equal(category, cases[i].category);
    }
    enum gap_category category;
    assert_true(gap_folder_find("search-entries", &category));
    assert_int_equal(category, GAP_SEARCH_ENTRIES);
    assert_false(gap_folder_find("searchEntries", &category));
}

static void fill(struct fixture *f) {
    scratch_write(f->scratch, "audio/p/here  two spaces.mp3", "1");
    scratch_write(f->scratch, "rss/p.xml", "same");
    memory_store_set(f->right, "rss/p.xml", "same", 1000);
    memory_store_set(f->right, "transcripts/p/there.srt", "1", 1000);
    scratch_write(f->scratch, "search-entries/p/e.json", "[]");
    memory_store_set(f->right, "search-entries/p/e.json", "[1]", 1000);
    memory_store_set(f->right, "assets/app.js", "x", 1000);
}

static const char *name_at(const json_t *report, const char *list, const char *category) {
    const json_t *names = json_object_get(json_object_get(report, list), category);
    assert_int_equal(json_array_size(names), 1);
    return json_string_value(json_array_get(names, 0));
}

static void the_json_has_the_shape_of_the_design(void **unused) {
    (void)unused;
    struct fixture f = open_fixture();
    fill(&f);
    struct gap_report report = read_gap(&f, SYNC_BOTH, NULL);
    JSON_OWNED json_t *json = gap_json(&report);
    assert_string_equal(name_at(json, "localOnly", "audio"), "audio/p/here  two spaces.mp3");
    assert_string_equal(name_at(json, "s3Only", "transcripts"), "transcripts/p/there.srt");
    assert_string_equal(name_at(json, "consistent", "rss"), "rss/p.xml");
    static const char *const categories[] = {"audio", "transcripts", "manifest", "rss", "searchEntries", "searchIndex"};
    for (size_t i = 0; i < ARRAY_LENGTH(categories); i++)
        assert_true(json_is_array(json_object_get(json_object_get(json, "s3Only"), categories[i])));
    const json_t *conflicts = json_object_get(json, "conflicts");
    assert_int_equal(json_array_size(conflicts), 1);
    const json_t *conflict = json_array_get(conflicts, 0);
    assert_string_equal(json_get_text(conflict, "key", ""), "search-entries/p/e.json");
    assert_int_equal(json_get_int(conflict, "localSize", 0), 2);
    assert_int_equal(json_get_int(conflict, "s3Size", 0), 3);
    assert_string_equal(json_get_text(conflict, "s3Modified", ""), "1970-01-01T00:00:01.000Z");
    assert_string_equal(json_get_text(conflict, "resolution", ""), "local-wins");
    const json_t *summary = json_object_get(json, "summary");
    assert_int_equal(json_get_int(summary, "totalLocalOnlyFiles", 0), 1);
    assert_int_equal(json_get_int(summary, "totalS3OnlyFiles", 0), 1);
    assert_int_equal(json_get_int(summary, "totalConsistentFiles", 0), 1);
    assert_true(json_get_bool(summary, "hasLocalOnlyFiles", false));
    assert_true(json_get_bool(summary, "hasS3OnlyFiles", false));
    close_fixture(&f);
}

/* The plan of a sync one way does not name what the other side alone has; the counts are the same all the same. */
static void one_way_counts_the_same(void **unused) {
    (void)unused;
    struct fixture f = open_fixture();
    fill(&f);
    struct gap_report both = read_gap(&f, SYNC_BOTH, NULL);
    struct gap_report left = read_gap(&f, SYNC_TO_LEFT, f.left);
    for (size_t i = 0; i < GAP_CATEGORY_COUNT; i++) {
        assert_int_equal(left.local_only[i].count, both.local_only[i].count);
        assert_int_equal(left.s3_only[i].count, both.s3_only[i].count);
        assert_int_equal(left.consistent[i].count, both.consistent[i].count);
    }
    assert_int_equal(left.conflict_count, 1);
    assert_int_equal(left.to_download, 1);
    assert_int_equal(left.to_upload, 1);
    struct gap_report right = read_gap(&f, SYNC_TO_RIGHT, NULL);
    assert_int_equal(gap_total(right.local_only), 1);
    assert_int_equal(right.cloud_files, 4);
    close_fixture(&f);
}

static void the_lines_are_those_of_the_older_scripts(void **unused) {
    (void)unused;
    struct fixture f = open_fixture();
    struct gap_report report = read_gap(&f, SYNC_BOTH, NULL);
    TEXT_OWNED char *perfect = gap_text("mill", &report, true);
    assert_string_equal(perfect, "📊 Sync Consistency Report for mill:\n"
                                 "==================================================\n"
                                 "📤 Files to upload to S3: 0\n📥 Files missing locally: 0\n✅ Files in sync: 0\n"
                                 "🎉 All files are in perfect sync!\n");
    fill(&f);
    report = read_gap(&f, SYNC_BOTH, NULL);
    TEXT_OWNED char *text = gap_text("mill", &report, true);
    assert_non_null(
        strstr(text, "📤 Files to upload to S3: 1\n   audio: 1 files\n      audio/p/here  two spaces.mp3\n"));
    assert_non_null(strstr(text, "🔀 Files that differ: 1\n   search-entries/p/e.json: here 2 bytes of "));
    assert_null(strstr(text, "perfect"));
    close_fixture(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_have_their_categories),
        cmocka_unit_test(the_json_has_the_shape_of_the_design),
        cmocka_unit_test(one_way_counts_the_same),
        cmocka_unit_test(the_lines_are_those_of_the_older_scripts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
