/* The history of runs that people read: ingestion-pipeline-runs.md, the newest run first, in the form that today's
 * scripts write (docs/automate.md, "The history file"). An old file is read and kept; its header, which those scripts
 * wrote again with each run, is there once afterwards. */
#ifndef TIDEMILL_PODCAST_HISTORY_FILE_H
#define TIDEMILL_PODCAST_HISTORY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"

#define HISTORY_FILE_NAME "ingestion-pipeline-runs.md"

/* One entry, from "## " to its rule. `record` is what run_report_json gives; further errors of the run as a whole may
 * stand in its "errors". Counts and phases are taken by their names, so that a phase that is new to the report appears
 * here too. `offset_ms`: of the local time of its end from UTC. The caller frees it. */
char *history_entry(const json_t *record, int64_t offset_ms);

/* The whole new file: `old` (of `length` bytes, may be NULL) with `entry` on top. Beyond LIMIT_HISTORY_ENTRIES entries
 * or LIMIT_HISTORY_BYTES the oldest are left out, and the last line says so. The caller frees it. */
char *history_merge(const char *old, size_t length, const char *entry);

/* Puts the run of `record` on top of the file at `path`, which is made with its folders when it is not there, and is
 * written whole. One writer at a time: whoever holds the lock of runs. Errors of file_read and file_write. */
bool history_file_add(const char *path, const json_t *record, int64_t offset_ms, struct error *err);

/* The texts of the `count` newest entries, at most as many as there are, in `arena`. No file: none. */
bool history_file_newest(struct arena *arena, const char *path, size_t most, const char ***entries, size_t *count,
                         struct error *err);

#endif
