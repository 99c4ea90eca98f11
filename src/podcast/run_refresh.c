/* What follows an upload: the search function takes the new index (still phase 5), CloudFront drops its old copies
 * (phase 6). Both are owed until they were confirmed, however many runs that takes. With --env prod the functions of
 * the site's account do phases 2 to 4. */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/run_cloud.h"

enum { MOST_PATHS = 1000, MOST_WILDCARDS = 15, REASON_SHOWN = 200 };

/* ---- functions ---- */

static bool wrong_answer(const json_t *answer, struct error *err) {
    int64_t status = json_get_int(answer, "statusCode", 200);
    const char *said = json_get_text(answer, "errorMessage", NULL);
    const char *state = json_get_text(answer, "status", "");
    if (status < 400 && !said && strcmp(state, "error") != 0 && strcmp(state, "failed") != 0)
        return false;
    if (!said)
        said = json_get_text(answer, "message", json_get_text(answer, "error", json_get_text(answer, "body", "")));
    error_set(err, ERROR_HTTP, "it answered that it failed (status %lld): %.*s", (long long)status, REASON_SHOWN, said);
    if (err)
        err->retryable = status >= 500 || status == 429;
    return true;
}

/* A gateway's answer has its own within "body". */
static bool check_answer(const char *text, struct error *err) {
    size_t length = text ? strlen(text) : 0;
    if (!length)
        return true;
    if (length > LIMIT_CLOUD_ANSWER)
        return error_set(err, ERROR_LIMIT, "its answer has %zu bytes", length);
    JSON_OWNED json_t *answer = json_parse(text, length, NULL);
    if (!answer)
        return error_set(err, ERROR_INVALID, "its answer is no JSON: %.*s", REASON_SHOWN, text);
    const char *inside = json_get_text(answer, "body", NULL);
    JSON_OWNED json_t *body = inside ? json_parse(inside, strlen(inside), NULL) : NULL;
    return !wrong_answer(answer, err) && !wrong_answer(body, err);
}

static bool call_function(struct run_site *site, const char *purpose, const char *function, const char *payload,
                          struct error *err) {
    const struct podcast_cloud *cloud = site->run->settings->cloud;
    const struct site_account *account = run_account(site, err);
    const char *answer = NULL;
    if (!account)
        return false;
    if (!cloud->invoke(cloud->to, site->arena, account, purpose, function, false, payload, &answer, site->cancel, err))
        return false;
    log_debug("podcast", "%s answered: %.*s", function, REASON_SHOWN, answer ? answer : "");
    return check_answer(answer, err) || error_context(err, "function %s", function);
}

/* ---- the index refresh ---- */

bool run_refresh_site(struct run_site *site, struct error *err) {
    struct run_site_record *record = site->record;
    struct state_owed *owed = NULL;
    size_t count = 0;
    record->refresh.outcome = RUN_FAILED;
    if (!state_owed_read(site->run->state, site->arena, site->site->id, STATE_REFRESH, &owed, &count, err))
        return false;
    if (!count) {
        record->refresh.outcome = RUN_NOT_NEEDED;
        return true;
    }
    const char *function = arena_format(site->arena, "search-api-%s", site->site->id);
    if (site->run->settings->dry_run) {
        run_plan(site, "call %s: %zu uploaded files of earlier runs", function, count);
        record->refresh.outcome = RUN_NOT_NEEDED;
        return true;
    }
    if (!call_function(site, "search-refresh", function, "{\"forceFreshDBFileDownload\":true}", err)) {
        error_hint(err, "it is called again next run");
        return run_cloud_fault(err, "search refresh");
    }
    if (!state_owed_paid(site->run->state, site->site->id, STATE_REFRESH, err))
        return false;
    record->refresh.outcome = RUN_OK;
    record->refreshed = 1;
    run_say(site->run, "  %s: %s has taken the new index", site->site->id, function);
    return true;
}

/* ---- the invalidation ---- */

struct paths {
    struct arena *arena;
    const char **items;
    size_t count, capacity, wildcards;
};

static void add_path(struct paths *paths, const char *path) {
    paths->items =
        arena_grow(paths->arena, (void *)paths->items, paths->count, &paths->capacity, sizeof(*paths->items));
    paths->items[paths->count++] = path;
}

/* "/audio/p/a%20b.mp3": what is not safe in a URL is escaped, a star that is none with it. */
static const char *path_of(struct paths *paths, const char *key) {
    size_t length = strlen(key);
    bool folder = length > 2 && text_ends(key, "/*");
    struct text path;
    text_open(&path, 8 * KIB);
    text_append(&path, "/");
    text_append_percent(&path, arena_text_part(paths->arena, key, folder ? length - 1 : length), "/");
    if (folder)
        text_append(&path, "*");
    paths->wildcards += folder;
    const char *made = arena_text(paths->arena, text_value(&path));
    text_close(&path);
    return made;
}

/* The keys are in order, so those of a folder stand together. */
static void add_folders(struct paths *paths, const struct state_owed *owed, size_t count) {
    const char *last = "";
    for (size_t i = 0; i < count; i++) {
        size_t length = strcspn(owed[i].key, "/");
        const char *folder = arena_text_part(paths->arena, owed[i].key, length);
        if (strcmp(folder, last) != 0)
            add_path(paths, owed[i].key[length] ? arena_format(paths->arena, "/%s/*", folder)
                                                : arena_format(paths->arena, "/%s", folder));
        last = folder;
    }
}

