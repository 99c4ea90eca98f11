/* The merge: left, right and memory are read in order of their keys at the same time, and each key is decided on once.
 * Only what is not equal becomes a row of the plan, so that a run with nothing new writes nothing and needs the same
 * memory for a thousand objects as for millions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/memory.h"
#include "base/text.h"
#include "sync/sync_inside.h"

struct merge {
    struct sync *sync;
    struct listing *left, *right;
    struct memory_scan memory;
    bool left_there, right_there;
    struct listing_item left_item, right_item;
    char key[OBJECT_KEY_SHOWN + 1];
    char **links; /* in order: what lies below them nobody has seen */
    size_t link_count, link_capacity;
};

enum sync_rule sync_rule_for(const struct sync *sync, const char *key) {
    const struct sync_settings *settings = &sync->settings;
    return settings->rule_of ? settings->rule_of(settings->rule_to, key) : settings->rule;
}

struct decide_key sync_decide_key(const struct sync *sync, const struct plan_row *row) {
    return (struct decide_key){
        .left = {row->left.there, row->left_kept, row->left.size, row->left.ms},
        .right = {row->right.there, row->right_kept, row->right.size, row->right.ms},
        .remembered = row->remembered,
        .direction = sync->settings.direction,
        .rule = sync_rule_for(sync, row->key),
        .remove = sync->settings.remove,
    };
}

static bool step(struct listing *listing, bool *there, struct listing_item *item, struct error *err) {
    int found = listing_next(listing, item, err);
    *there = found == 1;
    return found >= 0;
}

/* The smallest of the three keys; false when all are at their end. */
static bool pick(struct merge *merge) {
    const char *least = NULL;
    if (merge->left_there)
        least = merge->left_item.key;
    if (merge->right_there && (!least || strcmp(merge->right_item.key, least) < 0))
        least = merge->right_item.key;
    if (merge->memory.there && (!least || strcmp(merge->memory.key, least) < 0))
        least = merge->memory.key;
    if (least)
        snprintf(merge->key, sizeof(merge->key), "%s", least);
    return least != NULL;
}

static void fill_side(struct plan_side *side, const struct listing_item *item) {
    *side = (struct plan_side){.there = true, .size = item->size, .ms = item->modified_ms};
    snprintf(side->etag, sizeof(side->etag), "%s", item->etag);
}

static bool note_vanished(struct sync *sync, enum sync_side side, const char *etag, const char *key,
                          struct error *err) {
    sqlite3_stmt *to = sync_statement(sync, SYNC_VANISHED, err);
    if (!to)
        return false;
    sqlite3_bind_int(to, 1, (int)side);
    sqlite3_bind_text(to, 2, etag, -1, SQLITE_STATIC);
    sqlite3_bind_text(to, 3, key, -1, SQLITE_STATIC);
    return sync_statement_run(sync, to, err);
}

/* How sure this run can be of what it finds equal. */
static enum memory_doubt doubt_of(const struct sync *sync) {
    return sync->settings.compare == SYNC_BY_SIZE   ? MEMORY_BY_SIZE
           : sync->settings.compare == SYNC_BY_TIME ? MEMORY_BY_TIME
                                                    : MEMORY_SURE;
}

/* Fills in what is known of the key, and steps on behind it. */
static bool gather(struct merge *merge, struct plan_row *row, const char **unfit, struct error *err) {
    struct sync *sync = merge->sync;
    bool left = merge->left_there && strcmp(merge->left_item.key, merge->key) == 0;
    bool right = merge->right_there && strcmp(merge->right_item.key, merge->key) == 0;
    bool known = merge->memory.there && strcmp(merge->memory.key, merge->key) == 0;
    *unfit = NULL;
    if (left) {
        fill_side(&row->left, &merge->left_item);
        *unfit = merge->left_item.unfit;
    }
    if (right) {
        fill_side(&row->right, &merge->right_item);
        *unfit = *unfit ? *unfit : merge->right_item.unfit;
    }
    row->detail = memory_text(*unfit);
    if (known) {
        const struct memory_scan *memory = &merge->memory;
        row->remembered = true;
        row->left_kept = left && row->left.size == memory->size && strcmp(row->left.etag, memory->left_etag) == 0;
        row->right_kept = right && row->right.size == memory->size && strcmp(row->right.etag, memory->right_etag) == 0;
        /* What was taken for equal with less of a look than this run has, is not known to be so. */
        if (row->left_kept && row->right_kept && memory->doubt > doubt_of(sync))
            row->remembered = row->left_kept = row->right_kept = false;
        if (!left && row->right_kept && !note_vanished(sync, SYNC_LEFT, memory->left_etag, merge->key, err))
            return false;
        if (!right && row->left_kept && !note_vanished(sync, SYNC_RIGHT, memory->right_etag, merge->key, err))
            return false;
    }
    return (!left || step(merge->left, &merge->left_there, &merge->left_item, err)) &&
           (!right || step(merge->right, &merge->right_there, &merge->right_item, err)) &&
           (!known || sync_memory_scan_next(&merge->memory, err));
}

