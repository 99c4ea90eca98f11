/* Whether bytes are those of an object that is not fetched: by its ETag, and by the checksums that a head tells. */
#include <string.h>

#include "base/memory.h"
#include "store/object/s3_parts.h"

/* All bytes of the source into the digest; stops when there are more than the object has. */
static bool digest_all(struct s3_digest *digest, const struct object_source *source, uint64_t size, struct error *err) {
    TEXT_OWNED char *block = memory_alloc(S3_BLOCK);
    uint64_t at = 0;
    for (size_t got = 1; got && at <= size; at += got) {
        if (!source->read_at(source->from, at, block, S3_BLOCK, &got, err))
            return false;
        if (got)
            s3_digest_add(digest, block, got);
    }
    return true;
}

struct matching {
    struct s3_store *store;
    struct arena *arena;
    const char *key; /* whole */
    const struct object_source *source;
    struct s3_claim claim;
};

static bool run(const struct matching *matching, enum object_match *match, struct error *err) {
    struct s3_digest *digest = s3_digest_open(&matching->claim);
    bool good = digest_all(digest, matching->source, matching->claim.size, err);
    if (good)
        *match = s3_digest_end(digest);
    s3_digest_close(digest);
    return good;
}

/* Fills the claim with what a head tells. */
static bool ask(struct matching *matching, struct error *err) {
    struct s3_object object;
    if (!s3_look(matching->store, matching->arena, matching->key, 0, NULL, &object, err))
        return false;
    if (strcmp(object.etag, matching->claim.etag) != 0)
        return error_set(err, ERROR_CHANGED, "it was replaced meanwhile");
    matching->claim.etag_is_md5 = s3_etag_is_md5(object.encryption);
    matching->claim.etag_may_be = false;
    matching->claim.composite = object.composite;
    memcpy(matching->claim.checksums, object.checksums, sizeof(object.checksums));
    if (!matching->claim.etag_is_md5)
        atomic_store(&matching->store->opaque_etags, true);
    return true;
}

/* The size of the first part, which is that of all but the last; 0 when the service does not tell. */
static uint64_t ask_part(struct matching *matching, unsigned parts) {
    struct s3_object object;
    const struct s3_claim *claim = &matching->claim;
    if (!s3_look(matching->store, matching->arena, matching->key, 1, NULL, &object, NULL) || !object.size ||
        strcmp(object.etag, claim->etag) != 0 || (claim->size + object.size - 1) / object.size != parts)
        return 0;
    return object.size;
}

static bool has_checksums(const struct s3_claim *claim) {
    for (unsigned i = 0; i < S3_CHECKSUM_COUNT; i++) {
        if (claim->checksums[i])
            return true;
    }
    return false;
}

/* In the order of what it costs: the ETag alone, what a head tells, the size of the parts. */
static bool find_match(struct matching *matching, enum object_match *match, struct error *err) {
    struct s3_claim *claim = &matching->claim;
    unsigned parts = s3_etag_parts(claim->etag);
    bool opaque = atomic_load(&matching->store->opaque_etags);
    /* A listing does not tell what an ETag is made of: equal is equal, but a difference may be none. */
    claim->etag_may_be = true;
    if (!opaque && !run(matching, match, err))
        return false;
    if (*match != OBJECT_UNKNOWN)
        return true;
    if (!ask(matching, err))
        return false;
    if ((opaque || !parts || has_checksums(claim)) && !run(matching, match, err))
        return false;
    if (*match != OBJECT_UNKNOWN || parts < 2)
        return true;
    claim->exact_part = ask_part(matching, parts);
    return !claim->exact_part || run(matching, match, err);
}

bool s3_driver_match(void *self, const struct object_facts *facts, const struct object_source *source,
                     enum object_match *match, struct error *err) {
    struct s3_store *store = self;
    enum object_match found = OBJECT_UNKNOWN;
    ARENA_OWNED struct arena *arena = arena_open();
    const char *whole = s3_whole_key(store, arena, facts->key, err);
    if (!whole)
        return false;
    struct matching matching = {.store = store,
                                .arena = arena,
                                .key = whole,
                                .source = source,
                                .claim = {.size = facts->size, .etag = facts->etag, .part_bytes = store->part_bytes}};
    if (!find_match(&matching, &found, err))
        return s3_name(store, whole, err);
    *match = found;
    return true;
}
