#include "podcast/gap.h"

#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/manifest.h"

struct kind {
    const char *folder, *name;
    const char *extensions[12]; /* NULL-ended */
};

#define AUDIO_EXTENSIONS ".mp3", ".m4a", ".aac", ".ogg", ".opus", ".oga", ".flac", ".wav", ".mp4", ".webm", NULL

static const struct kind kinds[GAP_CATEGORY_COUNT] = {
    [GAP_AUDIO] = {"audio", "audio", {AUDIO_EXTENSIONS}},
    [GAP_TRANSCRIPTS] = {"transcripts", "transcripts", {".srt", ".words.json", NULL}},
    [GAP_MANIFEST] = {"episode-manifest", "manifest", {".json", NULL}},
    [GAP_RSS] = {"rss", "rss", {".xml", ".json", NULL}},
    [GAP_SEARCH_ENTRIES] = {"search-entries", "searchEntries", {".json", NULL}},
    [GAP_SEARCH_INDEX] = {"search-index", "searchIndex", {".msp", ".json", ".sqlite", NULL}},
};

const char *gap_folder(enum gap_category category) {
    return kinds[category].folder;
}

bool gap_folder_find(const char *folder, enum gap_category *category) {
    for (size_t i = 0; i < GAP_CATEGORY_COUNT; i++) {
        if (strcmp(kinds[i].folder, folder) == 0) {
            *category = (enum gap_category)i;
            return true;
        }
    }
    return false;
}

bool gap_category_of(const char *key, enum gap_category *category) {
    for (size_t i = 0; i < GAP_CATEGORY_COUNT; i++) {
        size_t length = strlen(kinds[i].folder);
        if (strncmp(key, kinds[i].folder, length) != 0 || key[length] != '/')
            continue;
        for (const char *const *extension = kinds[i].extensions; *extension; extension++) {
            if (text_ends(key, *extension)) {
                *category = (enum gap_category)i;
                return true;
            }
        }
        return false;
    }
    return false;
}

size_t gap_total(const struct gap_list lists[GAP_CATEGORY_COUNT]) {
    size_t total = 0;
    for (size_t i = 0; i < GAP_CATEGORY_COUNT; i++)
        total += lists[i].count;
    return total;
}

/* ---- reading ---- */

struct reading {
    struct arena *arena;
    struct gap_report *report;
    enum sync_direction direction;
    bool names;
    size_t seen[GAP_CATEGORY_COUNT];   /* here, and told of by the plan or the memory */
    size_t listed[GAP_CATEGORY_COUNT]; /* here */
};

static void take_key(struct reading *reading, struct gap_list *list, const char *key) {
    if (reading->names) {
        list->keys = arena_grow(reading->arena, (void *)list->keys, list->count, &list->capacity, sizeof(*list->keys));
        list->keys[list->count] = arena_text(reading->arena, key);
    }
    list->count++;
}

static const char *done_about(const struct gap_conflict *conflict, const struct sync_action *action) {
    if (action->conflict && strcmp(action->key, MANIFEST_KEY) == 0)
        return "united";
    if (action->kind == SYNC_LEAVE && conflict->changed_here != conflict->changed_there)
        return conflict->changed_here ? "upload" : "download";
    if (action->kind == SYNC_COPY_LEFT)
        return action->conflict ? "s3-wins" : "download";
    if (action->kind == SYNC_COPY_RIGHT)
        return action->conflict ? "local-wins" : "upload";
    if (action->kind == SYNC_SPLIT_LEFT || action->kind == SYNC_SPLIT_RIGHT)
        return "keep-both";
    return "left-as-they-are";
}

static void take_conflict(struct reading *reading, enum gap_category category, const struct sync_action *action) {
    struct gap_report *report = reading->report;
    report->conflicts = arena_grow(reading->arena, report->conflicts, report->conflict_count,
                                   &report->conflict_capacity, sizeof(*report->conflicts));
    struct gap_conflict *conflict = &report->conflicts[report->conflict_count++];
    bool here = action->reason == SYNC_CHANGED_LEFT;
    bool there = action->reason == SYNC_CHANGED_RIGHT;
    *conflict = (struct gap_conflict){
        .key = arena_text(reading->arena, action->key),
        .category = category,
        .local_size = action->left_size,
        .s3_size = action->right_size,
        .local_ms = action->left_ms,
        .s3_ms = action->right_ms,
        .changed_here = here || !there,
        .changed_there = there || !here,
    };
    conflict->done = done_about(conflict, action);
    report->to_upload += here;
    report->to_download += there;
}

static bool take_action(void *to, const struct sync_action *action, struct error *err) {
    (void)err;
    struct reading *reading = to;
    enum gap_category category;
    if (action->kind == SYNC_ADOPT || action->reason == SYNC_UNFIT || !gap_category_of(action->key, &category))
        return true;
    if (action->left_there && action->right_there) {
        reading->seen[category]++;
        take_conflict(reading, category, action);
    } else if (action->left_there) {
        reading->seen[category]++;
        take_key(reading, &reading->report->local_only[category], action->key);
    } else if (action->right_there) {
        take_key(reading, &reading->report->s3_only[category], action->key);
    }
    return true;
}

static bool take_equal(void *to, const char *key, uint64_t size, struct error *err) {
    (void)size;
    (void)err;
    struct reading *reading = to;
    enum gap_category category;
    if (gap_category_of(key, &category)) {
        reading->seen[category]++;
        take_key(reading, &reading->report->consistent[category], key);
    }
    return true;
}

static bool count_local(void *to, const struct object_facts *facts, struct error *err) {
    (void)err;
    struct reading *reading = to;
    enum gap_category category;
    if (gap_category_of(facts->key, &category))
        reading->listed[category]++;
    return true;
}