/* Where one of the stores takes names that differ in case or Unicode form for the same: another key of the same fold
 * that was seen before. */
static bool find_fold(struct sync *sync, struct plan_row *row, struct error *err) {
    utf8proc_uint8_t *fold = NULL;
    utf8proc_map((const utf8proc_uint8_t *)row->key, 0, &fold,
                 UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);
    if (!fold)
        return true;
    sqlite3_stmt *seen = sync_statement(sync, SYNC_FOLD_FIND, err);
    sqlite3_stmt *add = sync_statement(sync, SYNC_FOLD_ADD, err);
    int found = -1;
    if (seen && add) {
        sqlite3_bind_text(seen, 1, (const char *)fold, -1, SQLITE_STATIC);
        found = db_step(sync->db, seen, err);
    }
    if (found == 1) {
        const char *other = (const char *)sqlite3_column_text(seen, 0);
        if (asprintf(&row->detail, "differs from \"%s\" only in case or Unicode form, which is the same name there",
                     other) < 0)
            abort();
    }
    sqlite3_reset(seen);
    if (found == 0) {
        sqlite3_bind_text(add, 1, (const char *)fold, -1, SQLITE_STATIC);
        sqlite3_bind_text(add, 2, row->key, -1, SQLITE_STATIC);
    }
    bool done = found == 1 || (found == 0 && sync_statement_run(sync, add, err));
    free(fold);
    return done;
}

static bool add_unfit(struct sync *sync, struct plan_row *row, struct error *err) {
    row->kind = SYNC_LEAVE;
    row->reason = SYNC_UNFIT;
    row->state = PLAN_OPEN;
    return sync_plan_add(sync, row, err);
}

/* Whether the times tell that two objects of the same size are the same. Where a store gives its own time, that of the
 * copy is later than that of what was copied. */
bool sync_times_agree(const struct sync *sync, const struct plan_row *row) {
    enum { SLACK_MS = 2000 };
    bool left = object_store_has(sync->settings.left, OBJECT_KEEPS_TIME);
    bool right = object_store_has(sync->settings.right, OBJECT_KEEPS_TIME);
    int64_t later = row->left.ms - row->right.ms;
    if (left && right)
        return later <= SLACK_MS && later >= -SLACK_MS;
    return (left && later <= SLACK_MS) || (right && later >= -SLACK_MS);
}

bool sync_take_equal(struct sync *sync, struct plan_row *row, bool changed, struct error *err) {
    row->kind = SYNC_ADOPT;
    row->reason = SYNC_EQUAL;
    row->conflict = false;
    row->state = PLAN_DONE;
    sync->report.equal++;
    sync->report.adopted++;
    return (changed ? sync_plan_change(sync, row, err) : sync_plan_add(sync, row, err)) &&
           sync_memory_note(sync, row->key, row->left.size, row->left.etag, row->right.etag, doubt_of(sync), err);
}

static bool add_compare(struct sync *sync, struct plan_row *row, struct error *err) {
    enum sync_compare how = sync->settings.compare;
    if (how == SYNC_BY_SIZE || (how == SYNC_BY_TIME && sync_times_agree(sync, row)))
        return sync_take_equal(sync, row, false, err);
    if (how == SYNC_BY_TIME) {
        struct decide_key key = sync_decide_key(sync, row);
        struct decision decision = decide_different(&key);
        row->kind = decision.kind;
        row->reason = decision.reason;
        row->conflict = decision.conflict;
        return sync_plan_add(sync, row, err);
    }
    row->state = PLAN_COMPARE;
    row->kind = SYNC_LEAVE;
    return sync_plan_add(sync, row, err);
}

/* Of two that were kept, one way, the one that moved aside is on the target alone. It was not kept to be removed. */
static bool is_kept_aside(const struct plan_row *row, const struct decision *decision, const struct decide_key *key) {
    bool removes =
        decision->what == DECIDE_ACT && (decision->kind == SYNC_REMOVE_LEFT || decision->kind == SYNC_REMOVE_RIGHT);
    return removes && key->direction != SYNC_BOTH && !key->remembered && key->rule == SYNC_KEEP_BOTH &&
           sync_is_aside_name(row->key);
}

/* A link that stands for a folder hides what is in it: that it is not listed does not mean that it is gone. */
static void note_link(struct merge *merge) {
    if (!object_key_check(merge->key, NULL))
        return;
    merge->links = memory_grow(merge->links, merge->link_count, &merge->link_capacity, sizeof(*merge->links));
    merge->links[merge->link_count++] = memory_text(merge->key);
}

static int by_key(const void *key, const void *link) {
    return strcmp(key, *(char *const *)link);
}

static bool is_hidden(struct merge *merge) {
    bool found = false;
    for (char *slash = strchr(merge->key, '/'); merge->link_count && slash && !found; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        found = bsearch(merge->key, merge->links, merge->link_count, sizeof(*merge->links), by_key) != NULL;
        *slash = '/';
    }
    return found;
}

