/* Writing an object piece by piece. Declared in object.h. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/object/object_private.h"

enum { IDENTITY_LONGEST = 255 };

struct object_writer {
    struct object_store *store;
    const char *key; /* borrowed */
    void *inner;     /* the driver's */
    uint64_t expected;
    uint64_t length; /* of what is there */
    const struct cancel *cancel;
    bool failed;
};

struct object_writer *object_writer_begin(struct object_store *store, const char *key, const char *identity,
                                          const struct object_put_options *options, uint64_t *have, struct error *err) {
    static const struct object_put_options plain = {0};
    if (!options)
        options = &plain;
    if (!object_put_check(store, key, options, err))
        return NULL;
    const struct object_driver *driver = object_store_driver(store);
    if (!object_store_has(store, OBJECT_WRITER)) {
        error_set(err, ERROR_UNSUPPORTED, "object %s: a store of driver %s cannot be written to by pieces", key,
                  driver->name);
        return NULL;
    }
    if (identity && strnlen(identity, IDENTITY_LONGEST + 1) > IDENTITY_LONGEST) {
        error_set(err, ERROR_INTERNAL, "object %s: the name of its bytes is longer than %d bytes", key,
                  IDENTITY_LONGEST);
        return NULL;
    }
    struct object_writer *writer = memory_alloc(sizeof(*writer));
    *writer = (struct object_writer){
        .store = store, .key = key, .expected = options->expected_size, .cancel = options->cancel};
    uint64_t there = 0;
    if (!driver->writer_begin(object_store_self(store), key, identity, options, &writer->inner, &there, err)) {
        free(writer);
        return NULL;
    }
    writer->length = there;
    if (writer->expected && there > writer->expected) {
        object_writer_end(writer, OBJECT_DISCARD, NULL, NULL);
        error_set(err, ERROR_IO, "object %s: %llu bytes are there of an object of %llu", key, (unsigned long long)there,
                  (unsigned long long)options->expected_size);
        return NULL;
    }
    *have = there;
    return writer;
}

bool object_writer_add(struct object_writer *writer, const void *data, size_t length, struct error *err) {
    const struct object_driver *driver = object_store_driver(writer->store);
    if (cancel_requested(writer->cancel))
        return error_set(err, ERROR_CANCELLED, "object %s: stopped while being written", writer->key);
    if (writer->expected && length > writer->expected - writer->length)
        return error_set(err, ERROR_INVALID, "object %s: more than the %llu bytes announced", writer->key,
                         (unsigned long long)writer->expected);
    /* How much of a piece that failed is there, nobody knows. */
    if (writer->failed)
        return error_set(err, ERROR_IO, "object %s: an earlier piece could not be written", writer->key);
    writer->failed = !driver->writer_add(object_store_self(writer->store), writer->inner, data, length, err);
    writer->length += length;
    return !writer->failed;
}

bool object_writer_read(struct object_writer *writer, uint64_t offset, void *into, size_t size, size_t *got,
                        struct error *err) {
    const struct object_driver *driver = object_store_driver(writer->store);
    if (!driver->writer_read)
        return error_set(err, ERROR_UNSUPPORTED, "object %s: what is written cannot be read yet", writer->key);
    return driver->writer_read(object_store_self(writer->store), writer->inner, offset, into, size, got, err);
}

bool object_writer_end(struct object_writer *writer, enum object_ending ending, struct object_facts *facts,
                       struct error *err) {
    struct error why = {0};
    struct object_facts told = {0};
    if (ending == OBJECT_WHOLE && writer->failed)
        error_set(&why, ERROR_IO, "object %s: a piece of it could not be written", writer->key);
    else if (ending == OBJECT_WHOLE && writer->expected && writer->length != writer->expected)
        error_set(&why, ERROR_INVALID, "object %s: fewer than the %llu bytes announced (%llu)", writer->key,
                  (unsigned long long)writer->expected, (unsigned long long)writer->length);
    bool wrong = why.code;
    bool done = object_store_driver(writer->store)
                    ->writer_end(object_store_self(writer->store), writer->inner, wrong ? OBJECT_DISCARD : ending,
                                 &told, wrong ? NULL : &why);
    if (wrong || !done)
        done = error_copy(err, &why);
    else if (ending == OBJECT_WHOLE)
        done = object_put_told(writer->key, writer->length, &told, facts, err);
    free(writer);
    return done;
}
