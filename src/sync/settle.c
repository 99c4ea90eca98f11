/* What the merge cannot see, as it looks at one key at a time: renames, and how much would be removed. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sync/sync_inside.h"

/* An object that is new on one side, and has the etag of one that has vanished there: the other side has those bytes
 * under the old name. */
bool sync_find_renames(struct sync *sync, struct error *err) {
    char text[1024];
    snprintf(text, sizeof(text),
             "UPDATE temp.plan SET kind = %d, reason = %d, origin = (SELECT min(v.key) FROM temp.vanished AS v WHERE "
             "v.side = %d AND v.etag = plan.l_etag) WHERE kind = %d AND reason = %d AND state = 0 AND l_size > 0 AND "
             "EXISTS (SELECT 1 FROM temp.vanished AS v WHERE v.side = %d AND v.etag = plan.l_etag)",
             SYNC_RENAME_RIGHT, SYNC_MOVED, SYNC_LEFT, SYNC_COPY_RIGHT, SYNC_NEW_LEFT, SYNC_LEFT);
    if (!db_run(sync->db, text, err))
        return false;
    snprintf(text, sizeof(text),
             "UPDATE temp.plan SET kind = %d, reason = %d, origin = (SELECT min(v.key) FROM temp.vanished AS v WHERE "
             "v.side = %d AND v.etag = plan.r_etag) WHERE kind = %d AND reason = %d AND state = 0 AND r_size > 0 AND "
             "EXISTS (SELECT 1 FROM temp.vanished AS v WHERE v.side = %d AND v.etag = plan.r_etag)",
             SYNC_RENAME_LEFT, SYNC_MOVED, SYNC_RIGHT, SYNC_COPY_LEFT, SYNC_NEW_RIGHT, SYNC_RIGHT);
    return db_run(sync->db, text, err);
}

/* What is removed because it has another name now is not lost. */
#define NOT_RENAMED "key NOT IN (SELECT p.origin FROM temp.plan AS p WHERE p.origin IS NOT NULL)"

enum { ALWAYS_ALLOWED = 5, PERCENT = 25 };

/* `listed`: how many objects the side has that is removed from; `opposite`: how many the other has. An empty side may
 * be a disk that is not mounted, or a wrong prefix: nothing at all is removed after it. */
static bool brake_side(struct sync *sync, enum sync_kind kind, uint64_t listed, uint64_t opposite, struct error *err) {
    const struct sync_settings *settings = &sync->settings;
    char text[256];
    uint64_t wanted = 0;
    snprintf(text, sizeof(text), "kind = %d AND " NOT_RENAMED, kind);
    if (!sync_plan_count(sync, PLAN_OPEN, text, &wanted, err))
        return false;
    uint64_t percent = settings->most_removed_percent ? settings->most_removed_percent : PERCENT;
    bool too_many = wanted * 100 > percent * listed || (settings->most_removed && wanted > settings->most_removed);
    if (settings->unlimited || !wanted || (opposite && (wanted <= ALWAYS_ALLOWED || !too_many)))
        return true;
    sync->report.held_back += wanted;
    return db_run_with(sync->db, err,
                       "UPDATE temp.plan SET state = ?, detail = 'held back: too much would be removed at once' WHERE "
                       "kind = ? AND state = 0 AND " NOT_RENAMED,
                       "ii", (int64_t)PLAN_HELD, (int64_t)kind);
}

bool sync_apply_brake(struct sync *sync, struct error *err) {
    uint64_t left = sync->report.left.listed;
    uint64_t right = sync->report.right.listed;
    return brake_side(sync, SYNC_REMOVE_LEFT, left, right, err) &&
           brake_side(sync, SYNC_REMOVE_RIGHT, right, left, err);
}
