/* A lane's rule: whoever sets a job's `told`, under the lock, tells its caller, after the lock; a running job belongs
 * to the thread that runs it, which frees it, told or not. */
#include "run/pool_lane.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/memory.h"
#include "run/task_names.h"
#include "run/worker.h"

enum { GRACE_MS = 5000, REPORT_SECONDS = 5 };

/* ---- lists ---- */

static void list_append(struct job_list *list, struct job *job) {
    job->before = list->last;
    job->next = NULL;
    if (list->last)
        list->last->next = job;
    else
        list->first = job;
    list->last = job;
}

static void list_remove(struct job_list *list, struct job *job) {
    if (job->before)
        job->before->next = job->next;
    else
        list->first = job->next;
    if (job->next)
        job->next->before = job->before;
    else
        list->last = job->before;
    job->before = job->next = NULL;
}

static struct job **bucket_of(struct lane *lane, uint64_t id) {
    return &lane->buckets[id % LANE_BUCKETS];
}

/* The number is forgotten when the call was told, for its caller may use it again from then on. */
static void forget_number(struct lane *lane, struct job *job) {
    struct job **place = bucket_of(lane, job->call.id);
    while (*place && *place != job)
        place = &(*place)->same_bucket;
    if (*place)
        *place = job->same_bucket;
}

/* ---- telling ---- */

void job_free(struct job *job) {
    json_decref((json_t *)(uintptr_t)job->call.input);
    free(job);
}

static void tell(struct lane *lane, const struct pool_call *call, bool well, json_t *output, const struct error *err) {
    atomic_fetch_sub(lane->under_way, 1); /* before: the caller may submit the next one */
    call->done(call->to, call->id, well, output, err);
}

static void tell_given_up(struct lane *lane, const struct task *task, const struct pool_call *call,
                          enum error_code reason) {
    struct error err = {0};
    if (reason == ERROR_TIMEOUT) {
        task_fail(&err, "States.Timeout", "%s: not done when its time was up", task->name);
        err.code = ERROR_TIMEOUT;
    } else {
        error_set(&err, ERROR_CANCELLED, "%s: stopped", task->name);
    }
    tell(lane, call, false, NULL, &err);
}

/* Jobs that waited, of a list of their own, each to be told and freed. */
static void give_up_waiting(struct lane *lane, struct job_list *list) {
    while (list->first) {
        struct job *job = list->first;
        list->first = job->next;
        tell_given_up(lane, job->task, &job->call, job->reason);
        job_free(job);
    }
}

static void move_to(struct lane *lane, struct job *job, struct job_list *list, enum error_code reason) {
    list_remove(&lane->waiting, job);
    lane->waiting_count--;
    forget_number(lane, job);
    job->told = true;
    job->reason = reason;
    list_append(list, job);
}

/* ---- running ---- */

static void beat(void *to, uint64_t done, uint64_t total) {
    struct job *job = to;
    if (!job->call.heartbeat)
        return;
    pthread_mutex_lock(&job->lane->lock);
    bool wanted = !job->told;
    job->beating = wanted;
    pthread_mutex_unlock(&job->lane->lock);
    if (!wanted)
        return;
    job->call.heartbeat(job->call.to, job->call.id, done, total);
    pthread_mutex_lock(&job->lane->lock);
    job->beating = false;
    pthread_mutex_unlock(&job->lane->lock);
}

static bool output_fits(const json_t *output, struct error *err) {
    size_t length = json_dumpb(output, NULL, 0, JSON_ENCODE_ANY | JSON_COMPACT);
    return length <= LIMIT_WORKER_MESSAGE ||
           error_set(err, ERROR_LIMIT, "%zu bytes of JSON are more than a task can hand over", length);
}

/* Runs it outside of the lock. `worker`: of this thread, in the media lane. */
static bool run(struct lane *lane, struct job *job, struct worker *worker, json_t **output, struct error *err) {
    struct worker_call call = {
        .task = job->task->name, .input = job->call.input, .cancel = &job->cancel, .progress = beat, .to = job};
    if (worker)
        return worker_call(worker, &call, output, err);
    const struct pool_settings *settings = lane->settings;
    call.clock = settings->clock;
    if (!task_run_here(job->task, 1, settings->scratch, &call, output, err))
        return *err->name ? false : error_context(err, "%s", job->task->name); /* what it named itself, it worded too */
    if (output_fits(*output, err))
        return true;
    json_decref(*output);
    *output = NULL;
    return error_context(err, "%s", job->task->name);
}