/* In the plan of a sync to the left there is nothing of what only this side has. */
static void count_the_rest(struct reading *reading) {
    for (size_t i = 0; i < GAP_CATEGORY_COUNT; i++) {
        if (reading->listed[i] > reading->seen[i])
            reading->report->local_only[i].count += reading->listed[i] - reading->seen[i];
    }
}

bool gap_read(struct arena *arena, struct sync *sync, enum sync_direction direction, struct object_store *local,
              bool names, struct gap_report *report, struct error *err) {
    struct gap_report read = {0};
    struct reading reading = {.arena = arena, .report = &read, .direction = direction, .names = names};
    struct sync_report told = {0};
    if (!sync_each(sync, false, take_action, &reading, err) || !sync_each_equal(sync, take_equal, &reading, err))
        return false;
    for (size_t i = 0; local && direction == SYNC_TO_LEFT && i < GAP_CATEGORY_COUNT; i++) {
        if (!object_list(local, arena_format(arena, "%s/", kinds[i].folder), count_local, &reading, err))
            return error_context(err, "cannot tell what is in %s", kinds[i].folder);
    }
    if (local && direction == SYNC_TO_LEFT)
        count_the_rest(&reading);
    sync_report_read(sync, &told);
    read.cloud_files = (size_t)told.right.listed;
    read.to_upload += gap_total(read.local_only);
    read.to_download += gap_total(read.s3_only);
    *report = read;
    return true;
}

/* ---- telling ---- */

static json_t *lists_json(const struct gap_list lists[GAP_CATEGORY_COUNT]) {
    json_t *object = json_object();
    for (size_t i = 0; i < GAP_CATEGORY_COUNT; i++) {
        json_t *list = json_array();
        for (size_t j = 0; lists[i].keys && j < lists[i].count; j++)
            json_array_append_new(list, json_string(lists[i].keys[j]));
        json_object_set_new(object, kinds[i].name, list);
    }
    return object;
}

static json_t *time_json(int64_t ms) {
    char iso[CLOCK_ISO_SIZE];
    return json_string(clock_iso(ms, iso));
}

static json_t *conflicts_json(const struct gap_report *report) {
    json_t *list = json_array();
    for (size_t i = 0; i < report->conflict_count; i++) {
        const struct gap_conflict *conflict = &report->conflicts[i];
        json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:o, s:o, s:s}", "key", conflict->key, "localSize",
                                              (json_int_t)conflict->local_size, "s3Size", (json_int_t)conflict->s3_size,
                                              "localModified", time_json(conflict->local_ms), "s3Modified",
                                              time_json(conflict->s3_ms), "resolution", conflict->done));
    }
    return list;
}

json_t *gap_json(const struct gap_report *report) {
    size_t local = gap_total(report->local_only);
    size_t cloud = gap_total(report->s3_only);
    return json_pack("{s:o, s:o, s:o, s:o, s:{s:I, s:I, s:I, s:I, s:b, s:b, s:b}}", "localOnly",
                     lists_json(report->local_only), "s3Only", lists_json(report->s3_only), "consistent",
                     lists_json(report->consistent), "conflicts", conflicts_json(report), "summary",
                     "totalLocalOnlyFiles", (json_int_t)local, "totalS3OnlyFiles", (json_int_t)cloud,
                     "totalConsistentFiles", (json_int_t)gap_total(report->consistent), "totalConflicts",
                     (json_int_t)report->conflict_count, "hasLocalOnlyFiles", (int)(local > 0), "hasS3OnlyFiles",
                     (int)(cloud > 0), "hasConflicts", (int)(report->conflict_count > 0));
}

static void put_lists(struct text *out, const struct gap_list lists[GAP_CATEGORY_COUNT], bool names) {
    for (size_t i = 0; i < GAP_CATEGORY_COUNT; i++) {
        if (!lists[i].count)
            continue;
        text_append_format(out, "   %s: %zu files\n", kinds[i].folder, lists[i].count);
        for (size_t j = 0; names && lists[i].keys && j < lists[i].count; j++)
            text_append_format(out, "      %s\n", lists[i].keys[j]);
    }
}

static void put_conflicts(struct text *out, const struct gap_report *report) {
    if (!report->conflict_count)
        return;
    text_append_format(out, "🔀 Files that differ: %zu\n", report->conflict_count);
    for (size_t i = 0; i < report->conflict_count; i++) {
        const struct gap_conflict *conflict = &report->conflicts[i];
        char here[CLOCK_ISO_SIZE];
        char there[CLOCK_ISO_SIZE];
        text_append_format(out, "   %s: here %llu bytes of %s, in S3 %llu bytes of %s: %s\n", conflict->key,
                           (unsigned long long)conflict->local_size, clock_iso(conflict->local_ms, here),
                           (unsigned long long)conflict->s3_size, clock_iso(conflict->s3_ms, there), conflict->done);
    }
}

char *gap_text(const char *site_id, const struct gap_report *report, bool names) {
    struct text out;
    text_open(&out, 64 * MIB);
    text_append_format(&out, "📊 Sync Consistency Report for %s:\n", site_id);
    text_append(&out, "==================================================\n");
    text_append_format(&out, "📤 Files to upload to S3: %zu\n", report->to_upload);
    put_lists(&out, report->local_only, names);
    text_append_format(&out, "📥 Files missing locally: %zu\n", report->to_download);
    put_lists(&out, report->s3_only, names);
    text_append_format(&out, "✅ Files in sync: %zu\n", gap_total(report->consistent));
    put_conflicts(&out, report);
    if (!gap_total(report->local_only) && !gap_total(report->s3_only) && !report->conflict_count)
        text_append(&out, "🎉 All files are in perfect sync!\n");
    return text_take(&out);
}
