/* The order of a run's tasks: the state machine podcast-run (machines/podcast-run.asl.json), carried out by the engine.
 * It has a data directory of its own for that, state/podcast-run in the one of the run: a server that owns the large
 * one does not stand in the way, nor does a run that takes hours, and the flow commands can look into it. A run that
 * was killed left its execution open there: the next one with the same settings goes on with it.
 *
 * An execution takes at most sites_at_once sites and as many episodes as podcast.work gives it, for it may have 25,000
 * events. So a run is a series of executions: rounds over a group of sites until nothing is left, then the next group.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/engine.h"
#include "podcast/run_machine.h"
#include "podcast/run_site.h"
#include "podcast/tasks.h"
#include "run/pool.h"

/* An iteration that fails, is tried again and is caught makes 13 to 25 events. */
enum { SITES_AT_ONCE = 250, CLOUD_SITES_AT_ONCE = 64, LOOK_EVERY_MS = 20, SPARE_THREADS = 2, ROUNDS = 1000 };

/* An execution that began longer ago is not gone on with: its feeds are old. */
enum { GO_ON_WITHIN_S = 24 * 60 * 60 };

#define MACHINE_NAME "podcast-run"
#define MACHINE_ARN "arn:aws:states:us-east-1:000000000000:stateMachine:" MACHINE_NAME

struct course {
    struct run *run;
    struct pool *pool;
    struct engine *engine;
    const json_t *settings; /* what must be the same for a run to be gone on with */
    struct file_lock *lock;
    size_t group; /* the first site of the executions' group */
};

/* ---- the engine ---- */

static bool refused(const char *operation, const struct api_error *why, struct error *err) {
    return error_set(err, ERROR_INTERNAL, "%s: %s: %s", operation, why->type, api_error_message(why));
}

static bool ask(struct course *course, const char *operation, json_t *taken, json_t **answer, struct error *err) {
    JSON_OWNED json_t *request = taken;
    API_ERROR_SCOPED struct api_error why = {0};
    return engine_call_wait(course->engine, operation, request, answer, &why) || refused(operation, &why, err);
}

/* "podcast_fetch" is the task podcast.fetch. */
static const char *resource_of(void *to, struct arena *arena, const char *name) {
    const struct run *run = to;
    for (size_t i = 0; i < run->task_count; i++) {
        char *spelled = arena_text(arena, run->tasks[i].name);
        for (char *c = spelled; *c; c++)
            *c = *c == '.' || *c == '-' ? '_' : *c;
        if (strcmp(spelled, name) == 0)
            return arena_format(arena, "arn:tidemill:task:%s", run->tasks[i].name);
    }
    return NULL;
}

/* The machine as this version of the program has it. */
static bool register_machine(struct course *course, struct error *err) {
    JSON_OWNED json_t *answer = NULL;
    JSON_OWNED json_t *request = json_pack("{s:s, s:s, s:s}", "name", MACHINE_NAME, "definition", podcast_run_machine,
                                           "roleArn", "arn:aws:iam::000000000000:role/tidemill");
    API_ERROR_SCOPED struct api_error why = {0};
    if (engine_call_wait(course->engine, "CreateStateMachine", request, &answer, &why))
        return true;
    if (strcmp(why.type, "StateMachineAlreadyExists") != 0)
        return refused("CreateStateMachine", &why, err);
    return ask(course, "UpdateStateMachine",
               json_pack("{s:s, s:s}", "stateMachineArn", MACHINE_ARN, "definition", podcast_run_machine), &answer,
               err);
}

/* As the owner of the folder (DESIGN section 4). */
static bool own_folder(struct course *course, struct arena *arena, const char *folder, struct error *err) {
    const char *path = file_join(arena, folder, "run/lock");
    if (file_make_parents(path, err))
        course->lock = file_lock_open(path, err);
    return course->lock || error_context(err, "%s", folder);
}

static bool open_engine(struct course *course, struct arena *arena, struct error *err) {
    const struct run *run = course->run;
    const struct run_settings *settings = run->settings;
    unsigned most = settings->fetch_jobs > settings->engine.jobs ? settings->fetch_jobs : settings->engine.jobs;
    struct pool_settings pool = {.tasks = run->tasks,
                                 .task_count = run->task_count,
                                 .clock = settings->clock,
                                 .io_threads = most + SPARE_THREADS};
    const char *above = settings->dry_run ? run->scratch : file_join(arena, settings->data, "state");
    const char *folder = file_join(arena, above, MACHINE_NAME);
    if (!own_folder(course, arena, folder, err))
        return false;
    course->pool = pool_open(&pool, err);
    struct engine_settings engine = {
        .folder = file_join(arena, folder, "state"),
        .clock = settings->clock,
        .pool = course->pool,
        .variable = resource_of,
        .variable_to = course->run,
    };
    if (course->pool)
        course->engine = engine_open(&engine, err);
    return course->engine && register_machine(course, err);
}

