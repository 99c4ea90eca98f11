/* Two sites with their files in folders and their copies in a store in memory, and a cloud that can be told to fail. */
#ifndef TIDEMILL_TESTS_PODCAST_CLOUD_WORLD_H
#define TIDEMILL_TESTS_PODCAST_CLOUD_WORLD_H

#include "support/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "podcast/run.h"
#include "store/object/directory.h"
#include "store/object/faulty.h"
#include "support/memory_store.h"
#include "support/scratch.h"
#include "support/test_clock.h"

enum { WORLD_SITES = 2, WORLD_STORES = 256 };

struct world {
    pthread_mutex_t lock; /* held by what tasks call, which may be several at a time */
    struct arena *arena;
    struct scratch *scratch;
    struct test_clock clock;
    struct http_client *http;
    struct object_store *buckets;
    struct object_store *views[WORLD_STORES]; /* closed at the end */
    size_t view_count;
    struct site sites[WORLD_SITES], *selected[WORLD_SITES];
    struct site_podcast podcasts[WORLD_SITES];
    struct accounts_row rows[WORLD_SITES];
    struct site_accounts accounts;
    struct podcast_cloud cloud;
    struct run_settings settings;
    struct run_report report;
    /* What goes wrong, by site id; NULL: nothing. */
    const char *role_denied, *list_fails;
    bool presync_fails; /* the listing, of phase 1 alone */
    bool puts_fail;
    unsigned refusals; /* of the next calls of functions */
    const char *answer;
    unsigned invalidation_refusals;
    enum error_code refusal; /* the code of those */
    /* What was asked. */
    unsigned opened, invoked, invalidated;
    struct text calls;     /* "FUNCTION PAYLOAD\n" */
    struct text paths;     /* of the last invalidation, a line each */
    char reference[2][80]; /* of the last two */
};

static const char world_manifest[] =
    "{\"lastUpdated\":\"2025-06-01T10:00:00.000Z\",\"episodes\":["
    "{\"sequentialId\":1,\"podcastId\":\"pod\",\"title\":\"First\",\"fileKey\":\"2024-01-01_First--1700000000000\","
    "\"originalAudioURL\":\"http://127.0.0.1:1/"
    "1.mp3\",\"summary\":\"\",\"publishedAt\":\"2024-01-01T08:00:00.000Z\"}]}";
static const char world_srt[] = "1\n00:00:03,000 --> 00:00:11,240\nAn apple a day.\n\n";

#define WORLD_AUDIO "audio/pod/2024-01-01_First--1700000000000.mp3"
#define WORLD_SRT "transcripts/pod/2024-01-01_First--1700000000000.srt"
#define WORLD_ENTRIES "search-entries/pod/2024-01-01_First--1700000000000.json"
#define WORLD_INDEX "search-index/passages.sqlite"

static struct object_store *world_make_bucket(void *to, const struct site_account *account, const char *purpose,
                                              struct error *err) {
    struct world *world = to;
    assert_true(*purpose);
    world->opened++;
    if (text_equal(world->role_denied, account->site_id)) {
        error_set(err, ERROR_DENIED, "%s: the role cannot be taken", account->site_id);
        error_hint(err, "let it trust the automation user");
        return NULL;
    }
    assert_true(world->view_count < WORLD_STORES);
    struct object_store *view =
        object_store_below(world->buckets, arena_format(world->arena, "%s/", account->bucket), NULL);
    world->views[world->view_count++] = view;
    struct fault fault = {.call = FAULTY_LIST, .kind = FAULTY_FAIL, .nth = 1, .persistent = true, .code = ERROR_DENIED};
    if (world->puts_fail)
        fault.call = FAULTY_PUT;
    bool fails = text_equal(world->list_fails, account->site_id) || world->puts_fail ||
                 (world->presync_fails && strcmp(purpose, "pre-sync") == 0);
    const struct faulty_plan plan = {&fault, fails, .clock = &world->clock.clock};
    return faulty_store_open(view, &plan, err);
}

static struct object_store *world_open_bucket(void *to, const struct site_account *account, const char *purpose,
                                              struct error *err) {
    struct world *world = to;
    pthread_mutex_lock(&world->lock);
    struct object_store *bucket = world_make_bucket(to, account, purpose, err);
    pthread_mutex_unlock(&world->lock);
    return bucket;
}

