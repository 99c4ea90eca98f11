#include <stdlib.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "sync/sync_inside.h"

enum { JOBS = 8 };

static bool check_prefixes(const struct sync_settings *settings, struct error *err) {
    for (size_t i = 0; i < settings->prefix_count; i++) {
        for (size_t j = 0; j < settings->prefix_count; j++) {
            if (i != j && text_starts(settings->prefixes[i], settings->prefixes[j]))
                return error_set(err, ERROR_INVALID, "the folder \"%s\" lies in \"%s\"", settings->prefixes[i],
                                 settings->prefixes[j]);
        }
    }
    return true;
}

struct sync *sync_open(const struct sync_settings *settings, struct error *err) {
    struct sync *sync = memory_alloc(sizeof(*sync));
    sync->settings = *settings;
    sync->filter =
        (struct filter){settings->excludes, settings->exclude_count, settings->includes, settings->include_count};
    sync->jobs = settings->jobs ? settings->jobs : JOBS;
    if (sync->jobs > LIMIT_SYNC_JOBS)
        sync->jobs = LIMIT_SYNC_JOBS;
    if (!sync->settings.clock)
        sync->settings.clock = clock_system();
    sync->began = clock_monotonic_ms(sync->settings.clock);
    if (filter_check(&sync->filter, err) && check_prefixes(settings, err) && sync_memory_open_pair(sync, err))
        return sync;
    sync_close(sync);
    return NULL;
}

void sync_close(struct sync *sync) {
    if (!sync)
        return;
    sync_memory_close_pair(sync);
    free(sync);
}

void sync_report_read(const struct sync *sync, struct sync_report *report) {
    *report = sync->report;
}

bool sync_each(struct sync *sync, bool equal, sync_visit *visit, void *to, struct error *err) {
    STATEMENT_OWNED sqlite3_stmt *rows = db_prepare(
        sync->db, err, "SELECT " PLAN_COLUMNS " FROM temp.plan WHERE state <> ? AND (? OR kind <> ?) ORDER BY key",
        "iii", (int64_t)PLAN_HIDDEN, (int64_t)equal, (int64_t)SYNC_ADOPT);
    struct plan_row row = {0};
    struct sync_action action;
    int found = rows ? 1 : -1;
    while (rows && (found = db_step(sync->db, rows, err)) == 1) {
        sync_plan_read(rows, &row);
        sync_plan_action(&row, &action);
        if (!visit(to, &action, err)) {
            found = -1;
            break;
        }
    }
    sync_plan_row_clear(&row);
    return found == 0;
}

bool sync_each_equal(struct sync *sync, sync_equal_visit *visit, void *to, struct error *err) {
    struct memory_scan scan = {0};
    bool done = sync_memory_scan_open(sync, &scan, err);
    STATEMENT_OWNED sqlite3_stmt *planned =
        done ? db_prepare(sync->db, err, "SELECT 1 FROM temp.plan WHERE key = ? AND kind <> ?", "") : NULL;
    done = planned && sync_memory_scan_next(&scan, err);
    while (done && scan.there) {
        sqlite3_bind_text(planned, 1, scan.key, -1, SQLITE_STATIC);
        sqlite3_bind_int(planned, 2, SYNC_ADOPT);
        int found = db_step(sync->db, planned, err);
        sqlite3_reset(planned);
        done = found >= 0 && (found || visit(to, scan.key, scan.size, err)) && sync_memory_scan_next(&scan, err);
    }
    sync_memory_scan_close(&scan);
    return done;
}