/* With the lock held: takes the next job to run, or NULL when this thread shall end. */
static struct job *next_job(struct lane *lane) {
    for (;;) {
        if (lane->alive - lane->stuck > lane->wanted)
            return NULL; /* a thread that was thought stuck is back, and was replaced meanwhile */
        struct job *job = lane->waiting.first;
        if (job) {
            list_remove(&lane->waiting, job);
            lane->waiting_count--;
            list_append(&lane->running, job);
            job->running = true;
            return job;
        }
        if (lane->closing)
            return NULL;
        lane->idle++;
        pthread_cond_wait(&lane->work, &lane->lock);
        lane->idle--;
    }
}

/* With the lock held, which it gives up meanwhile. */
static void do_job(struct lane *lane, struct job *job, struct worker *worker) {
    pthread_mutex_unlock(&lane->lock);
    struct error err = {0};
    json_t *output = NULL;
    bool well = run(lane, job, worker, &output, &err);
    pthread_mutex_lock(&lane->lock);
    list_remove(&lane->running, job);
    bool late = job->told;
    if (late)
        lane->stuck--;
    else
        forget_number(lane, job);
    job->told = true;
    /* Still counted as running for whoever closes the lane: `alive` stands until this thread ends. */
    pthread_mutex_unlock(&lane->lock);
    if (late || job->reason == ERROR_TIMEOUT) {
        json_decref(output);
        if (!late)
            tell_given_up(lane, job->task, &job->call, ERROR_TIMEOUT);
    } else {
        tell(lane, &job->call, well, output, &err);
    }
    job_free(job);
    pthread_mutex_lock(&lane->lock);
    pthread_cond_broadcast(&lane->calm);
}

static void *work(void *to) {
    struct lane_thread *self = to;
    struct lane *lane = self->lane;
    struct worker *worker = NULL;
    if (lane->kind == TASK_MEDIA) {
        struct worker_settings settings = {.program = lane->settings->program,
                                           .scratch = lane->settings->scratch,
                                           .clock = lane->settings->clock,
                                           .tasks = lane->settings->tasks,
                                           .task_count = lane->settings->task_count};
        worker = worker_open(&settings, NULL); /* it fails only for a table that pool_open would have refused */
    }
    pthread_mutex_lock(&lane->lock);
    for (struct job *job; (job = next_job(lane));)
        do_job(lane, job, worker);
    lane->alive--;
    self->ended = true;
    pthread_cond_broadcast(&lane->calm);
    pthread_mutex_unlock(&lane->lock);
    worker_close(worker);
    return NULL;
}

/* With the lock held. */
static bool start_thread(struct lane *lane, struct error *err) {
    struct lane_thread *thread = lane->threads;
    for (unsigned i = 0; i < lane->slots && thread->started && !thread->ended; i++)
        thread++;
    if (thread == lane->threads + lane->slots)
        return error_set(err, ERROR_BUSY, "all threads are held by tasks that do not stop");
    if (thread->started)
        pthread_join(thread->id, NULL); /* it has let go of the lock for the last time */
    *thread = (struct lane_thread){.lane = lane, .started = true};
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread->id, NULL, work, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    thread->started = !failed;
    if (failed)
        return error_set_os(err, failed, "cannot start a thread");
    lane->alive++;
    return true;
}

static unsigned working(const struct lane *lane) {
    return lane->alive - lane->stuck;
}

/* ---- what the pool does ---- */