/* ---- one execution ---- */

/* Everything on which it depends what an execution does. */
static json_t *settings_json(const struct run *run) {
    const struct run_settings *settings = run->settings;
    struct text ids;
    text_open(&ids, 64 * MIB);
    for (size_t i = 0; i < run->count; i++)
        text_append_format(&ids, "%s,", run->sources[i].site->id);
    char digest[HASH_TEXT_SIZE];
    hash_text(HASH_SHA256, text_value(&ids), ids.length, digest);
    text_close(&ids);
    json_t *json =
        json_pack("{s:s, s:b, s:b, s:b, s:b, s:b, s:b, s:I}", "sites", digest, "skipRss", (int)settings->skip_rss,
                  "skipAudio", (int)settings->skip_audio, "skipIndex", (int)settings->skip_index, "forceIndex",
                  (int)settings->force_index, "respell", (int)settings->respell, "recheckAudio",
                  (int)settings->recheck_audio, "maxEpisodes", (json_int_t)settings->max_episodes);
    const struct {
        const char *name;
        bool value;
    } flags[] = {{"cloud", settings->cloud != NULL},
                 {"inCloud", settings->in_cloud},
                 {"skipPreSync", settings->skip_pre_sync},
                 {"skipUpload", settings->skip_upload},
                 {"skipInvalidation", settings->skip_invalidation},
                 {"deleteRemoved", settings->delete_removed}};
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++)
        json_object_set_new(json, flags[i].name, json_boolean(flags[i].value));
    json_t *folders = json_array();
    for (size_t i = 0; i < settings->sync_folder_count; i++)
        json_array_append_new(folders, json_string(settings->sync_folders[i]));
    json_object_set_new(json, "syncFolders", folders);
    return json;
}

static size_t sites_at_once(const struct run *run) {
    return run->settings->cloud ? CLOUD_SITES_AT_ONCE : SITES_AT_ONCE;
}

static json_t *input_of(const struct course *course) {
    const struct run *run = course->run;
    json_t *sites = json_array();
    for (size_t i = course->group; i < run->count && i < course->group + sites_at_once(run); i++)
        json_array_append_new(sites, json_string(run->sources[i].site->id));
    return json_pack("{s:o, s:i, s:I, s:O}", "sites", sites, "round", (int)run->round, "group",
                     (json_int_t)course->group, "settings", course->settings);
}

static bool start(struct course *course, char **execution, struct error *err) {
    JSON_OWNED json_t *input = input_of(course);
    JSON_OWNED json_t *answer = NULL;
    TEXT_OWNED char *text = json_text(input, 0);
    if (!ask(course, "StartExecution", json_pack("{s:s, s:s}", "stateMachineArn", MACHINE_ARN, "input", text), &answer,
             err))
        return false;
    *execution = memory_text(json_get_text(answer, "executionArn", ""));
    return true;
}

/* Waits for its end, or for a cancel. */
static bool await(struct course *course, const char *execution, struct error *err) {
    const struct run_settings *settings = course->run->settings;
    for (;;) {
        JSON_OWNED json_t *answer = NULL;
        if (!engine_healthy(course->engine, err) ||
            !ask(course, "DescribeExecution", json_pack("{s:s}", "executionArn", execution), &answer, err))
            return false;
        const char *status = json_get_text(answer, "status", "");
        if (strcmp(status, "SUCCEEDED") == 0)
            return true;
        if (strcmp(status, "RUNNING") != 0)
            return error_set(err, ERROR_INTERNAL, "the run's execution ended as %s: %s: %s", status,
                             json_get_text(answer, "error", "no error"), json_get_text(answer, "cause", "no cause"));
        if (!clock_wait(settings->clock, LOOK_EVERY_MS, settings->cancel))
            return true;
    }
}

/* ---- what a killed run left ---- */

/* The open executions, the newest first. */
static bool open_executions(struct course *course, json_t **list, struct error *err) {
    JSON_OWNED json_t *answer = NULL;
    if (!ask(course, "ListExecutions",
             json_pack("{s:s, s:s}", "stateMachineArn", MACHINE_ARN, "statusFilter", "RUNNING"), &answer, err))
        return false;
    *list = json_incref(json_object_get(answer, "executions"));
    return true;
}

