/* One lane of a pool: calls that wait, calls that run, and the threads that run them. Private to the room. */
#ifndef TIDEMILL_RUN_POOL_LANE_H
#define TIDEMILL_RUN_POOL_LANE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "run/pool.h"

struct lane;

struct job {
    struct job *before, *next; /* in the lane's list of waiting or of running jobs */
    struct job *same_bucket;   /* in the lane's table by number */
    struct lane *lane;
    const struct task *task;
    struct pool_call call; /* its input is a reference of ours, its task text not used */
    struct cancel cancel;
    int64_t give_up_at;          /* when the lane's watch acts; INT64_MAX: never */
    enum error_code reason;      /* ERROR_TIMEOUT or ERROR_CANCELLED, once asked to stop */
    bool running, told, beating; /* beating: a heartbeat is being told just now */
};

struct job_list {
    struct job *first, *last;
};

enum { LANE_BUCKETS = 1024 };

struct lane_thread {
    struct lane *lane;
    pthread_t id;
    bool started, ended;
};

struct lane {
    const struct pool_settings *settings; /* the pool's */
    enum task_lane kind;
    atomic_size_t *under_way; /* the pool's count of jobs */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t work;  /* a job waits, or the lane closes */
    pthread_cond_t calm;  /* a job has ended */
    struct job_list waiting, running;
    size_t waiting_count;
    struct job *buckets[LANE_BUCKETS];
    unsigned wanted, alive, idle;
    unsigned stuck; /* threads whose job was given up, so that they do not count as threads that work */
    bool closing;
    unsigned slots;
    struct lane_thread *threads; /* `slots` of them */
};

void lane_open(struct lane *lane, const struct pool_settings *settings, enum task_lane kind, unsigned threads,
               atomic_size_t *under_way);
/* Takes the job over. ERROR_CANCELLED: it closes; ERROR_IO: it has no thread and cannot start one. */
bool lane_add(struct lane *lane, struct job *job, struct error *err);
/* Whether the job was here. *give_up_at: when the watch must look at it. */
bool lane_cancel(struct lane *lane, uint64_t id, int64_t now, int64_t *give_up_at);
/* Acts on the jobs whose time is up; returns when it wants to be called again (INT64_MAX: not;
 * `now`: in a moment). */
int64_t lane_watch(struct lane *lane, int64_t now);
/* Cancels all and takes no more. */
void lane_stop(struct lane *lane);
/* After lane_stop: waits until the last job has been told. */
void lane_wait(struct lane *lane);
/* After lane_wait: frees what the lane holds. */
void lane_close(struct lane *lane);

/* Frees a job that no lane has. */
void job_free(struct job *job);

#endif
