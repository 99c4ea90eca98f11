/* What phases 1, 5 and 6 share: the account, the bucket, a sync that has looked. */
#include "podcast/run_cloud.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

static const char *const always_excluded[] = {".DS_Store",           "transcripts/.processing-lock.json",
                                              "automation-tests/**", "search-index/*-wal",
                                              "search-index/*-shm",  "search-index/*-journal"};

const struct site_account *run_account(const struct run_site *site, struct error *err) {
    return accounts_find(site->run->settings->accounts, site->site->id, err);
}

/* A key as a pattern that matches nothing else. */
static const char *pattern_of(struct arena *arena, const char *key) {
    char *pattern = arena_alloc(arena, strlen(key) * 2 + 1);
    size_t length = 0;
    for (; *key; key++) {
        if (strchr("*?[]!\\", *key))
            pattern[length++] = '\\';
        pattern[length++] = *key;
    }
    return pattern;
}

static void choose_folders(struct run_copy *copy) {
    const struct run_settings *settings = copy->site->run->settings;
    copy->prefixes = arena_alloc_array(copy->arena, GAP_CATEGORY_COUNT, sizeof(*copy->prefixes));
    for (size_t i = 0; i < GAP_CATEGORY_COUNT; i++) {
        const char *folder = gap_folder((enum gap_category)i);
        bool wanted = !settings->sync_folder_count;
        for (size_t j = 0; j < settings->sync_folder_count; j++)
            wanted |= strcmp(settings->sync_folders[j], folder) == 0;
        if (wanted)
            copy->prefixes[copy->prefix_count++] = arena_format(copy->arena, "%s/", folder);
    }
}

static void choose_excludes(struct run_copy *copy) {
    size_t most = ARRAY_LENGTH(always_excluded) + copy->retired_count;
    copy->excludes = arena_alloc_array(copy->arena, most, sizeof(*copy->excludes));
    for (size_t i = 0; i < ARRAY_LENGTH(always_excluded); i++)
        copy->excludes[copy->exclude_count++] = always_excluded[i];
    for (size_t i = 0; i < copy->retired_count; i++)
        copy->excludes[copy->exclude_count++] = pattern_of(copy->arena, copy->retired[i]);
}

bool run_copy_takes(const struct run_copy *copy, enum gap_category category) {
    for (size_t i = 0; i < copy->prefix_count; i++) {
        if (text_starts(copy->prefixes[i], gap_folder(category)))
            return true;
    }
    return false;
}

/* The files' folder names them in the memory, so that another --files has another memory. */
static const char *name_files(struct run_copy *copy) {
    const char *inside = object_local_path(copy->site->files, copy->arena, "x");
    if (!inside)
        return arena_format(copy->arena, "sites/%s", copy->site->site->id);
    return arena_text_part(copy->arena, inside, strlen(inside) - strlen("/x"));
}

bool run_copy_open(struct run_copy *copy, struct run_site *site, struct arena *arena, const char *purpose,
                   struct error *err) {
    const struct podcast_cloud *cloud = site->run->settings->cloud;
    struct run_copy opened = {.site = site, .arena = arena, .manifest_rule = SYNC_SKIP, .index_rule = SYNC_NEWER};
    opened.account = run_account(site, err);
    if (!opened.account || (site->run->state && !state_retired_read(site->run->state, arena, site->site->id,
                                                                    &opened.retired, &opened.retired_count, err)))
        return false;
    choose_folders(&opened);
    choose_excludes(&opened);
    opened.left_name = name_files(&opened);
    opened.right_name = arena_format(arena, "s3://%s/", opened.account->bucket);
    opened.bucket = cloud->open_bucket(cloud->to, opened.account, purpose, err);
    if (!opened.bucket)
        return false;
    *copy = opened;
    return true;
}

void run_copy_close(struct run_copy *copy) {
    object_store_close(copy->bucket);
    copy->bucket = NULL;
}

static enum sync_rule rule_of(void *to, const char *key) {
    const struct run_copy *copy = to;
    return strcmp(key, MANIFEST_KEY) == 0      ? copy->manifest_rule
           : text_starts(key, "search-index/") ? copy->index_rule
                                               : SYNC_NEWER;
}

struct sync *run_copy_look(struct run_copy *copy, enum sync_direction direction, const char *const *prefixes,
                           size_t prefix_count, struct error *err) {
    const struct run_settings *settings = copy->site->run->settings;
    struct sync_settings asked = {
        .left = copy->site->files,
        .right = copy->bucket,
        .left_name = copy->left_name,
        .right_name = copy->right_name,
        .direction = direction,
        .rule = SYNC_NEWER,
        .rule_of = rule_of,
        .rule_to = copy,
        .prefixes = prefixes ? prefixes : copy->prefixes,
        .prefix_count = prefixes ? prefix_count : copy->prefix_count,
        .excludes = copy->excludes,
        .exclude_count = copy->exclude_count,
        .memory = file_join(copy->arena, settings->data, "state/sync"),
        .jobs = settings->sync_jobs,
        .resume = true,
        .clock = settings->clock,
        .cancel = copy->site->cancel,
        .progress = settings->progress,
        .done = copy->done,
        .done_to = copy->done_to,
    };
    struct sync *sync = sync_open(&asked, err);
    if (sync && sync_look(sync, err))
        return sync;
    sync_close(sync);
    return NULL;
}

/* Refusals stay what they are; what is about the network, the service or another who is at it may pass. */
static bool may_pass(const struct error *err) {
    switch (err->code) {
    case ERROR_NETWORK:
    case ERROR_TIMEOUT:
    case ERROR_BUSY:
    case ERROR_CHANGED:
        return true;
    default:
        return err->retryable;
    }
}

bool run_cloud_fault(struct error *err, const char *what) {
    if (err && err->code != ERROR_CANCELLED)
        snprintf(err->name, sizeof(err->name), "%s", may_pass(err) ? RUN_TRY_AGAIN : "");
    return error_context(err, "%s", what);
}

void run_say_gap(struct run_site *site, const struct gap_report *report) {
    TEXT_OWNED char *text = gap_text(site->site->id, report, false);
    run_say_block(site->run, text);
}