static bool world_refuse(struct world *world, unsigned *refusals, struct error *err) {
    if (!*refusals)
        return false;
    --*refusals;
    error_set(err, world->refusal, "it does not want to");
    err->retryable = world->refusal == ERROR_HTTP;
    return true;
}

static bool world_invoke(void *to, struct arena *arena, const struct site_account *account, const char *purpose,
                         const char *function, bool async, const char *payload, const char **answer,
                         const struct cancel *cancel, struct error *err) {
    struct world *world = to;
    (void)purpose;
    (void)cancel;
    assert_false(async);
    assert_true(text_ends(function, account->site_id));
    pthread_mutex_lock(&world->lock);
    world->invoked++;
    text_append_format(&world->calls, "%s %s\n", function, payload);
    bool done = !world_refuse(world, &world->refusals, err);
    if (done)
        *answer = arena_text(arena, world->answer);
    pthread_mutex_unlock(&world->lock);
    return done;
}

static bool world_invalidate(void *to, struct arena *arena, const struct site_account *account, const char *reference,
                             const char *const *paths, size_t count, const char **id, const struct cancel *cancel,
                             struct error *err) {
    struct world *world = to;
    (void)cancel;
    assert_non_null(account->distribution);
    pthread_mutex_lock(&world->lock);
    world->invalidated++;
    memcpy(world->reference[1], world->reference[0], sizeof(world->reference[0]));
    snprintf(world->reference[0], sizeof(world->reference[0]), "%s", reference);
    text_reset(&world->paths);
    for (size_t i = 0; i < count; i++)
        text_append_format(&world->paths, "%s\n", paths[i]);
    bool done = !world_refuse(world, &world->invalidation_refusals, err);
    if (done)
        *id = arena_text(arena, "I1");
    pthread_mutex_unlock(&world->lock);
    return done;
}

static struct object_store *world_open_files(void *to, const char *site_id, struct error *err) {
    struct world *world = to;
    pthread_mutex_lock(&world->lock);
    const char *folder = scratch_path(world->scratch, arena_format(world->arena, "files/%s", site_id));
    pthread_mutex_unlock(&world->lock);
    return directory_store_open(folder, err);
}

static const char *world_here(struct world *world, const char *site, const char *key) {
    return scratch_read(world->scratch, arena_format(world->arena, "files/%s/%s", site, key));
}

static void world_write(struct world *world, const char *site, const char *key, const char *text) {
    scratch_write(world->scratch, arena_format(world->arena, "files/%s/%s", site, key), text);
}

static const char *world_bucket_key(struct world *world, const char *site, const char *key) {
    return arena_format(world->arena, "%s-browse-dot-show/%s", site, key);
}

static const char *world_there(struct world *world, const char *site, const char *key) {
    return memory_store_text(world->buckets, world_bucket_key(world, site, key));
}

static void world_put(struct world *world, const char *site, const char *key, const char *text) {
    memory_store_set(world->buckets, world_bucket_key(world, site, key), text,
                     clock_wall_ms(&world->clock.clock) + 60000);
}

static void world_site(struct world *world, size_t i, const char *id) {
    world->podcasts[i] = (struct site_podcast){
        .id = "pod", .rss_file = "pod.xml", .title = "Pod", .active = true, .url = "http://127.0.0.1:1/feed.xml"};
    world->sites[i] = (struct site){.id = id,
                                    .folder = "/nowhere",
                                    .domain = "example.org",
                                    .podcasts = &world->podcasts[i],
                                    .podcast_count = 1,
                                    .prompt = "",
                                    .header = {.primary_title = id},
                                    .language = "en"};
    world->selected[i] = &world->sites[i];
    world->rows[i].account = (struct site_account){.site_id = id,
                                                   .account_id = "123456789012",
                                                   .bucket = arena_format(world->arena, "%s-browse-dot-show", id),
                                                   .distribution = "E1"};
    const char *folder = scratch_path(world->scratch, arena_format(world->arena, "files/%s", id));
    struct error err = {0};
    assert_true(file_make_folders(folder, &err));
}

