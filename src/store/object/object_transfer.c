/* Bringing an object from one store into another. Declared in object.h.
 *
 * The ways, the best first: the server copies it (copy_from), the source's file is read (object_file), the
 * destination's writer takes the bytes as they come, or they go through memory by pieces (object_pieces). */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "store/object/object_private.h"

enum { TRIES = 4, IDENTITY_SIZE = 128 };

struct transfer {
    struct object_store *from;
    const struct object_facts *wanted; /* with the key that it has in `from` */
    struct object_store *to;
    const char *key;
    const struct object_put_options *options;
};

/* The object still is the one that was listed. */
static bool still_wanted(const struct transfer *transfer, struct error *err) {
    struct object_facts now;
    if (!object_head(transfer->from, transfer->wanted->key, &now, err))
        return false;
    return (now.size == transfer->wanted->size && strcmp(now.etag, transfer->wanted->etag) == 0) ||
           object_changed(err, transfer->wanted->key);
}

/* *way is false when there is no file to be read. */
static bool from_file(struct transfer *transfer, bool *way, struct object_facts *facts, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    const char *path = object_local_path(transfer->from, arena, transfer->wanted->key);
    struct object_file file = {0};
    *way = path != NULL;
    if (!path || !object_file_open(&file, path, err))
        return false;
    /* The open file is the one of the path, and that is the object that was listed; from here on the file tells. */
    bool done = still_wanted(transfer, err) && object_file_same(&file, err);
    if (done && (uint64_t)file.start.st_size != transfer->wanted->size)
        done = object_changed(err, transfer->wanted->key);
    done = done && object_put(transfer->to, transfer->key, &file.source, transfer->options, facts, err) &&
           object_file_same(&file, err);
    object_file_close(&file);
    return done;
}

static bool by_pieces(const struct transfer *transfer, struct object_facts *facts, struct error *err) {
    struct object_pieces pieces;
    if (!transfer->wanted->size && !still_wanted(transfer, err))
        return false;
    object_pieces_open(&pieces, transfer->from, transfer->wanted);
    bool done = object_put(transfer->to, transfer->key, &pieces.source, transfer->options, facts, err);
    object_pieces_close(&pieces);
    return done;
}

/* Bytes on their way into a writer. */
struct flow {
    const struct transfer *transfer;
    struct object_writer *writer;
    uint64_t have;
    bool pieced; /* of several gets, which no get could compare with the whole's hash */
};

static bool flow_write(void *to, const void *data, size_t length, struct error *err) {
    struct flow *flow = to;
    if (length > flow->transfer->wanted->size - flow->have)
        return object_changed(err, flow->transfer->wanted->key);
    if (!object_writer_add(flow->writer, data, length, err))
        return false;
    flow->have += length;
    return true;
}

/* Gets what is missing; what breaks off goes on, as long as bytes come or a few times without. */
static bool flow_all(struct flow *flow, struct error *err) {
    const struct object_facts *wanted = flow->transfer->wanted;
    struct object_sink sink = {flow_write, flow};
    struct object_facts now;
    for (int i = 0; i < TRIES; i++) {
        /* All bytes may be there, of a writer that was killed just before its end. */
        if (flow->have && flow->have == wanted->size) {
            flow->pieced = true;
            return still_wanted(flow->transfer, err);
        }
        uint64_t before = flow->have;
        flow->pieced = flow->pieced || before;
        struct error why = {0};
        if (object_get(flow->transfer->from, wanted->key, before, UINT64_MAX, &sink, &now, &why))
            return (now.size == wanted->size && strcmp(now.etag, wanted->etag) == 0) ||
                   object_changed(err, wanted->key);
        error_copy(err, &why);
        /* An object that became shorter than what is there is another one. */
        if (why.code == ERROR_LIMIT && before)
            return object_changed(err, wanted->key);
        if (!object_again(&why))
            return false;
        if (flow->have > before)
            i = 0;
    }
    return false;
}

static bool read_back(void *from, uint64_t offset, void *into, size_t size, size_t *got, struct error *err) {
    const struct flow *flow = from;
    return object_writer_read(flow->writer, offset, into, size, got, err);
}

