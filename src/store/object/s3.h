/* The s3 driver: an object store in a bucket of Amazon S3, or of a service that speaks as it does, below a prefix.
 *
 * What it promises beyond object.h:
 * - Bodies are streamed. What is larger than `part_bytes` goes up in parts, `parallel` of them at a time when the
 * source has read_at; a put with `resume` goes on with the parts that an earlier one left on the server, after their
 * ETags were compared with the bytes. A put that fails without `resume` aborts its upload. A source without read_at is
 * held in memory, a part at a time, and its parts go one after the other.
 * - Each PUT and part carries a checksum, and the ETag and checksum of the answer are compared with what was sent; each
 *   GET of a whole object is compared with its ETag (of a multipart object for all usual sizes of parts) and with the
 *   checksum that the service tells, and its length always. Bytes that differ are ERROR_IO, retryable.
 * - A conditional put whose answer was lost, and which finds the key taken by itself then, is a success: it leaves a
 * mark of its own in x-amz-meta-put.
 * - A GET that breaks off goes on where it was, of the same ETag.
 * - A listing is made by pages (ListObjectsV2), several prefixes at a time, and given in byte order of the keys; an
 *   answer that ends early, repeats a token, goes backwards or contradicts its KeyCount is an error.
 * - A service that has no conditional writes (501) is asked what is there before each put that demands something.
 * - The etag of a facts is S3's ETag without its quotes ("9b2c...", "9b2c...-12" of a multipart upload).
 * - `modified_ms` of a put is kept as x-amz-meta-mtime, which a head and a get tell; a listing tells S3's own time.
 * - A bucket that is not there is ERROR_CONFIG, never ERROR_ABSENT, but for s3_store_check.
 * - "Keys" that end with '/' and have no bytes (what consoles show as folders) are left out of listings. */
#ifndef TIDEMILL_STORE_OBJECT_S3_H
#define TIDEMILL_STORE_OBJECT_S3_H

#include "aws/client.h"
#include "store/object/object.h"

enum s3_style { S3_STYLE_AUTO, S3_STYLE_PATH, S3_STYLE_VIRTUAL };

/* 0 and NULL take the default named. All borrowed for as long as the store is open, but for the texts, which are
 * copied. */
struct s3_settings {
    struct http_client *http; /* `per_host` at least `parallel`; its own `attempts` do not count */
    const struct aws_credential_source *credentials;
    const struct clock *clock;
    struct random *random;
    struct aws_shared *shared;
    const char *region;   /* us-east-1; found by itself when the service tells another */
    const char *endpoint; /* "http://127.0.0.1:9000"; NULL: AWS */
    enum s3_style style;  /* auto: virtual with AWS, unless the bucket's name has dots; path with an endpoint */
    const char *bucket;
    const char *prefix;          /* in front of each key, with its '/' at the end; NULL: none */
    const char *storage_class;   /* "STANDARD_IA", ...; the bucket's own */
    const char *encryption;      /* "AES256", "aws:kms"; the bucket's own */
    const char *kms_key;         /* with "aws:kms" */
    const char *tags;            /* "a=b&c=d", of each object; none */
    const char *acl;             /* "private", ...; none */
    const char *checksum;        /* "CRC32C" (the default), "SHA256", "none": for services that know none */
    const char *account;         /* the bucket must belong to it (x-amz-expected-bucket-owner); NULL: any */
    size_t part_bytes;           /* 16 MiB; at least 5 MiB; grows so that an object has at most 10,000 parts */
    unsigned parallel;           /* parts and pages at a time: 4 */
    unsigned attempts;           /* of each request: 5 */
    const struct cancel *cancel; /* ends what lists, reads, copies, removes; puts have their own. NULL: nothing does */
};

/* Opens the store; asks the service nothing yet. NULL with ERROR_INVALID (a name that no bucket has). */
struct object_store *s3_store_open(const struct s3_settings *settings, struct error *err);

/* Whether the bucket can be seen: ERROR_ABSENT (no such bucket), ERROR_DENIED (another's, or no permission). *region
 * (may be NULL) in the arena. */
bool s3_store_check(struct object_store *store, struct arena *arena, const char **region, struct error *err);

#endif