static int world_open(void **state) {
    struct world *world = calloc(1, sizeof(*world));
    pthread_mutex_init(&world->lock, NULL);
    world->arena = arena_open();
    world->scratch = scratch_open();
    test_clock_open(&world->clock, 1750000000000);
    struct http_client_settings http = {.clock = &world->clock.clock, .allow_private = true, .attempts = 1};
    world->http = http_client_open(&http, NULL);
    const struct memory_settings memory = {.clock = &world->clock.clock};
    world->buckets = memory_store_open(&memory);
    text_open(&world->calls, 65536);
    text_open(&world->paths, 1 << 20);
    world->refusal = ERROR_HTTP;
    world->answer = "{\"hits\":[]}";
    world_site(world, 0, "a");
    world_site(world, 1, "b");
    world->accounts =
        (struct site_accounts){.path = ACCOUNTS_FILE, .there = true, .rows = world->rows, .count = WORLD_SITES};
    world->cloud = (struct podcast_cloud){world, world_open_bucket, world_invoke, world_invalidate};
    world->settings = (struct run_settings){
        .sites = world->selected,
        .site_count = 1,
        .data = scratch_path(world->scratch, "data"),
        .open_files = world_open_files,
        .open_files_to = world,
        .http = world->http,
        .clock = &world->clock.clock,
        .skip_rss = true,
        .skip_audio = true,
        .fetch_jobs = 2,
        .engine = {.jobs = 1},
        .cloud = &world->cloud,
        .accounts = &world->accounts,
        .sync_jobs = 2,
    };
    *state = world;
    return 0;
}

static int world_close(void **state) {
    struct world *world = *state;
    for (size_t i = 0; i < world->view_count; i++)
        object_store_close(world->views[i]);
    object_store_close(world->buckets);
    http_client_close(world->http);
    text_close(&world->calls);
    text_close(&world->paths);
    scratch_close(world->scratch);
    arena_close(world->arena);
    pthread_mutex_destroy(&world->lock);
    free(world);
    return 0;
}

/* A run, with fresh counts of what was asked; its exit status. */
static int world_run(struct world *world) {
    struct error err = {0};
    world->opened = world->invoked = world->invalidated = 0;
    text_reset(&world->calls);
    text_reset(&world->paths);
    if (!podcast_run(world->arena, &world->settings, &world->report, &err))
        fail_msg("the run did not start: %s", err.message);
    test_clock_move(&world->clock, 3600000);
    return run_report_exit_status(&world->report);
}

static bool world_has_line(const char *const *lines, size_t count, const char *part) {
    for (size_t i = 0; i < count; i++) {
        if (strstr(lines[i], part))
            return true;
    }
    return false;
}

#define world_error(world, i, part)                                                                                    \
    world_has_line((world)->report.sites[i].errors, (world)->report.sites[i].error_count, part)
#define world_warning(world, i, part)                                                                                  \
    world_has_line((world)->report.sites[i].warnings, (world)->report.sites[i].warning_count, part)
#define world_plan(world, i, part)                                                                                     \
    world_has_line((world)->report.sites[i].planned, (world)->report.sites[i].planned_count, part)

/* The run went well; else its errors are shown. */
static void world_run_well(struct world *world) {
    int status = world_run(world);
    for (size_t i = 0; i < world->report.site_count; i++) {
        for (size_t j = 0; j < world->report.sites[i].error_count; j++)
            print_message("%s: %s\n", world->sites[i].id, world->report.sites[i].errors[j]);
    }
    assert_int_equal(status, 0);
}

/* Nothing is to be done, nothing is done, and nobody is asked but for the listings. */
static void world_run_idle(struct world *world) {
    unsigned puts = memory_store_calls(world->buckets, MEMORY_PUT);
    unsigned gets = memory_store_calls(world->buckets, MEMORY_GET);
    world_run_well(world);
    assert_true(world->report.nothing_new);
    assert_int_equal(world->invoked, 0);
    assert_int_equal(world->invalidated, 0);
    assert_int_equal(memory_store_calls(world->buckets, MEMORY_PUT), puts);
    assert_int_equal(memory_store_calls(world->buckets, MEMORY_GET), gets);
}

static void world_fill_here(struct world *world, const char *site) {
    world_write(world, site, MANIFEST_KEY, world_manifest);
    world_write(world, site, WORLD_AUDIO, "sound");
    world_write(world, site, WORLD_SRT, world_srt);
}

static void world_fill_there(struct world *world, const char *site) {
    world_put(world, site, MANIFEST_KEY, world_manifest);
    world_put(world, site, WORLD_AUDIO, "sound");
    world_put(world, site, WORLD_SRT, world_srt);
}

#endif
