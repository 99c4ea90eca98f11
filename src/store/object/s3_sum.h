/* Sums of bytes that pass by, as S3 tells them: MD5 in ETags, checksums in headers; of the whole, or of the sums of
 * parts (S3 User Guide, "Checking object integrity", "Composite checksums"). One thread at a time. */
#ifndef TIDEMILL_STORE_OBJECT_S3_SUM_H
#define TIDEMILL_STORE_OBJECT_S3_SUM_H

#include "aws/s3.h"
#include "store/object/object.h"

enum { S3_SUM_MD5 = S3_CHECKSUM_COUNT, S3_SUM_BYTES = 32 };

/* One sum in the making: `kind` is an s3_checksum or S3_SUM_MD5. */
struct s3_sum {
    unsigned kind;
    uint64_t crc;
    struct hash *hash;
};

void s3_sum_open(struct s3_sum *sum, unsigned kind);
void s3_sum_add(struct s3_sum *sum, const void *data, size_t length);
/* Writes the sum, the most significant byte first; returns its length. The sum begins anew. */
size_t s3_sum_end(struct s3_sum *sum, unsigned char out[S3_SUM_BYTES]);
void s3_sum_close(struct s3_sum *sum);
/* The bytes of lower-case hexadecimal digits, at most S3_SUM_BYTES of them; returns how many. */
size_t s3_unhex(const char *hex, unsigned char out[S3_SUM_BYTES]);

/* What an object is said to be. */
struct s3_claim {
    uint64_t size;
    const char *etag;
    bool etag_is_md5; /* false: it may be anything */
    bool etag_may_be; /* nobody knows: it is compared, but a difference says nothing */
    const char *checksums[S3_CHECKSUM_COUNT];
    bool composite;
    uint64_t part_bytes; /* of the program's own uploads: tried first */
    uint64_t exact_part; /* the size of its parts, when known; 0 */
};

/* Compares bytes with a claim. Of a multipart object, whose sums are of its parts, all part sizes that are usual and
 * give its number of parts are tried at the same time. */
struct s3_digest;
struct s3_digest *s3_digest_open(const struct s3_claim *claim);
void s3_digest_add(struct s3_digest *digest, const void *data, size_t length);
/* OBJECT_UNKNOWN when nothing that was claimed could be compared. */
enum object_match s3_digest_end(struct s3_digest *digest);
/* Whether parts of that size were among those tried. */
bool s3_digest_tried(const struct s3_digest *digest, uint64_t part);
void s3_digest_close(struct s3_digest *digest); /* NULL is allowed */

/* The number of parts that an ETag tells, 0 if it tells none. */
unsigned s3_etag_parts(const char *etag);

#endif