void lane_open(struct lane *lane, const struct pool_settings *settings, enum task_lane kind, unsigned threads,
               atomic_size_t *under_way) {
    *lane = (struct lane){.settings = settings, .kind = kind, .wanted = threads, .under_way = under_way};
    lane->slots = threads + LIMIT_POOL_STUCK;
    lane->threads = memory_alloc_array(lane->slots, sizeof(*lane->threads));
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&lane->lock, NULL);
    pthread_cond_init(&lane->work, NULL);
    pthread_cond_init(&lane->calm, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

bool lane_add(struct lane *lane, struct job *job, struct error *err) {
    pthread_mutex_lock(&lane->lock);
    bool taken = !lane->closing || error_set(err, ERROR_CANCELLED, "the program is ending");
    /* Idle threads may have been woken already for the jobs that wait. Another thread only makes it faster, unless
     * there is none. */
    if (taken && lane->waiting_count >= lane->idle && working(lane) < lane->wanted)
        taken = start_thread(lane, err) || working(lane);
    if (taken) {
        job->lane = lane;
        struct job **bucket = bucket_of(lane, job->call.id);
        job->same_bucket = *bucket;
        *bucket = job;
        list_append(&lane->waiting, job);
        lane->waiting_count++;
        if (lane->idle)
            pthread_cond_signal(&lane->work);
    }
    pthread_mutex_unlock(&lane->lock);
    return taken;
}

static void ask_to_stop(struct job *job, int64_t now) {
    job->reason = ERROR_CANCELLED;
    cancel_request(&job->cancel);
    /* A media task's own runner enforces it. */
    if (job->lane->kind != TASK_MEDIA && job->give_up_at > now + GRACE_MS)
        job->give_up_at = now + GRACE_MS;
}

bool lane_cancel(struct lane *lane, uint64_t id, int64_t now, int64_t *give_up_at) {
    struct job_list freed = {0};
    *give_up_at = INT64_MAX;
    pthread_mutex_lock(&lane->lock);
    struct job *job = *bucket_of(lane, id);
    while (job && job->call.id != id)
        job = job->same_bucket;
    bool found = job != NULL;
    if (job && !job->running) {
        move_to(lane, job, &freed, ERROR_CANCELLED);
    } else if (job && !job->reason) {
        ask_to_stop(job, now);
        *give_up_at = job->give_up_at;
    }
    pthread_mutex_unlock(&lane->lock);
    give_up_waiting(lane, &freed);
    return found;
}

/* With the lock held: the first running job whose time is up and that can be given up; *next is when another is due. */
static bool take_overdue(struct lane *lane, int64_t now, struct job *copy, int64_t *next) {
    for (struct job *job = lane->running.first; job; job = job->next) {
        if (job->told || job->give_up_at > now) {
            if (!job->told && job->give_up_at < *next)
                *next = job->give_up_at;
            continue;
        }
        if (job->beating) {
            *next = now; /* not in the middle of that; again in a moment */
            continue;
        }
        cancel_request(&job->cancel);
        if (!job->reason)
            job->reason = ERROR_TIMEOUT;
        if (lane->kind == TASK_MEDIA) {
            job->reason = ERROR_TIMEOUT;
            job->give_up_at = INT64_MAX;
            continue;
        }
        forget_number(lane, job);
        job->told = true;
        lane->stuck++;
        *copy = *job; /* its thread may free it from now on */
        return true;
    }
    return false;
}

int64_t lane_watch(struct lane *lane, int64_t now) {
    struct job_list freed = {0};
    struct job copy;
    int64_t next = INT64_MAX;
    pthread_mutex_lock(&lane->lock);
    for (struct job *job = lane->waiting.first; job;) {
        struct job *after = job->next;
        if (job->give_up_at <= now)
            move_to(lane, job, &freed, ERROR_TIMEOUT);
        else if (job->give_up_at < next)
            next = job->give_up_at;
        job = after;
    }
    while (take_overdue(lane, now, &copy, &next)) {
        if (lane->waiting.first && working(lane) < lane->wanted)
            start_thread(lane, NULL); /* in place of the one that is stuck */
        pthread_mutex_unlock(&lane->lock);
        tell_given_up(lane, copy.task, &copy.call, copy.reason);
        pthread_mutex_lock(&lane->lock);
    }
    pthread_mutex_unlock(&lane->lock);
    give_up_waiting(lane, &freed);
    return next;
}

void lane_stop(struct lane *lane) {
    struct job_list freed = {0};
    pthread_mutex_lock(&lane->lock);
    lane->closing = true;
    for (struct job *job = lane->waiting.first; job; job = job->next) {
        forget_number(lane, job);
        job->told = true;
        job->reason = ERROR_CANCELLED;
    }
    freed = lane->waiting;
    lane->waiting = (struct job_list){0};
    lane->waiting_count = 0;
    for (struct job *job = lane->running.first; job; job = job->next) {
        if (!job->reason)
            job->reason = ERROR_CANCELLED;
        cancel_request(&job->cancel);
    }
    pthread_cond_broadcast(&lane->work);
    pthread_mutex_unlock(&lane->lock);
    give_up_waiting(lane, &freed);
}

void lane_wait(struct lane *lane) {
    pthread_mutex_lock(&lane->lock);
    while (lane->alive) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += REPORT_SECONDS;
        if (pthread_cond_timedwait(&lane->calm, &lane->lock, &until) && lane->running.first)
            log_warn("run", "%s was asked to stop and still runs; waiting for it", lane->running.first->task->name);
    }
    pthread_mutex_unlock(&lane->lock);
}

void lane_close(struct lane *lane) {
    for (unsigned i = 0; i < lane->slots; i++) {
        if (lane->threads[i].started)
            pthread_join(lane->threads[i].id, NULL);
    }
    free(lane->threads);
    pthread_cond_destroy(&lane->work);
    pthread_cond_destroy(&lane->calm);
    pthread_mutex_destroy(&lane->lock);
}
