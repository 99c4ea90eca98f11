/* What the state remembers of the sites' copies in the cloud. */
#include "base/memory.h"
#include "podcast/state_parts.h"

/* A statement for each key, all in one transaction. */
static bool for_each(struct podcast_state *state, const char *sql, const char *site, const char *const *keys,
                     size_t count, const int64_t *extra, struct error *err) {
    state_lock(state);
    bool done = db_begin(state->db, err);
    for (size_t i = 0; done && i < count; i++)
        done = extra ? db_run_with(state->db, err, sql, "tti", site, keys[i], *extra)
                     : db_run_with(state->db, err, sql, "tt", site, keys[i]);
    done = done && db_commit(state->db, err);
    if (!done)
        db_rollback(state->db);
    return state_unlock(state, done);
}

/* The first column of each row of a statement over a site's rows. */
static bool read_keys(struct podcast_state *state, struct arena *arena, const char *sql, const char *site,
                      const char ***keys, size_t *count, struct error *err) {
    const char **list = NULL;
    size_t used = 0;
    size_t capacity = 0;
    state_lock(state);
    STATEMENT_OWNED sqlite3_stmt *row = db_prepare(state->db, err, sql, "t", site);
    int step = row ? 1 : -1;
    while (step > 0 && (step = db_step(state->db, row, err)) == 1) {
        list = arena_grow(arena, (void *)list, used, &capacity, sizeof(*list));
        list[used++] = arena_text(arena, (const char *)sqlite3_column_text(row, 0));
    }
    if (step == 0) {
        *keys = list;
        *count = used;
    }
    return state_unlock(state, step == 0);
}

bool state_owed_plan(struct podcast_state *state, const char *site, const char *const *keys, size_t count,
                     int64_t now_ms, struct error *err) {
    return for_each(state,
                    "INSERT INTO owed VALUES(?1, ?2, ?3, 0, 1, 1) ON CONFLICT(site, key) DO UPDATE SET"
                    " stamp_ms = ?3, refresh = 1, invalidate = 1",
                    site, keys, count, &now_ms, err);
}

bool state_owed_settle(struct podcast_state *state, const char *site, const json_t *unsure, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    const char **keys = NULL;
    size_t count = 0;
    size_t sure = 0;
    if (!read_keys(state, arena, "SELECT key FROM owed WHERE site = ? AND certain = 0", site, &keys, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!json_object_get(unsure, keys[i]))
            keys[sure++] = keys[i];
    }
    return for_each(state, "UPDATE owed SET certain = 1 WHERE site = ? AND key = ?", site, keys, sure, NULL, err);
}

bool state_owed_read(struct podcast_state *state, struct arena *arena, const char *site, enum state_debt debt,
                     struct state_owed **owed, size_t *count, struct error *err) {
    static const char *const statements[] = {
        [STATE_REFRESH] = "SELECT key, stamp_ms FROM owed WHERE site = ? AND certain = 1 AND refresh = 1 ORDER BY key",
        [STATE_INVALIDATION] =
            "SELECT key, stamp_ms FROM owed WHERE site = ? AND certain = 1 AND invalidate = 1 ORDER BY key",
    };
    struct state_owed *list = NULL;
    size_t used = 0;
    size_t capacity = 0;
    state_lock(state);
    STATEMENT_OWNED sqlite3_stmt *row = db_prepare(state->db, err, statements[debt], "t", site);
    int step = row ? 1 : -1;
    while (step > 0 && (step = db_step(state->db, row, err)) == 1) {
        list = arena_grow(arena, list, used, &capacity, sizeof(*list));
        list[used++] = (struct state_owed){arena_text(arena, (const char *)sqlite3_column_text(row, 0)),
                                           sqlite3_column_int64(row, 1)};
    }
    if (step == 0) {
        *owed = list;
        *count = used;
    }
    return state_unlock(state, step == 0);
}

bool state_owed_paid(struct podcast_state *state, const char *site, enum state_debt debt, struct error *err) {
    const char *pay = debt == STATE_REFRESH ? "UPDATE owed SET refresh = 0 WHERE site = ? AND certain = 1"
                                            : "UPDATE owed SET invalidate = 0 WHERE site = ? AND certain = 1";
    state_lock(state);
    bool done =
        db_begin(state->db, err) && db_run_with(state->db, err, pay, "t", site) &&
        db_run_with(state->db, err,
                    "DELETE FROM owed WHERE site = ? AND certain = 1 AND refresh = 0 AND invalidate = 0", "t", site) &&
        db_commit(state->db, err);
    if (!done)
        db_rollback(state->db);
    return state_unlock(state, done);
}

bool state_retire(struct podcast_state *state, const char *site, const char *const *keys, size_t count,
                  struct error *err) {
    return for_each(state, "INSERT OR IGNORE INTO retired VALUES(?, ?)", site, keys, count, NULL, err);
}

bool state_retired_read(struct podcast_state *state, struct arena *arena, const char *site, const char ***keys,
                        size_t *count, struct error *err) {
    return read_keys(state, arena, "SELECT key FROM retired WHERE site = ? ORDER BY key", site, keys, count, err);
}

bool state_retired_forget(struct podcast_state *state, const char *site, const char *const *keys, size_t count,
                          struct error *err) {
    return for_each(state, "DELETE FROM retired WHERE site = ? AND key = ?", site, keys, count, NULL, err);
}
