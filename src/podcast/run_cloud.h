/* Private to podcast/run_*.c: a site's copy in the cloud, as one task sees it. */
#ifndef TIDEMILL_PODCAST_RUN_CLOUD_H
#define TIDEMILL_PODCAST_RUN_CLOUD_H

#include "podcast/accounts.h"
#include "podcast/gap.h"
#include "podcast/run_site.h"

/* For Retry: the same call may go well in a while. */
#define RUN_TRY_AGAIN "Podcast.TryAgain"

struct run_copy {
    struct run_site *site;
    struct arena *arena; /* of the task */
    const struct site_account *account;
    struct object_store *bucket;
    const char *left_name, *right_name;
    const char **prefixes; /* of --sync-folders */
    size_t prefix_count;
    const char **excludes;
    size_t exclude_count;
    const char **retired; /* keys that a run removed here */
    size_t retired_count;
    enum sync_rule manifest_rule, index_rule; /* when both have changed it */
    void (*done)(void *to, const struct sync_action *action, const struct error *why);
    void *done_to;
};

/* The site's row of the mapping. */
const struct site_account *run_account(const struct run_site *site, struct error *err);
/* Opens the bucket with the site's role. ERROR_CONFIG (no row), and those of podcast_cloud.open_bucket. */
bool run_copy_open(struct run_copy *copy, struct run_site *site, struct arena *arena, const char *purpose,
                   struct error *err);
void run_copy_close(struct run_copy *copy);
/* Lists and compares both sides; the caller closes the sync. `prefixes` NULL: the copy's. NULL on failure. */
struct sync *run_copy_look(struct run_copy *copy, enum sync_direction direction, const char *const *prefixes,
                           size_t prefix_count, struct error *err);
/* Whether a folder takes part in this run's syncs. */
bool run_copy_takes(const struct run_copy *copy, enum gap_category category);

/* Gives a failure that may pass the name that Retry looks for; false. */
bool run_cloud_fault(struct error *err, const char *what);
/* Says the report's lines. */
void run_say_gap(struct run_site *site, const struct gap_report *report);

/* ---- the manifest (run_manifest.c) ---- */

/* Reads the cloud's; *text and *length are its bytes. NULL on failure. */
struct manifest *run_cloud_manifest(struct run_copy *copy, char **text, size_t *length, struct error *err);
/* Makes the site's manifest the one of both: rows of both, the cloud's numbers. Not saved in a dry run. */
bool run_unite_manifest(struct run_copy *copy, struct error *err);
/* The site's manifest as it lies in its files now. */
bool run_reload_manifest(struct run_site *site, struct error *err);

#endif
