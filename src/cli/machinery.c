#include "cli/machinery.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "cli/machinery_parts.h"
#include "cli/podcast_automate.h"
#include "flow/engine.h"
#include "flow/tasks.h"
#include "run/pool.h"
#include "store/object/directory.h"

struct machinery {
    struct file_lock *lock;
    char *objects; /* the folder with one folder a bucket */
    struct flow_buckets buckets;
    struct task *own_tasks;
    struct task *tasks;
    struct pool *pool;
    json_t *mocks;
    struct engine *engine;
    struct machinery_services services;
    struct schedules *schedules;
    pthread_t scheduler;
    bool scheduler_runs;
};

const char *machinery_socket(struct command_context *context) {
    return file_join(context->arena, options_text(context->options, "data"), "run/tidemill.sock");
}

/* A bucket is a folder below objects/: its name has no slash and no dot in front. */
static struct object_store *open_bucket(void *to, const char *bucket, struct error *err) {
    struct machinery *machinery = to;
    if (!*bucket || *bucket == '.' || strchr(bucket, '/')) {
        error_set(err, ERROR_INVALID, "\"%s\" is no name of a bucket", bucket);
        return NULL;
    }
    ARENA_OWNED struct arena *arena = arena_open();
    return directory_store_open(file_join(arena, machinery->objects, bucket), err);
}

/* "${podcast_transcribe}" is the task podcast.transcribe where there is one. */
static const char *task_variable(void *to, struct arena *arena, const char *name) {
    struct machinery *machinery = to;
    char *task = arena_text(arena, name);
    char *line = strchr(task, '_');
    if (line)
        *line = '.';
    return pool_has(machinery->pool, task) ? arena_format(arena, "arn:tidemill:task:%s", task) : NULL;
}

static bool open_pool(struct machinery *machinery, struct command_context *context, const char *run,
                      struct error *err) {
    size_t counts[4] = {0, 0, 1, 1};
    size_t count = 0;
    if (!machinery_services_open(&machinery->services, context, err))
        return false;
    struct task integration = integration_task(machinery->services.integration);
    struct task podcast_run = automate_task(automate_task_open(context));
    machinery->buckets = (struct flow_buckets){open_bucket, machinery};
    machinery->own_tasks = flow_tasks(&machinery->buckets, &counts[0]);
    const struct task *tables[] = {machinery->own_tasks, tasks_built_in(&counts[1]), &integration, &podcast_run};
    if (!tasks_join(tables, counts, ARRAY_LENGTH(tables), &machinery->tasks, &count, err))
        return false;
    struct pool_settings settings = {.tasks = machinery->tasks,
                                     .task_count = count,
                                     .scratch = file_join(context->arena, run, "scratch"),
                                     .clock = context->clock};
    machinery->pool = pool_open(&settings, err);
    return machinery->pool != NULL;
}

static bool read_mocks(struct machinery *machinery, struct command_context *context, struct error *err) {
    const char *path = options_text(context->options, "flow.mock-config");
    if (!path)
        return true;
    machinery->mocks = json_read(path, LIMIT_JSON_BYTES, err);
    return machinery->mocks != NULL;
}

static bool open_engine(struct machinery *machinery, struct command_context *context, struct error *err) {
    const struct options *options = context->options;
    struct engine_settings settings = {
        .folder = file_join(context->arena, options_text(options, "data"), "state"),
        .clock = context->clock,
        .random = context->random,
        .region = options_text(options, "flow.region"),
        .account = options_text(options, "flow.account"),
        .pool = machinery->pool,
        .time = options_bool(options, "flow.virtual-time") ? ENGINE_TIME_VIRTUAL : ENGINE_TIME_REAL,
        .time_scale = (double)options_integer(options, "flow.time-scale"),
        .mocks = machinery->mocks,
        .variable = task_variable,
        .variable_to = machinery,
    };
    machinery->engine = engine_open(&settings, err);
    return machinery->engine != NULL;
}

static void *run_schedules(void *to) {
    schedules_run(to);
    return NULL;
}

static bool open_schedules(struct machinery *machinery, struct command_context *context, struct error *err) {
    machinery->services.engine = machinery->engine;
    struct schedule_settings settings = {
        .path = file_join(context->arena, options_text(context->options, "data"), "state/schedules.db"),
        .clock = context->clock,
        .random = context->random,
        .region = options_text(context->options, "flow.region"),
        .account = options_text(context->options, "flow.account"),
        .targets = machinery_targets(&machinery->services),
    };
    machinery->schedules = schedules_open(&settings, err);
    if (!machinery->schedules)
        return false;
    pthread_create(&machinery->scheduler, NULL, run_schedules, machinery->schedules);
    machinery->scheduler_runs = true;
    return true;
}

struct machinery *machinery_open(struct command_context *context, struct error *err) {
    const char *data = options_text(context->options, "data");
    const char *run = file_join(context->arena, data, "run");
    struct machinery *machinery = memory_alloc(sizeof(*machinery));
    machinery->objects = memory_text(file_join(context->arena, data, "objects"));
    bool well = file_make_folders(file_join(context->arena, run, "scratch"), err) &&
                (machinery->lock = file_lock_open(file_join(context->arena, run, "lock"), err)) &&
                open_pool(machinery, context, run, err) && read_mocks(machinery, context, err) &&
                open_engine(machinery, context, err) && open_schedules(machinery, context, err);
    if (well)
        return machinery;
    machinery_close(machinery);
    return NULL;
}

void machinery_close(struct machinery *machinery) {
    if (!machinery)
        return;
    if (machinery->scheduler_runs) {
        schedules_stop(machinery->schedules);
        pthread_join(machinery->scheduler, NULL);
    }
    schedules_close(machinery->schedules);
    engine_close(machinery->engine);
    pool_close(machinery->pool);
    machinery_services_close(&machinery->services);
    json_decref(machinery->mocks);
    free(machinery->tasks);
    free(machinery->own_tasks);
    free(machinery->objects);
    file_lock_close(machinery->lock);
    free(machinery);
}

struct engine *machinery_engine(const struct machinery *machinery) {
    return machinery->engine;
}

struct pool *machinery_pool(const struct machinery *machinery) {
    return machinery->pool;
}

struct schedules *machinery_schedules(const struct machinery *machinery) {
    return machinery->schedules;
}
