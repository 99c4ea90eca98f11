/* Are two objects of the same size the same? Each is looked at once: the side whose bytes are at hand is read, and its
 * bytes are held against what the other store tells of its own (object_match). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "sync/sync_inside.h"

enum { BATCH = 256, READ_AHEAD = MIB, KEEP_BYTES = 512 * MIB };

/* An object of a store as a source that can be read anywhere. */
struct reader {
    struct object_store *store;
    const char *key;
    const char *etag;
    uint64_t size;
    const struct cancel *cancel;
    char *ahead; /* of an object that is fetched for it: READ_AHEAD bytes from `start` on; NULL: each read is a get */
    uint64_t start;
    size_t length;
};

struct into {
    char *at;
    size_t room, got;
};

static bool fill(void *to, const void *data, size_t length, struct error *err) {
    struct into *into = to;
    if (length > into->room - into->got)
        return error_set(err, ERROR_INTERNAL, "a store gave more than was asked for");
    memcpy(into->at + into->got, data, length);
    into->got += length;
    return true;
}

static bool get_at(const struct reader *reader, uint64_t offset, void *buffer, size_t size, size_t *got,
                   struct error *err) {
    struct into into = {buffer, size, 0};
    struct object_sink sink = {fill, &into};
    struct object_facts facts;
    *got = 0;
    if (offset >= reader->size)
        return true;
    if (cancel_requested(reader->cancel))
        return error_set(err, ERROR_CANCELLED, "stopped while comparing");
    if (!object_get(reader->store, reader->key, offset, size, &sink, &facts, err))
        return false;
    if (strcmp(facts.etag, reader->etag) != 0)
        return error_set(err, ERROR_CHANGED, "%s: it was changed while it was compared", reader->key);
    *got = into.got;
    return true;
}

static bool read_at(void *from, uint64_t offset, void *buffer, size_t size, size_t *got, struct error *err) {
    struct reader *reader = from;
    if (!reader->ahead)
        return get_at(reader, offset, buffer, size, got, err);
    size_t filled = 0;
    while (filled < size && offset < reader->size) {
        if (offset < reader->start || offset >= reader->start + reader->length) {
            reader->start = offset;
            reader->length = 0;
            if (!get_at(reader, offset, reader->ahead, READ_AHEAD, &reader->length, err))
                return false;
            if (!reader->length)
                break;
        }
        size_t left = reader->length - (size_t)(offset - reader->start);
        size_t part = left < size - filled ? left : size - filled;
        memcpy((char *)buffer + filled, reader->ahead + (offset - reader->start), part);
        filled += part;
        offset += part;
    }
    *got = filled;
    return true;
}

static bool is_plain_md5(const char *etag) {
    return strlen(etag) == 32 && strspn(etag, "0123456789abcdef") == 32;
}

/* Neither side's bytes are at hand: what the stores tell, if it tells enough. */
static enum object_match match_etags(const struct sync *sync, const struct plan_row *row) {
    if (!object_store_has(sync->settings.left, OBJECT_CHECKSUM) ||
        !object_store_has(sync->settings.right, OBJECT_CHECKSUM))
        return OBJECT_UNKNOWN;
    if (*row->left.etag && strcmp(row->left.etag, row->right.etag) == 0)
        return OBJECT_SAME;
    return is_plain_md5(row->left.etag) && is_plain_md5(row->right.etag) ? OBJECT_DIFFERENT : OBJECT_UNKNOWN;
}

bool sync_match(const struct sync *sync, const struct plan_row *row, enum object_match *found, struct error *err) {
    struct object_store *left = sync->settings.left;
    struct object_store *right = sync->settings.right;
    bool read_left = object_store_has(left, OBJECT_LOCAL_PATH);
    bool fetches = !read_left && !object_store_has(right, OBJECT_LOCAL_PATH);
    if (fetches) {
        *found = match_etags(sync, row);
        if (*found != OBJECT_UNKNOWN)
            return true;
        read_left = true;
    }
    const struct plan_side *near = read_left ? &row->left : &row->right;
    const struct plan_side *far = read_left ? &row->right : &row->left;
    TEXT_OWNED char *ahead = fetches ? memory_alloc(READ_AHEAD) : NULL;
    struct reader reader = {.store = read_left ? left : right,
                            .key = row->key,
                            .etag = near->etag,
                            .size = near->size,
                            .cancel = sync->settings.cancel,
                            .ahead = ahead};
    struct object_source source = {.from = &reader, .read_at = read_at};
    struct object_facts facts = {.key = row->key, .size = far->size, .modified_ms = far->ms};
    snprintf(facts.etag, sizeof(facts.etag), "%s", far->etag);
    return object_match(read_left ? right : left, &facts, &source, found, err);
}