/* Its input, if this run may go on with it. */
static json_t *fitting_input(struct course *course, const json_t *row) {
    JSON_OWNED json_t *answer = NULL;
    const char *arn = json_get_text(row, "executionArn", "");
    if (!ask(course, "DescribeExecution", json_pack("{s:s}", "executionArn", arn), &answer, NULL))
        return NULL;
    double age_s = (double)clock_wall_ms(course->run->settings->clock) / 1000 - json_get_real(answer, "startDate", 0);
    const char *text = json_get_text(answer, "input", "");
    json_t *input = json_parse(text, strlen(text), NULL);
    int64_t round = json_get_int(input, "round", -1);
    int64_t group = json_get_int(input, "group", -1);
    if (input && age_s < GO_ON_WITHIN_S && json_equal(json_object_get(input, "settings"), course->settings) &&
        round >= 0 && round < ROUNDS && group >= 0 && group < (int64_t)course->run->count)
        return input;
    json_decref(input);
    return NULL;
}

static bool stop(struct course *course, const json_t *row, struct error *err) {
    JSON_OWNED json_t *answer = NULL;
    return ask(course, "StopExecution",
               json_pack("{s:s, s:s, s:s}", "executionArn", json_get_text(row, "executionArn", ""), "error",
                         "Podcast.Superseded", "cause", "a run with other settings began"),
               &answer, err);
}

/* *execution is the one to go on with, NULL if there is none; others that are open are stopped. */
static bool find_open(struct course *course, char **execution, struct error *err) {
    JSON_OWNED json_t *list = NULL;
    if (!open_executions(course, &list, err))
        return false;
    size_t index;
    const json_t *row;
    json_array_foreach (list, index, row) {
        JSON_OWNED json_t *input = *execution ? NULL : fitting_input(course, row);
        if (input) {
            *execution = memory_text(json_get_text(row, "executionArn", ""));
            course->run->round = (unsigned)json_get_int(input, "round", 0);
            course->group = (size_t)json_get_int(input, "group", 0);
        } else if (!stop(course, row, err)) {
            return false;
        }
    }
    return true;
}

/* ---- the run ---- */

/* Executions until all is done. */
static bool take_rounds(struct course *course, struct error *err) {
    struct run *run = course->run;
    for (size_t group = 0; group < run->count && !cancel_requested(run->settings->cancel); run->round++) {
        char *execution = NULL;
        course->group = group;
        bool done = start(course, &execution, err) && await(course, execution, err);
        free(execution);
        if (!done)
            return false;
        if (!run_has_left(run) || run->round >= ROUNDS)
            group += sites_at_once(run);
    }
    return true;
}

/* Takes the execution that was broken off to its end. What failed in it is tried again afterwards, as the feeds are
 * asked again: whoever starts a run expects no less. */
static bool go_on(struct course *course, const char *execution, struct error *err) {
    struct run *run = course->run;
    struct error ended = {0};
    run_say(run, "Going on with the run that was broken off");
    if (!await(course, execution, &ended) && !engine_healthy(course->engine, err))
        return false;
    run->round++;
    run_forget_failures(run);
    return true;
}

/* That the engine broke down is said in the report, beside what was done until then. */
static void note_breakdown(struct course *course, const struct error *err) {
    struct run *run = course->run;
    char line[TASK_CAUSE_SIZE + 64];
    char cause[TASK_CAUSE_SIZE];
    snprintf(line, sizeof(line), "the run broke off: %s", task_error_cause(err, cause));
    size_t at = course->group < run->count ? course->group : 0;
    if (run_note_failure(run, run->sources[at].site, STEP_INDEX, "breakdown", line))
        run_say(run, "  %s", line);
}

/* The tasks of an execution that was left open begin with the engine, and wait at the gate until it is known whether
 * this run goes on with it. */
static bool take_course(struct course *course, struct arena *arena, struct error *err) {
    struct run *run = course->run;
    char *execution = NULL;
    run_gate_close(run);
    bool begun = open_engine(course, arena, err) && find_open(course, &execution, err) &&
                 (execution || run_forget_notes(run, err));
    run_gate_open(run, begun);
    struct error broken = {0};
    if (begun && !((!execution || go_on(course, execution, &broken)) && take_rounds(course, &broken)))
        note_breakdown(course, &broken);
    else if (begun && !run->settings->dry_run && !cancel_requested(run->settings->cancel))
        run_drop_kept_notes(run);
    free(execution);
    return begun;
}

bool run_take_course(struct run *run, struct arena *arena, struct error *err) {
    JSON_OWNED json_t *settings = settings_json(run);
    struct course course = {.run = run, .settings = settings};
    bool done = (run->settings->dry_run || run_load_notes(run, err)) && take_course(&course, arena, err);
    engine_close(course.engine);
    pool_close(course.pool);
    file_lock_close(course.lock);
    return done;
}