static bool take_key(struct sync *sync, struct plan_row *row, const char *unfit, struct error *err) {
    if (unfit)
        return add_unfit(sync, row, err);
    if ((sync->folds_left || sync->folds_right) && (row->left.there || row->right.there)) {
        if (!find_fold(sync, row, err))
            return false;
        if (row->detail)
            return add_unfit(sync, row, err);
    }
    struct decide_key key = sync_decide_key(sync, row);
    struct decision decision = decide(&key, sync->settings.compare == SYNC_BY_HASH_ALWAYS);
    if (is_kept_aside(row, &decision, &key))
        decision = (struct decision){.what = DECIDE_NOTHING};
    row->kind = decision.kind;
    row->reason = decision.reason;
    row->conflict = decision.conflict;
    switch (decision.what) {
    case DECIDE_NOTHING:
        row->state = PLAN_HIDDEN;
        return !row->remembered || sync_plan_add(sync, row, err);
    case DECIDE_EQUAL:
        sync->report.equal++;
        return true;
    case DECIDE_COMPARE:
        return add_compare(sync, row, err);
    case DECIDE_ACT:
        break;
    }
    return sync_plan_add(sync, row, err);
}

static bool merge_all(struct merge *merge, struct error *err) {
    bool done = step(merge->left, &merge->left_there, &merge->left_item, err) &&
                step(merge->right, &merge->right_there, &merge->right_item, err) &&
                sync_memory_scan_next(&merge->memory, err);
    while (done && pick(merge)) {
        const char *unfit = NULL;
        struct plan_row row = {.key = memory_text(merge->key)};
        done = !cancel_requested(merge->sync->settings.cancel) ||
               error_set(err, ERROR_CANCELLED, "stopped while comparing");
        done = done && gather(merge, &row, &unfit, err);
        if (done && row.detail)
            note_link(merge);
        if (done && is_hidden(merge)) {
            row.state = PLAN_HIDDEN;
            done = sync_plan_add(merge->sync, &row, err);
        } else {
            done = done && take_key(merge->sync, &row, row.detail, err);
        }
        sync_plan_row_clear(&row);
    }
    return done;
}

static bool merge_sides(struct sync *sync, struct error *err) {
    const struct sync_settings *settings = &sync->settings;
    struct merge merge = {.sync = sync};
    struct error left = {0};
    merge.left = listing_open(settings->left, settings->prefixes, settings->prefix_count, &sync->filter, err);
    if (merge.left)
        merge.right = listing_open(settings->right, settings->prefixes, settings->prefix_count, &sync->filter, err);
    bool done = merge.right && sync_memory_scan_open(sync, &merge.memory, err) && merge_all(&merge, &left);
    if (left.code)
        error_copy(err, &left);
    if (done) {
        sync->report.left.listed = listing_count(merge.left);
        sync->report.right.listed = listing_count(merge.right);
    }
    for (size_t i = 0; i < merge.link_count; i++)
        free(merge.links[i]);
    free(merge.links);
    sync_memory_scan_close(&merge.memory);
    listing_close(merge.left);
    listing_close(merge.right);
    return done;
}

static bool look(struct sync *sync, struct error *err) {
    return merge_sides(sync, err) && sync_compare_rows(sync, err) && sync_find_renames(sync, err) &&
           sync_apply_brake(sync, err);
}

static bool count_conflicts(struct sync *sync, struct error *err) {
    int64_t conflicts = 0;
    bool done = db_read_int(sync->db, 0, &conflicts, err, "SELECT count(*) FROM temp.plan WHERE conflict", "") &&
                sync_plan_count(sync, PLAN_OPEN, "detail IS NOT NULL", &sync->report.failed, err);
    sync->report.conflicts = (uint64_t)conflicts;
    return done;
}

/* What was found equal may have been written a moment ago, by a run that was killed: a note of it must not live longer
 * than the bytes do. */
bool sync_settle_found(struct sync *sync, struct error *err) {
    return !sync->report.adopted ||
           (object_settle(sync->settings.left, err) && object_settle(sync->settings.right, err));
}

/* What is planned is one transaction: the notes of what was found equal are in it. */
bool sync_look(struct sync *sync, struct error *err) {
    const struct sync_settings *settings = &sync->settings;
    sync->report = (struct sync_report){0};
    sync->looked = false;
    if (!object_folds(settings->left, &sync->folds_left, err) ||
        !object_folds(settings->right, &sync->folds_right, err) || !db_begin(sync->db, err))
        return false;
    bool done = db_run(sync->db, "DELETE FROM temp.plan; DELETE FROM temp.vanished; DELETE FROM temp.folded", err) &&
                look(sync, err) && count_conflicts(sync, err) && sync_settle_found(sync, err) &&
                db_commit(sync->db, err);
    if (!done)
        db_rollback(sync->db);
    sync->looked = done;
    return done;
}
