/* Opens every file of a site and says what is wrong (docs/check.md has every type with its meaning and what to do).
 * Nothing is changed. */
#ifndef TIDEMILL_PODCAST_CHECK_H
#define TIDEMILL_PODCAST_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/json.h"
#include "podcast/site.h"
#include "store/object/object.h"

enum check_severity { CHECK_ERROR, CHECK_WARNING, CHECK_INFO };

struct check_issue {
    enum check_severity severity;
    const char *type; /* "missing-file", "truncated-audio", … */
    const char *description;
    const char *podcast_id; /* the rest may be NULL */
    const char *episode_title;
    const char *file_path;     /* key in the site's files */
    const char *downloaded_at; /* ISO */
    const char **versions;     /* file keys */
    size_t version_count;
    const char *details;
};

struct check_summary {
    size_t audio_files, transcript_files, entry_files, manifest_entries, total_episodes;
    size_t issues, errors, warnings, info;
    size_t audio_decoded, audio_probed; /* how deep it looked */
};

struct check_report {
    const char *site_id;
    int64_t time_ms;
    struct check_summary summary;
    struct check_issue *rows; /* by severity, then type, podcast, key */
    size_t count;
    bool deep;
};

struct check_settings {
    bool deep; /* decode all audio: finds damaged packets, text in silence and holes; otherwise its packets are counted
                  only (a tenth of the time), which finds what was cut off, and the report says so */
    const char *scratch; /* a folder for the index's own check, which makes it anew and compares; NULL: left out */
    int64_t now_ms;
    const struct cancel *cancel;
    void (*progress)(void *to, size_t done, size_t total, const char *key);
    void *progress_to;
};

/* The whole check of one site. False when the files cannot be listed or on cancel. The report lives in `arena`. */
bool check_site(struct arena *arena, const struct site *site, struct object_store *files,
                const struct check_settings *settings, struct check_report *report, struct error *err);

/* The report as JSON (a new reference) and as text (the caller frees it; `verbose` with details). */
json_t *check_json(const struct check_report *report);
char *check_text(const struct check_report *report, bool verbose);
/* 1 with errors, 2 with only warnings, 0. */
int check_exit_status(const struct check_report *const *reports, size_t count);

#endif
