#include "store/object/s3_sum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

/* ---- one sum ---- */

static bool is_hash(unsigned kind) {
    return kind == S3_SUM_MD5 || kind == S3_CHECKSUM_SHA256;
}

void s3_sum_open(struct s3_sum *sum, unsigned kind) {
    *sum = (struct s3_sum){.kind = kind};
}

void s3_sum_add(struct s3_sum *sum, const void *data, size_t length) {
    if (is_hash(sum->kind) && !sum->hash)
        sum->hash = hash_open(sum->kind == S3_SUM_MD5 ? HASH_MD5 : HASH_SHA256);
    switch (sum->kind) {
    case S3_CHECKSUM_CRC32C:
        sum->crc = crc_32c((uint32_t)sum->crc, data, length);
        break;
    case S3_CHECKSUM_CRC32:
        sum->crc = crc_32((uint32_t)sum->crc, data, length);
        break;
    case S3_CHECKSUM_CRC64NVME:
        sum->crc = crc_64nvme(sum->crc, data, length);
        break;
    default:
        hash_add(sum->hash, data, length);
    }
}

static unsigned digit_of(char c) {
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

size_t s3_unhex(const char *hex, unsigned char out[S3_SUM_BYTES]) {
    size_t length = 0;
    for (; hex[0] && hex[1] && length < S3_SUM_BYTES; hex += 2)
        out[length++] = (unsigned char)((digit_of(hex[0]) << 4 | digit_of(hex[1])) & 255);
    return length;
}

size_t s3_sum_end(struct s3_sum *sum, unsigned char out[S3_SUM_BYTES]) {
    s3_sum_add(sum, "", 0);
    size_t length = sum->kind == S3_CHECKSUM_CRC64NVME ? 8 : 4;
    if (is_hash(sum->kind)) {
        char hex[HASH_TEXT_SIZE];
        hash_end(sum->hash, hex);
        length = s3_unhex(hex, out);
    } else {
        for (size_t i = 0; i < length; i++)
            out[i] = (unsigned char)(sum->crc >> (8 * (length - 1 - i)));
    }
    unsigned kind = sum->kind;
    s3_sum_close(sum);
    s3_sum_open(sum, kind);
    return length;
}

void s3_sum_close(struct s3_sum *sum) {
    hash_close(sum->hash);
    sum->hash = NULL;
}

/* ---- claims ---- */

/* What tools cut uploads into, most usual first: 8 MiB is the AWS CLI's, 5 the SDKs', 16 and more rclone's, s3cmd's,
 * s5cmd's and consoles'. */
static const uint64_t usual_parts[] = {
    8 * MIB,   5 * MIB,   16 * MIB,  15 * MIB,  10 * MIB,   20 * MIB,  25 * MIB,  32 * MIB,  50 * MIB,  64 * MIB,
    100 * MIB, 128 * MIB, 256 * MIB, 512 * MIB, 1024 * MIB, 8000000,   5000000,   16000000,  15000000,  10000000,
    20000000,  25000000,  32000000,  50000000,  64000000,   100000000, 128000000, 256000000, 512000000, 1000000000};

enum { TALLIES_MOST = 3 * (ARRAY_LENGTH(usual_parts) + 2) + S3_CHECKSUM_COUNT };

/* One thing that is compared. */
struct tally {
    uint64_t part; /* 0: of the whole */
    uint64_t left; /* of the part under way */
    struct s3_sum sum;
    struct s3_sum all; /* of the sums of parts */
    char expected[72]; /* in hexadecimal for MD5, else in base64, without the number of parts */
    bool certain;      /* a difference is one of the bytes */
};

struct s3_digest {
    uint64_t size;
    uint64_t so_far;
    size_t count;
    struct tally tallies[TALLIES_MOST];
};

unsigned s3_etag_parts(const char *etag) {
    const char *mark = strrchr(etag, '-');
    uint64_t parts = 0;
    if (!mark || mark - etag != 32 || !text_to_uint64(mark + 1, &parts) || parts < 1 || parts > S3_PARTS_MOST)
        return 0;
    return (unsigned)parts;
}

static bool is_md5(const char *etag, size_t length) {
    return length == 32 && strspn(etag, "0123456789abcdef") >= 32;
}

static void tally_add(struct s3_digest *digest, unsigned kind, uint64_t part, const char *expected, bool certain) {
    size_t length = strcspn(expected, "-");
    if (digest->count >= TALLIES_MOST || length >= sizeof(digest->tallies[0].expected))
        return;
    struct tally *tally = &digest->tallies[digest->count++];
    *tally = (struct tally){.part = part, .left = part, .certain = certain};
    memcpy(tally->expected, expected, length);
    s3_sum_open(&tally->sum, kind);
    s3_sum_open(&tally->all, kind);
}

static bool gives(uint64_t size, uint64_t part, unsigned parts) {
    return part && (size + part - 1) / part == parts;
}

static void tally_parts(struct s3_digest *digest, const struct s3_claim *claim, uint64_t part, bool certain) {
    if (s3_digest_tried(digest, part))
        return;
    if (claim->etag_is_md5 || claim->etag_may_be)
        tally_add(digest, S3_SUM_MD5, part, claim->etag, certain && claim->etag_is_md5);
    for (unsigned i = 0; claim->composite && i < S3_CHECKSUM_COUNT; i++) {
        if (claim->checksums[i])
            tally_add(digest, i, part, claim->checksums[i], certain);
    }
}

static void tally_all_parts(struct s3_digest *digest, const struct s3_claim *claim, unsigned parts) {
    if (claim->exact_part) {
        if (gives(claim->size, claim->exact_part, parts))
            tally_parts(digest, claim, claim->exact_part, true);
        return;
    }
    /* One part is one part, however large parts would be. */
    if (parts == 1) {
        tally_parts(digest, claim, claim->size ? claim->size : 1, true);
        return;
    }
    if (gives(claim->size, claim->part_bytes, parts))
        tally_parts(digest, claim, claim->part_bytes, false);
    for (size_t i = 0; i < ARRAY_LENGTH(usual_parts); i++) {
        if (gives(claim->size, usual_parts[i], parts))
            tally_parts(digest, claim, usual_parts[i], false);
    }
}

struct s3_digest *s3_digest_open(const struct s3_claim *claim) {
    struct s3_digest *digest = memory_alloc(sizeof(*digest));
    digest->size = claim->size;
    unsigned parts = s3_etag_parts(claim->etag);
    if (parts)
        tally_all_parts(digest, claim, parts);
    else if ((claim->etag_is_md5 || claim->etag_may_be) && is_md5(claim->etag, strlen(claim->etag)))
        tally_add(digest, S3_SUM_MD5, 0, claim->etag, claim->etag_is_md5);
    for (unsigned i = 0; !claim->composite && i < S3_CHECKSUM_COUNT; i++) {
        if (claim->checksums[i])
            tally_add(digest, i, 0, claim->checksums[i], true);
    }
    return digest;
}

static void part_end(struct tally *tally) {
    unsigned char bytes[S3_SUM_BYTES];
    size_t length = s3_sum_end(&tally->sum, bytes);
    s3_sum_add(&tally->all, bytes, length);
    tally->left = tally->part;
}

void s3_digest_add(struct s3_digest *digest, const void *data, size_t length) {
    digest->so_far += length;
    for (size_t i = 0; i < digest->count; i++) {
        struct tally *tally = &digest->tallies[i];
        const char *at = data;
        for (size_t rest = length; rest;) {
            size_t piece = tally->part && tally->left < rest ? (size_t)tally->left : rest;
            s3_sum_add(&tally->sum, at, piece);
            at += piece;
            rest -= piece;
            tally->left -= tally->part ? piece : 0;
            if (tally->part && !tally->left)
                part_end(tally);
        }
    }
}

static bool tally_equal(struct tally *tally, bool empty) {
    unsigned char bytes[S3_SUM_BYTES];
    char text[2 * S3_SUM_BYTES + 1];
    if (tally->part && (tally->left != tally->part || empty))
        part_end(tally);
    size_t length = s3_sum_end(tally->part ? &tally->all : &tally->sum, bytes);
    if (tally->sum.kind == S3_SUM_MD5)
        hash_hex(bytes, length, text);
    else
        hash_base64(bytes, length, text);
    return strcmp(text, tally->expected) == 0;
}

enum object_match s3_digest_end(struct s3_digest *digest) {
    bool same = false, different = false;
    if (digest->so_far != digest->size)
        return OBJECT_DIFFERENT;
    for (size_t i = 0; i < digest->count; i++) {
        bool equal = tally_equal(&digest->tallies[i], !digest->so_far);
        same = same || equal;
        different = different || (!equal && digest->tallies[i].certain);
    }
    return different ? OBJECT_DIFFERENT : same ? OBJECT_SAME : OBJECT_UNKNOWN;
}

bool s3_digest_tried(const struct s3_digest *digest, uint64_t part) {
    for (size_t i = 0; i < digest->count; i++) {
        if (digest->tallies[i].part == part)
            return true;
    }
    return false;
}

void s3_digest_close(struct s3_digest *digest) {
    for (size_t i = 0; digest && i < digest->count; i++) {
        s3_sum_close(&digest->tallies[i].sum);
        s3_sum_close(&digest->tallies[i].all);
    }
    free(digest);
}