/* What was put together is what the source's hash says, if it says anything. */
static bool check_pieces(struct flow *flow, struct error *err) {
    const struct object_facts *wanted = flow->transfer->wanted;
    struct object_source source = {.from = flow, .read_at = read_back};
    enum object_match found = OBJECT_UNKNOWN;
    struct error why = {0};
    if (!flow->pieced)
        return true;
    if (!object_match(flow->transfer->from, wanted, &source, &found, &why))
        return why.code == ERROR_UNSUPPORTED || error_copy(err, &why);
    if (found != OBJECT_DIFFERENT)
        return true;
    error_set(err, ERROR_CORRUPT, "object %s: the pieces that came are not those of the object", wanted->key);
    return error_hint(err, "they were fetched twice; the next run does so again");
}

/* The bytes of an object are named by where it is and its etag. */
static void identity_of(const struct transfer *transfer, char identity[IDENTITY_SIZE]) {
    char digest[HASH_TEXT_SIZE];
    const char *key = transfer->wanted->key;
    hash_text(HASH_SHA256, key, strlen(key), digest);
    snprintf(identity, IDENTITY_SIZE, "%.16s %.32s %s", object_store_driver(transfer->from)->name, digest,
             transfer->wanted->etag);
}

static bool into_new_writer(const struct transfer *transfer, struct object_facts *facts, struct error *err) {
    char identity[IDENTITY_SIZE];
    struct flow flow = {.transfer = transfer};
    struct error why = {0};
    identity_of(transfer, identity);
    flow.writer = object_writer_begin(transfer->to, transfer->key, identity, transfer->options, &flow.have, err);
    if (!flow.writer)
        return false;
    if (flow_all(&flow, &why) && check_pieces(&flow, &why))
        return object_writer_end(flow.writer, OBJECT_WHOLE, facts, err);
    bool wrong = why.code == ERROR_CHANGED || why.code == ERROR_ABSENT || why.code == ERROR_CORRUPT;
    object_writer_end(flow.writer, wrong ? OBJECT_DISCARD : OBJECT_KEEP, NULL, NULL);
    return error_copy(err, &why);
}

/* Wrong bytes are gotten once more, from the start. */
static bool into_writer(const struct transfer *transfer, struct object_facts *facts, struct error *err) {
    struct error why = {0};
    return into_new_writer(transfer, facts, &why) ||
           (why.code == ERROR_CORRUPT ? into_new_writer(transfer, facts, err) : error_copy(err, &why));
}

static bool by_server(const struct transfer *transfer, bool *way, struct object_facts *facts, struct error *err) {
    const struct object_driver *driver = object_store_driver(transfer->to);
    struct object_facts told = {0};
    struct error why = {0};
    *way = driver->copy_from && driver->copy_from(object_store_self(transfer->to), transfer->from, transfer->wanted,
                                                  transfer->key, transfer->options, &told, &why);
    if (*way)
        return object_put_told(transfer->key, transfer->wanted->size, &told, facts, err);
    *way = driver->copy_from && why.code != ERROR_UNSUPPORTED;
    return *way && error_copy(err, &why);
}

bool object_transfer(struct object_store *from, const struct object_facts *wanted, struct object_store *to,
                     const char *key, const struct object_put_options *options, struct object_facts *facts,
                     struct error *err) {
    struct object_put_options sized = options ? *options : (struct object_put_options){0};
    struct object_facts inner = *wanted;
    char whole[OBJECT_KEY_LONGEST + 1];
    sized.expected_size = wanted->size;
    if (!sized.modified_ms)
        sized.modified_ms = wanted->modified_ms;
    if (!object_key_check(wanted->key, err) || !object_put_check(to, key, &sized, err))
        return false;
    from = object_below_resolve(from, wanted->key, whole, err);
    if (!from)
        return false;
    inner.key = whole;
    struct transfer transfer = {.from = from, .wanted = &inner, .to = to, .key = key, .options = &sized};
    bool way = false;
    bool done = by_server(&transfer, &way, facts, err);
    if (!way)
        done = from_file(&transfer, &way, facts, err);
    if (way)
        return done;
    return object_store_has(to, OBJECT_WRITER) ? into_writer(&transfer, facts, err) : by_pieces(&transfer, facts, err);
}

bool object_copy(struct object_store *store, const char *from, const char *to, struct error *err) {
    struct object_facts facts;
    if (!object_key_check(from, err) || !object_key_check(to, err))
        return false;
    if (strcmp(from, to) == 0)
        return object_head(store, from, NULL, err);
    const struct object_driver *driver = object_store_driver(store);
    if (driver->copy)
        return driver->copy(object_store_self(store), from, to, err);
    struct object_put_options options = {0};
    return object_head(store, from, &facts, err) && object_transfer(store, &facts, store, to, &options, NULL, err);
}