static void make_paths(struct paths *paths, const struct state_owed *owed, size_t count) {
    for (size_t i = 0; i < count && count <= MOST_PATHS; i++)
        add_path(paths, path_of(paths, owed[i].key));
    if (count > MOST_PATHS || paths->wildcards > MOST_WILDCARDS) {
        paths->count = 0;
        add_folders(paths, owed, count);
    }
    if (paths->count > MOST_PATHS) {
        paths->count = 0;
        add_path(paths, "/*");
    }
}

/* The same uploads give the same name, so that a run that was killed behind the call makes no second invalidation. */
static const char *reference_of(struct run_site *site, const struct state_owed *owed, size_t count) {
    char digest[HASH_TEXT_SIZE];
    struct hash *hash = hash_open(HASH_SHA256);
    for (size_t i = 0; i < count; i++) {
        const char *line = arena_format(site->arena, "%s %lld\n", owed[i].key, (long long)owed[i].stamp_ms);
        hash_add(hash, line, strlen(line));
    }
    hash_end(hash, digest);
    hash_close(hash);
    return arena_format(site->arena, "tidemill-%s-%.32s", site->site->id, digest);
}

static bool invalidate(struct run_site *site, const struct site_account *account, const struct state_owed *owed,
                       size_t count, struct error *err) {
    const struct podcast_cloud *cloud = site->run->settings->cloud;
    struct paths paths = {.arena = site->arena};
    const char *id = NULL;
    make_paths(&paths, owed, count);
    if (!cloud->invalidate(cloud->to, site->arena, account, reference_of(site, owed, count), paths.items, paths.count,
                           &id, site->cancel, err)) {
        error_hint(err, "it is asked for again next run");
        return false;
    }
    site->record->invalidated_paths = paths.count;
    run_say(site->run, "  %s: CloudFront drops its copies of %zu paths (%s)", site->site->id, paths.count,
            id ? id : "");
    return true;
}

bool run_invalidate_site(struct run_site *site, struct error *err) {
    run_say_phase(site->run, STEP_INVALIDATE, "Phase 6: invalidation");
    struct run_site_record *record = site->record;
    struct state_owed *owed = NULL;
    size_t count = 0;
    record->invalidation.outcome = RUN_FAILED;
    if (!state_owed_read(site->run->state, site->arena, site->site->id, STATE_INVALIDATION, &owed, &count, err))
        return false;
    record->invalidation.outcome = RUN_NOT_NEEDED;
    if (!count)
        return true;
    record->invalidation.outcome = RUN_FAILED;
    const struct site_account *account = run_account(site, err);
    if (!account)
        return run_cloud_fault(err, "invalidation");
    if (site->run->settings->dry_run) {
        run_plan(site, "invalidate %zu uploaded files of earlier runs at CloudFront", count);
        record->invalidation.outcome = RUN_NOT_NEEDED;
        return true;
    }
    /* Without a distribution nobody keeps copies. */
    if (account->distribution && !invalidate(site, account, owed, count, err))
        return run_cloud_fault(err, "invalidation");
    if (!state_owed_paid(site->run->state, site->site->id, STATE_INVALIDATION, err))
        return false;
    record->invalidation.outcome = account->distribution ? RUN_OK : RUN_NOT_NEEDED;
    return true;
}

/* ---- phases 2 to 4 in the cloud ---- */

static const struct remote_phase {
    const char *name, *function, *line;
    enum run_step step;
    const char *changes[3]; /* what it writes, NULL-ended */
} remote_phases[] = {
    {"rss", "rss-retrieval", "Phase 2: retrieval in the cloud", STEP_FETCH, {"episode-manifest/*", "rss/*", NULL}},
    {"audio", "whisper-transcription", "Phase 3: transcription in the cloud", STEP_TRANSCRIBE, {"transcripts/*", NULL}},
    {"index",
     "srt-indexing",
     "Phase 4: indexing in the cloud",
     STEP_INDEX,
     {"search-entries/*", "search-index/*", NULL}},
};

static bool call_remote(struct run_site *site, const struct remote_phase *phase, struct error *err) {
    const char *function = arena_format(site->arena, "%s-%s", phase->function, site->site->id);
    size_t count = 0;
    while (phase->changes[count])
        count++;
    if (site->run->settings->dry_run) {
        run_plan(site, "call %s", function);
        return true;
    }
    int64_t now = clock_wall_ms(site->run->settings->clock);
    if (!state_owed_plan(site->run->state, site->site->id, phase->changes, count, now, err) ||
        !call_function(site, "prod-run", function, "{}", err))
        return false;
    run_say(site->run, "  %s: %s is done", site->site->id, function);
    JSON_OWNED json_t *nothing = json_object();
    return state_owed_settle(site->run->state, site->site->id, nothing, err);
}

bool run_remote_site(struct run_site *site, const char *name, struct error *err) {
    for (size_t i = 0; i < ARRAY_LENGTH(remote_phases); i++) {
        const struct remote_phase *phase = &remote_phases[i];
        if (strcmp(phase->name, name) != 0)
            continue;
        struct run_site_record *record = site->record;
        struct run_phase *shown = phase->step == STEP_FETCH        ? &record->rss
                                  : phase->step == STEP_TRANSCRIBE ? &record->transcription
                                                                   : &record->index;
        run_say_phase(site->run, phase->step, phase->line);
        bool done = call_remote(site, phase, err);
        shown->outcome = done ? RUN_OK : RUN_FAILED;
        return done || run_cloud_fault(err, phase->line);
    }
    return error_set(err, ERROR_INVALID, "\"phase\" is \"rss\", \"audio\" or \"index\"");
}
