/* A run of the podcast application: for all selected sites take what the cloud has (phase 1), fetch feeds and audio
 * (2), transcribe (3), correct spellings again when asked (3.5), bring entries and index up to date (4), upload and
 * have the search function take the new index (5), invalidate CloudFront's copies (6). Without a cloud 1, 5 and 6 are
 * not part of it; with `in_cloud` the functions of the sites' accounts do 2 to 4. Each phase takes all sites before the
 * next begins. One failing site, feed or episode never stops the rest; the report names each failure. What is done is
 * marked only afterwards, so a run that was killed goes on where it was, and a second run with nothing new touches
 * nothing. */
#ifndef TIDEMILL_PODCAST_RUN_H
#define TIDEMILL_PODCAST_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/http_client.h"
#include "base/json.h"
#include "base/progress.h"
#include "podcast/accounts.h"
#include "podcast/cloud.h"
#include "podcast/site.h"
#include "podcast/state.h"
#include "store/object/object.h"

struct run_engine {
    bool service;           /* an OpenAI-compatible service instead of whisper.cpp in a worker process */
    const char *model_path; /* whisper: the ggml file; may be NULL when nothing is to be transcribed */
    const char *model_name; /* for messages and for the service */
    const char *vad_path;   /* NULL: pauses are found by energy alone */
    const char *language;   /* NULL or "auto" */
    unsigned jobs;          /* episodes at once, at least 1 */
    unsigned threads;       /* of each */
    int64_t part_ms;
    int64_t stall_ms;
    const char *base_url, *key; /* service */
    uint64_t largest_upload;
    bool allow_private;
    unsigned attempts;
    int64_t backoff_ms, http_stall_ms;
    /* Why model_path is NULL although it would be needed, with the command that mends it; filled by whoever looked. */
    struct error missing;
};

struct run_settings {
    const char *workspace_root; /* for spelling corrections of all sites; may be NULL */
    struct site **sites;
    size_t site_count;
    const char *data;           /* data directory: state/, run/ */
    const char *worker_program; /* NULL: this program */
    struct object_store *(*open_files)(void *to, const char *site_id,
                                       struct error *err); /* a site's files; closed by the run */
    void *open_files_to;
    struct http_client *http;
    const struct clock *clock;
    const struct cancel *cancel;
    struct progress_output *progress;        /* may be NULL */
    void (*say)(void *to, const char *line); /* a line for people as it happens; may be NULL */
    void *say_to;
    const char *history_file; /* the history for people (history_file.h); NULL: none is kept */
    bool dry_run, skip_rss, skip_audio, skip_index, force_index, respell, recheck_audio;
    size_t max_episodes; /* 0: all */
    int64_t recheck_days;
    unsigned fetch_jobs;
    uint64_t largest_audio;
    struct run_engine engine;
    const struct podcast_cloud *cloud;    /* NULL: a local run */
    const struct site_accounts *accounts; /* with a cloud */
    bool skip_pre_sync, skip_upload, skip_invalidation;
    bool in_cloud;                   /* phases 2 to 4 are done there; 1 and 5 are not needed then */
    bool delete_removed;             /* files of old versions that a run removed here are removed in the cloud, too */
    const char *const *sync_folders; /* of gap.h; none: all six */
    size_t sync_folder_count;
    unsigned sync_jobs; /* objects at once; 0: 8 */
};

enum run_outcome { RUN_NOT_ATTEMPTED, RUN_OK, RUN_FAILED, RUN_SKIPPED, RUN_NOT_NEEDED };

struct run_phase {
    enum run_outcome outcome;
    int64_t ms;
};

struct run_site_record {
    const struct site *site;
    struct run_phase rss, audio, transcription, spelling, index;
    struct run_phase pre_sync, pre_check, post_check, s3_sync, refresh, invalidation;
    size_t files_downloaded;                                                            /* from the cloud */
    size_t missing_locally, pre_local_only, pre_s3_only, pre_consistent, pre_conflicts; /* before phase 1 */
    size_t to_upload, in_sync, post_local_only, post_conflicts;                         /* before phase 5 */
    size_t uploaded;                                                                    /* and of those: */
    size_t audio_synced, transcripts_synced, entries_synced, manifest_synced, rss_synced, index_synced;
    size_t removed_in_cloud, refreshed, invalidated_paths;
    bool looked; /* it is known what the cloud has */
    bool has_downloads, had_previous_files;
    size_t feeds_checked, feeds_changed, new_episodes;
    size_t new_audio, new_versions, feed_transcripts;
    size_t transcribed, resumed_parts;
    size_t spelling_files, spelling_corrections;
    size_t index_entries;
    bool has_new_files, has_new_srt, index_changed, manifest_written;
    const char **planned; /* dry run: what would be done, a line each */
    size_t planned_count;
    const char **warnings;
    size_t warning_count;
    const char **errors;
    size_t error_count;
};

struct run_report {
    int64_t started_ms, ended_ms;
    bool dry_run, interrupted;
    struct run_site_record *sites;
    size_t site_count;
    bool nothing_new; /* nothing was written to any site's files */
};

/* Carries out a run; the report is in `arena`. False only when it could not start: ERROR_BUSY (another run holds the
 * lock), the state database. */
bool podcast_run(struct arena *arena, const struct run_settings *settings, struct run_report *report,
                 struct error *err);

/* The gap report of one site, with names; changes nothing in its files, here or in the cloud. `settings` needs a cloud,
 * the accounts, data, open_files, clock. ERROR_BUSY while a run syncs it. */
struct gap_report;
bool podcast_gap(struct arena *arena, const struct run_settings *settings, const struct site *site,
                 struct gap_report *report, struct error *err);

/* The result record: {"startedAt",…,"sites":[{siteId, siteTitle, …}]} with the names of docs/podcast.md; a new
 * reference. */
json_t *run_report_json(const struct run_report *report);
/* The closing summary for people; the caller frees it. */
char *run_report_text(const struct run_report *report);
/* 0 all well, 1 some items failed, 130 interrupted. */
int run_report_exit_status(const struct run_report *report);

#endif
