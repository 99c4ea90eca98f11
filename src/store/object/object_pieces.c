/* Another object as the source of a put: each piece is a get of its own, so that no thread is needed between the two.
 * The etag shows whether all pieces are of one object. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "store/object/object_private.h"

enum { TRIES = 4, PIECE_LARGEST = 8 * 1024 * 1024 };

bool object_changed(struct error *err, const char *key) {
    error_set(err, ERROR_CHANGED, "object %s is another one than it was when it was listed", key);
    if (err)
        err->retryable = true;
    return error_hint(err, "it is taken up by the next run");
}

bool object_again(const struct error *why) {
    return why->retryable && why->code != ERROR_CHANGED && why->code != ERROR_CANCELLED && why->code != ERROR_FULL;
}

struct piece {
    const char *key;
    char *into;
    size_t size, used;
};

static bool piece_write(void *to, const void *data, size_t length, struct error *err) {
    struct piece *piece = to;
    if (length > piece->size - piece->used)
        return error_set(err, ERROR_IO, "object %s: more bytes came than were asked for", piece->key);
    memcpy(piece->into + piece->used, data, length);
    piece->used += length;
    return true;
}

/* What broke off goes on behind what came. */
static bool pieces_read_at(void *from, uint64_t offset, void *into, size_t size, size_t *got, struct error *err) {
    const struct object_pieces *pieces = from;
    const struct object_facts *wanted = pieces->wanted;
    uint64_t left = offset < wanted->size ? wanted->size - offset : 0;
    struct piece piece = {.key = wanted->key, .into = into, .size = left < size ? (size_t)left : size};
    struct object_sink sink = {piece_write, &piece};
    for (int i = 0; piece.used < piece.size; i++) {
        struct object_facts now;
        struct error why = {0};
        if (object_get(pieces->store, wanted->key, offset + piece.used, piece.size - piece.used, &sink, &now, &why)) {
            if (now.size != wanted->size || strcmp(now.etag, wanted->etag) != 0)
                return object_changed(err, wanted->key);
        } else if (why.code == ERROR_LIMIT) {
            return object_changed(err, wanted->key); /* it has become shorter */
        } else if (i + 1 == TRIES || !object_again(&why)) {
            return error_copy(err, &why);
        }
    }
    *got = piece.used;
    return true;
}

static bool pieces_read(void *from, void *into, size_t size, size_t *got, struct error *err) {
    struct object_pieces *pieces = from;
    if (pieces->next == pieces->start + pieces->length) {
        if (!pieces->piece)
            pieces->piece = memory_alloc(pieces->capacity);
        size_t length = 0;
        if (!pieces_read_at(pieces, pieces->next, pieces->piece, pieces->capacity, &length, err))
            return false;
        pieces->start = pieces->next;
        pieces->length = length;
    }
    uint64_t left = pieces->start + pieces->length - pieces->next;
    size_t given = left < size ? (size_t)left : size;
    if (given)
        memcpy(into, pieces->piece + (pieces->next - pieces->start), given);
    pieces->next += given;
    *got = given;
    return true;
}

void object_pieces_open(struct object_pieces *pieces, struct object_store *store, const struct object_facts *wanted) {
    size_t part = object_store_driver(store)->part_bytes;
    if (!part)
        part = MIB;
    if (part > PIECE_LARGEST)
        part = PIECE_LARGEST;
    if (part > wanted->size)
        part = wanted->size ? (size_t)wanted->size : 1;
    *pieces = (struct object_pieces){.store = store, .wanted = wanted, .capacity = part};
    pieces->source = (struct object_source){pieces_read, pieces, pieces_read_at};
}

void object_pieces_close(struct object_pieces *pieces) {
    free(pieces->piece);
}
