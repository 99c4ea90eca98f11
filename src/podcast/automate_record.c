/* What is remembered of unattended runs. */
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "podcast/automate.h"

#define CONFIG_FILE "automation-config.json"
#define LAST_FILE "last-pipeline-run.json"
#define STATE_FILE "automation-state.json"

const char *automate_folder(struct arena *arena, const char *workspace, const char *data) {
    const char *scripts = workspace ? file_join(arena, workspace, "scripts/automation-logs") : NULL;
    return scripts && file_is_folder(scripts) ? scripts : file_join(arena, data, "automation-logs");
}

static void release(void *value) {
    json_decref(value);
}

/* An object, in the arena; NULL with an error, or without one when the file is not there. */
static bool read_object(struct arena *arena, const char *folder, const char *name, json_t **object,
                        const char **warning, struct error *err) {
    struct error failure = {0};
    *object = json_read(file_join(arena, folder, name), LIMIT_CONFIG_BYTES, &failure);
    if (*object) {
        arena_defer(arena, release, *object);
        if (json_is_object(*object))
            return true;
        error_set(&failure, ERROR_INVALID, "%s is no JSON object", name);
        *object = NULL;
    }
    if (failure.code == ERROR_ABSENT)
        return true;
    if (failure.code != ERROR_INVALID && failure.code != ERROR_LIMIT)
        return error_copy(err, &failure);
    *warning = arena_format(arena, "%s; it counts as absent and is written anew", failure.message);
    return true;
}

/* A number of milliseconds, or a time in words. */
static int64_t moment(const json_t *object, const char *key) {
    int64_t ms = json_get_int(object, key, 0);
    const char *text = json_get_text(object, key, NULL);
    if (text && !clock_parse_iso(text, &ms))
        ms = 0;
    return ms > 0 ? ms : 0;
}

/* Both files know of the attempts, and one is written before the other: the state counts, which is the first, unless
 * the other tells of a later attempt, which the scripts made. */
static void read_attempts(struct automate_record *read, const json_t *last, const json_t *state) {
    bool theirs = moment(last, "lastAttemptTimestamp") > moment(state, "attemptAt");
    bool ours = !theirs && json_object_get(state, "attemptAt");
    read->success_ms = ours ? moment(state, "successAt") : moment(last, "lastSuccessTimestamp");
    read->attempt_ms = ours ? moment(state, "attemptAt") : moment(last, "lastAttemptTimestamp");
    int64_t failures = ours ? json_get_int(state, "failures", 0) : json_get_int(last, "consecutiveFailures", 0);
    read->failures = failures > 0 ? failures : 0;
    read->stale = ours && (read->success_ms != moment(last, "lastSuccessTimestamp") ||
                           read->attempt_ms != moment(last, "lastAttemptTimestamp") ||
                           read->failures != json_get_int(last, "consecutiveFailures", -1));
}

bool automate_record_read(struct arena *arena, const char *folder, struct automate_record *record, struct error *err) {
    json_t *config = NULL;
    json_t *last = NULL;
    json_t *state = NULL;
    struct automate_record read = {0};
    if (!read_object(arena, folder, CONFIG_FILE, &config, &read.warning, err) ||
        !read_object(arena, folder, LAST_FILE, &last, &read.warning, err) ||
        !read_object(arena, folder, STATE_FILE, &state, &read.warning, err))
        return false;
    read.enabled = json_get_bool(config, "enabled", true);
    read.enabled_ms = moment(config, "timestamp");
    read_attempts(&read, last, state);
    read.ended_ms = moment(state, "endedAt");
    read.open = json_get_bool(state, "open", false);
    read.postponed_ms = moment(state, "postponedAt");
    read.postponements = json_get_int(state, "postponements", 0);
    read.reason = arena_text(arena, json_get_text(state, "reason", NULL));
    read.line = arena_text(arena, json_get_text(state, "line", NULL));
    read.streak_ms = moment(state, "failingSince");
    /* A streak that the scripts left has no beginning of its own. */
    if (read.failures && !read.streak_ms)
        read.streak_ms = read.attempt_ms ? read.attempt_ms : 1;
    json_t *told = json_object_get(state, "told");
    read.told = json_is_object(told) ? json_copy(told) : json_object();
    arena_defer(arena, release, read.told);
    *record = read;
    return true;
}

static void put_moment(json_t *object, const char *key, int64_t wall_ms) {
    char iso[CLOCK_ISO_SIZE];
    json_object_set_new(object, key, wall_ms ? json_string(clock_iso(wall_ms, iso)) : json_null());
}

static void put_milliseconds(json_t *object, const char *key, int64_t wall_ms) {
    if (wall_ms)
        json_object_set_new(object, key, json_integer((json_int_t)wall_ms));
    else
        json_object_del(object, key);
}

bool automate_record_write(const char *folder, const struct automate_record *record, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    json_t *old = NULL;
    const char *warning = NULL;
    if (!file_make_folders(folder, err) || !read_object(arena, folder, LAST_FILE, &old, &warning, err))
        return false;
    JSON_OWNED json_t *last = old ? json_copy(old) : json_object();
    put_milliseconds(last, "lastSuccessTimestamp", record->success_ms);
    put_milliseconds(last, "lastAttemptTimestamp", record->attempt_ms);
    json_object_set_new(last, "consecutiveFailures", json_integer((json_int_t)record->failures));
    JSON_OWNED json_t *state = json_object();
    json_object_set_new(state, "open", json_boolean(record->open));
    put_moment(state, "attemptAt", record->attempt_ms);
    put_moment(state, "successAt", record->success_ms);
    json_object_set_new(state, "failures", json_integer((json_int_t)record->failures));
    put_moment(state, "endedAt", record->ended_ms);
    put_moment(state, "postponedAt", record->postponed_ms);
    json_object_set_new(state, "postponements", json_integer((json_int_t)record->postponements));
    json_object_set_new(state, "reason", record->reason ? json_string(record->reason) : json_null());
    json_object_set_new(state, "line", record->line ? json_string(record->line) : json_null());
    put_moment(state, "failingSince", record->streak_ms);
    json_object_set(state, "told", record->told);
    /* The state first: it counts where the other could not be written. */
    return json_write(file_join(arena, folder, STATE_FILE), state, 2, err) &&
           json_write(file_join(arena, folder, LAST_FILE), last, 2, err);
}

bool automate_enable(const char *folder, bool enabled, int64_t now_ms, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    json_t *old = NULL;
    const char *warning = NULL;
    if (!file_make_folders(folder, err) || !read_object(arena, folder, CONFIG_FILE, &old, &warning, err))
        return false;
    if (old && json_is_boolean(json_object_get(old, "enabled")) && json_get_bool(old, "enabled", false) == enabled)
        return true;
    char iso[CLOCK_ISO_SIZE];
    JSON_OWNED json_t *config = old ? json_copy(old) : json_object();
    json_object_set_new(config, "enabled", json_boolean(enabled));
    json_object_set_new(config, "timestamp", json_string(clock_iso(now_ms, iso)));
    return json_write(file_join(arena, folder, CONFIG_FILE), config, 2, err);
}
