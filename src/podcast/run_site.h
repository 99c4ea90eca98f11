/* Private to podcast/run*.c: one site during a run, and what the phases share. */
#ifndef TIDEMILL_PODCAST_RUN_SITE_H
#define TIDEMILL_PODCAST_RUN_SITE_H

#include <pthread.h>

#include "podcast/manifest.h"
#include "podcast/run.h"
#include "run/worker.h"

/* Keys and sizes of the objects below a prefix, in byte order. */
struct run_listing {
    const char **keys;
    uint64_t *sizes;
    size_t count, capacity, size_capacity;
};

struct run_site {
    struct run *run;
    const struct site *site;
    struct run_site_record *record;
    struct object_store *files; /* NULL: could not be opened, the site is left out */
    struct manifest *manifest;  /* NULL: could not be loaded, the site is left out */
    struct arena *arena;        /* guarded by lock during parallel work */
    pthread_mutex_t lock;       /* guards record, arena, manifest */
    size_t planned_capacity, warning_capacity, error_capacity;
};

/* Worker processes that threads borrow for a call. */
struct worker_pool {
    struct worker **free;
    size_t free_count;
    size_t size;
    pthread_mutex_t lock;
    pthread_cond_t returned;
};

struct run {
    const struct run_settings *settings;
    struct podcast_state *state;
    struct arena *arena; /* the report's; touched by the main thread alone */
    struct run_site *sites;
    size_t count;
    struct run_report *report;
    struct worker_pool workers;
    const char *scratch;
    bool disk_full; /* guarded by full_lock: nothing large is begun after it */
    pthread_mutex_t full_lock;
    pthread_mutex_t say_lock; /* held while a line goes out, so that lines of several threads do not mix */
};

/* Notes a failure, a warning or a plan of a site; any thread. Redacted. */
void run_fail(struct run_site *site, const struct error *err);
void run_warn(struct run_site *site, const char *format, ...) __attribute__((format(printf, 2, 3)));
void run_plan(struct run_site *site, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line for people as it happens; any thread. */
void run_say(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool run_cancelled(const struct run *run);
bool run_disk_is_full(struct run *run);

/* Lists a prefix of the site's files into `arena`. */
bool run_list(struct run_site *site, struct arena *arena, const char *prefix, struct run_listing *listing,
              struct error *err);
/* The index of the first key that starts with `prefix` and is not empty; listing->count if none. */
size_t run_listing_find(const struct run_listing *listing, const char *prefix);

/* Runs a media task on a borrowed worker. */
bool run_media(struct run *run, const struct worker_call *call, json_t **output, struct error *err);

/* `podcast ID: episode "TITLE"` in front of an error. */
bool run_name_episode(struct error *err, const struct run_site *site, const struct episode *episode);

/* The phases. Each fills its part of the records. */
void run_feeds(struct run *run);
void run_audio(struct run *run);
void run_transcripts(struct run *run);
void run_spelling(struct run *run);
void run_index(struct run *run);

/* The feeds' own transcripts of a site. */
void run_feed_transcripts(struct run_site *site);

/* Puts new versions whose transcript is whole into the manifest and removes the old files. */
void run_finish_versions(struct run_site *site);
bool run_save_manifest(struct run_site *site);

#endif
