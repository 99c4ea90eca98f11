/* The pool hands each call to its lane (pool_lane.h) and keeps watch over deadlines, on a thread of its own that is
 * started with the first deadline. */
#include "run/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/memory.h"
#include "run/pool_lane.h"
#include "run/task_names.h"

enum { LANES = 3, IO_THREADS = 16, MEDIA_WORKERS = 2, MOST_THREADS = 1024, SLICE_MS = 50 };

struct pool {
    struct pool_settings settings; /* its texts are our copies */
    struct lane lanes[LANES];      /* by enum task_lane */
    atomic_size_t under_way;

    pthread_mutex_t lock; /* guards what follows; no lane's lock is taken under it */
    pthread_cond_t changed;
    int64_t look_at; /* when the watch must look at the lanes, on the monotonic clock */
    bool watched, closing;
    pthread_t watch;
};

static unsigned threads_or(unsigned wanted, long otherwise) {
    if (!wanted)
        wanted = otherwise > 0 ? (unsigned)otherwise : 1;
    return wanted < MOST_THREADS ? wanted : MOST_THREADS;
}

struct pool *pool_open(const struct pool_settings *settings, struct error *err) {
    if (!task_table_check(settings->tasks, settings->task_count, err))
        return NULL;
    struct pool *pool = memory_alloc(sizeof(*pool));
    pool->settings = *settings;
    pool->settings.scratch = memory_text(settings->scratch);
    pool->settings.program = memory_text(settings->program);
    if (!settings->clock)
        pool->settings.clock = clock_system();
    pool->look_at = INT64_MAX;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    const unsigned threads[LANES] = {[TASK_IO] = threads_or(settings->io_threads, IO_THREADS),
                                     [TASK_CPU] = threads_or(settings->cpu_threads, sysconf(_SC_NPROCESSORS_ONLN)),
                                     [TASK_MEDIA] = threads_or(settings->media_workers, MEDIA_WORKERS)};
    for (int i = 0; i < LANES; i++)
        lane_open(&pool->lanes[i], &pool->settings, (enum task_lane)i, threads[i], &pool->under_way);
    return pool;
}

void pool_close(struct pool *pool) {
    if (!pool)
        return;
    for (int i = 0; i < LANES; i++)
        lane_stop(&pool->lanes[i]);
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    bool watched = pool->watched;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    if (watched)
        pthread_join(pool->watch, NULL);
    for (int i = 0; i < LANES; i++)
        lane_wait(&pool->lanes[i]);
    /* Only now is nobody left whose `done` could ask for something. */
    for (int i = 0; i < LANES; i++)
        lane_close(&pool->lanes[i]);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    free((void *)(uintptr_t)pool->settings.scratch);
    free((void *)(uintptr_t)pool->settings.program);
    free(pool);
}

/* With the lock held. In slices of real time, for the clock that was given may go at a pace of its own. */
static void wait_for_change(struct pool *pool, int64_t ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(ms < SLICE_MS ? ms : SLICE_MS) * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&pool->changed, &pool->lock, &until);
}

static void *keep_watch(void *to) {
    struct pool *pool = to;
    pthread_mutex_lock(&pool->lock);
    while (!pool->closing) {
        if (pool->look_at == INT64_MAX) {
            pthread_cond_wait(&pool->changed, &pool->lock);
            continue;
        }
        int64_t now = clock_monotonic_ms(pool->settings.clock);
        if (pool->look_at > now) {
            wait_for_change(pool, pool->look_at - now);
            continue;
        }
        pool->look_at = INT64_MAX;
        pthread_mutex_unlock(&pool->lock);
        int64_t next = INT64_MAX;
        for (int i = 0; i < LANES; i++) {
            int64_t due = lane_watch(&pool->lanes[i], now);
            next = due < next ? due : next;
        }
        pthread_mutex_lock(&pool->lock);
        pool->look_at = next < pool->look_at ? next : pool->look_at;
        if (next <= now && !pool->closing)
            wait_for_change(pool, 1);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void look_at(struct pool *pool, int64_t moment) {
    if (moment == INT64_MAX)
        return;
    pthread_mutex_lock(&pool->lock);
    if (!pool->watched && !pool->closing) {
        sigset_t all;
        sigset_t before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        pool->watched = pthread_create(&pool->watch, NULL, keep_watch, pool) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (moment < pool->look_at) {
        pool->look_at = moment;
        pthread_cond_signal(&pool->changed);
    }
    pthread_mutex_unlock(&pool->lock);
}

bool pool_submit(struct pool *pool, const struct pool_call *call, struct error *err) {
    const struct task *task = task_find_or_say(pool->settings.tasks, pool->settings.task_count, call->task, err);
    if (!task)
        return false;
    if (atomic_fetch_add(&pool->under_way, 1) >= LIMIT_POOL_CALLS) {
        atomic_fetch_sub(&pool->under_way, 1);
        return error_set(err, ERROR_BUSY, "%d tasks are under way; no more are taken", LIMIT_POOL_CALLS);
    }
    struct job *job = memory_alloc(sizeof(*job));
    job->task = task;
    job->call = *call;
    job->call.task = task->name;
    job->call.input = call->input ? json_incref((json_t *)(uintptr_t)call->input) : json_null();
    job->give_up_at = call->deadline_ms ? call->deadline_ms : INT64_MAX;
    int64_t deadline = job->give_up_at; /* the job may be over, and freed, once the lane has it */
    if (lane_add(&pool->lanes[task->lane], job, err)) {
        look_at(pool, deadline);
        return true;
    }
    atomic_fetch_sub(&pool->under_way, 1);
    job_free(job);
    return false;
}

void pool_cancel(struct pool *pool, uint64_t id) {
    int64_t now = clock_monotonic_ms(pool->settings.clock);
    int64_t give_up_at = INT64_MAX;
    for (int i = 0; i < LANES && !lane_cancel(&pool->lanes[i], id, now, &give_up_at); i++)
        continue;
    look_at(pool, give_up_at);
}

bool pool_has(const struct pool *pool, const char *task) {
    return task_find(pool->settings.tasks, pool->settings.task_count, task) != NULL;
}