struct batch {
    struct sync *sync;
    size_t count;
    struct plan_row rows[BATCH];
    enum object_match found[BATCH];
    struct error errors[BATCH];
    unsigned unreached;
};

static void work(void *to, size_t index) {
    struct batch *batch = to;
    struct error *err = &batch->errors[index];
    error_clear(err);
    if (!sync_match(batch->sync, &batch->rows[index], &batch->found[index], err) && !err->code)
        error_set(err, ERROR_IO, "the objects could not be compared");
}

static bool take_different(struct sync *sync, struct plan_row *row, struct error *err) {
    struct decide_key key = sync_decide_key(sync, row);
    struct decision decision = decide_different(&key);
    row->kind = decision.kind;
    row->reason = decision.reason;
    row->conflict = decision.conflict;
    row->state = PLAN_OPEN;
    return sync_plan_change(sync, row, err);
}

static bool take_failed(struct sync *sync, struct plan_row *row, const struct error *why, struct error *err) {
    char line[sizeof(why->message) + sizeof(why->hint) + 4];
    row->kind = SYNC_LEAVE;
    row->reason = SYNC_UNFIT;
    row->state = PLAN_OPEN;
    free(row->detail);
    row->detail = memory_text(error_line(why, line, sizeof(line)));
    return sync_plan_change(sync, row, err);
}

static bool take_results(struct batch *batch, struct error *err) {
    struct sync *sync = batch->sync;
    for (size_t i = 0; i < batch->count; i++) {
        struct plan_row *row = &batch->rows[i];
        enum object_match found = batch->found[i];
        if (batch->errors[i].code == ERROR_CANCELLED || sync_is_unreached(&batch->unreached, &batch->errors[i]))
            return error_copy(err, &batch->errors[i]);
        bool same = found == OBJECT_SAME || (found == OBJECT_UNKNOWN && sync_times_agree(sync, row));
        bool done = batch->errors[i].code ? take_failed(sync, row, &batch->errors[i], err)
                    : same                ? sync_take_equal(sync, row, true, err)
                                          : take_different(sync, row, err);
        if (!done)
            return false;
    }
    return true;
}

/* What was read once is not read again by the next run, when this one is stopped. */
static bool keep_results(const struct batch *batch, uint64_t *read, struct error *err) {
    struct sync *sync = batch->sync;
    for (size_t i = 0; i < batch->count; i++)
        *read += batch->rows[i].left.size;
    if (*read < KEEP_BYTES)
        return true;
    *read = 0;
    return sync_settle_found(sync, err) && db_commit(sync->db, err) && db_begin(sync->db, err);
}

/* The next rows behind `after`. */
static bool fetch(struct batch *batch, const char *after, struct error *err) {
    STATEMENT_OWNED sqlite3_stmt *rows = db_prepare(
        batch->sync->db, err, "SELECT " PLAN_COLUMNS " FROM temp.plan WHERE state = ? AND key > ? ORDER BY key LIMIT ?",
        "iti", (int64_t)PLAN_COMPARE, after, (int64_t)BATCH);
    int found = rows ? 1 : -1;
    for (batch->count = 0; rows && (found = db_step(batch->sync->db, rows, err)) == 1; batch->count++)
        sync_plan_read(rows, &batch->rows[batch->count]);
    return found == 0;
}

bool sync_compare_rows(struct sync *sync, struct error *err) {
    char after[OBJECT_KEY_LONGEST + 1] = "";
    struct batch *batch = memory_alloc(sizeof(*batch));
    batch->sync = sync;
    uint64_t wanted = 0;
    uint64_t compared = 0;
    bool done = sync_plan_count(sync, PLAN_COMPARE, "1", &wanted, err);
    struct progress *progress = wanted ? progress_open(sync->settings.progress, "comparing", "objects", wanted) : NULL;
    uint64_t read = 0;
    while (done && (done = fetch(batch, after, err)) && batch->count) {
        parallel_for(batch->count, sync->jobs, work, batch);
        snprintf(after, sizeof(after), "%s", batch->rows[batch->count - 1].key);
        done = take_results(batch, err) && keep_results(batch, &read, err);
        compared += batch->count;
        if (progress)
            progress_update(progress, compared, 0);
    }
    for (size_t i = 0; i < BATCH; i++)
        sync_plan_row_clear(&batch->rows[i]);
    free(batch);
    progress_close(progress);
    return done;
}
