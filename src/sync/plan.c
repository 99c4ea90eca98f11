#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sync/sync_inside.h"

void sync_plan_row_clear(struct plan_row *row) {
    free(row->key);
    free(row->from);
    free(row->detail);
    *row = (struct plan_row){0};
}

static void bind_side(sqlite3_stmt *to, int at, const struct plan_side *side) {
    sqlite3_bind_int(to, at, side->there);
    sqlite3_bind_int64(to, at + 1, (int64_t)side->size);
    sqlite3_bind_int64(to, at + 2, side->ms);
    sqlite3_bind_text(to, at + 3, side->etag, -1, SQLITE_STATIC);
}

bool sync_plan_add(struct sync *sync, const struct plan_row *row, struct error *err) {
    sqlite3_stmt *to = sync_statement(sync, SYNC_PLAN_ADD, err);
    if (!to)
        return false;
    sqlite3_bind_text(to, 1, row->key, -1, SQLITE_STATIC);
    sqlite3_bind_text(to, 2, row->from, -1, SQLITE_STATIC);
    sqlite3_bind_text(to, 3, row->detail, -1, SQLITE_STATIC);
    sqlite3_bind_int(to, 4, (int)row->kind);
    sqlite3_bind_int(to, 5, (int)row->reason);
    sqlite3_bind_int(to, 6, row->conflict);
    sqlite3_bind_int(to, 7, (int)row->state);
    bind_side(to, 8, &row->left);
    bind_side(to, 12, &row->right);
    sqlite3_bind_int(to, 16, row->remembered);
    sqlite3_bind_int(to, 17, row->left_kept);
    sqlite3_bind_int(to, 18, row->right_kept);
    return sync_statement_run(sync, to, err);
}

bool sync_plan_change(struct sync *sync, const struct plan_row *row, struct error *err) {
    sqlite3_stmt *to = sync_statement(sync, SYNC_PLAN_CHANGE, err);
    if (!to)
        return false;
    sqlite3_bind_int(to, 1, (int)row->kind);
    sqlite3_bind_int(to, 2, (int)row->reason);
    sqlite3_bind_int(to, 3, row->conflict);
    sqlite3_bind_int(to, 4, (int)row->state);
    sqlite3_bind_text(to, 5, row->from, -1, SQLITE_STATIC);
    sqlite3_bind_text(to, 6, row->detail, -1, SQLITE_STATIC);
    sqlite3_bind_text(to, 7, row->key, -1, SQLITE_STATIC);
    return sync_statement_run(sync, to, err);
}

bool sync_plan_mark(struct sync *sync, const char *key, enum plan_state state, struct error *err) {
    sqlite3_stmt *to = sync_statement(sync, SYNC_PLAN_MARK, err);
    if (!to)
        return false;
    sqlite3_bind_int(to, 1, (int)state);
    sqlite3_bind_text(to, 2, key, -1, SQLITE_STATIC);
    return sync_statement_run(sync, to, err);
}

static char *column_text(sqlite3_stmt *statement, int at) {
    return memory_text((const char *)sqlite3_column_text(statement, at));
}

static void read_side(sqlite3_stmt *statement, int at, struct plan_side *side) {
    side->there = sqlite3_column_int(statement, at) != 0;
    side->size = (uint64_t)sqlite3_column_int64(statement, at + 1);
    side->ms = sqlite3_column_int64(statement, at + 2);
    const char *etag = (const char *)sqlite3_column_text(statement, at + 3);
    snprintf(side->etag, sizeof(side->etag), "%s", etag ? etag : "");
}

void sync_plan_read(sqlite3_stmt *statement, struct plan_row *row) {
    sync_plan_row_clear(row);
    row->key = column_text(statement, 0);
    row->from = column_text(statement, 1);
    row->detail = column_text(statement, 2);
    row->kind = (enum sync_kind)sqlite3_column_int(statement, 3);
    row->reason = (enum sync_reason)sqlite3_column_int(statement, 4);
    row->conflict = sqlite3_column_int(statement, 5) != 0;
    row->state = (enum plan_state)sqlite3_column_int(statement, 6);
    read_side(statement, 7, &row->left);
    read_side(statement, 11, &row->right);
    row->remembered = sqlite3_column_int(statement, 15) != 0;
    row->left_kept = sqlite3_column_int(statement, 16) != 0;
    row->right_kept = sqlite3_column_int(statement, 17) != 0;
}

bool sync_plan_count(struct sync *sync, enum plan_state state, const char *where, uint64_t *count, struct error *err) {
    char sql[512];
    int64_t found = 0;
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM temp.plan WHERE state = ? AND %s", where);
    if (!db_read_int(sync->db, 0, &found, err, sql, "i", (int64_t)state))
        return false;
    *count = (uint64_t)found;
    return true;
}

/* Which side's bytes are moved, or removed. */
static bool is_about_left(enum sync_kind kind, const struct plan_row *row) {
    if (kind == SYNC_COPY_RIGHT || kind == SYNC_REMOVE_LEFT || kind == SYNC_RENAME_RIGHT || kind == SYNC_SPLIT_RIGHT)
        return true;
    if (kind == SYNC_COPY_LEFT || kind == SYNC_REMOVE_RIGHT || kind == SYNC_RENAME_LEFT || kind == SYNC_SPLIT_LEFT)
        return false;
    return row->left.there;
}

void sync_plan_action(const struct plan_row *row, struct sync_action *action) {
    *action = (struct sync_action){
        .kind = row->kind,
        .reason = row->reason,
        .conflict = row->conflict,
        .key = row->key,
        .from = row->from,
        .detail = row->detail,
        .size = is_about_left(row->kind, row) ? row->left.size : row->right.size,
        .left_there = row->left.there,
        .right_there = row->right.there,
        .left_size = row->left.size,
        .right_size = row->right.size,
        .left_ms = row->left.there ? row->left.ms : 0,
        .right_ms = row->right.there ? row->right.ms : 0,
    };
}
