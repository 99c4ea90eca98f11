/* Amazon S3's REST API (Amazon S3 API Reference, version 2006-03-01), as far as an object store needs it. Any thread.
 *
 * Failures of all functions are those of aws_client_call, with S3's own words made plain: ERROR_ABSENT (no such key or
 * upload; of bucket calls: no such bucket), ERROR_CONFIG (no such bucket, told by a call that wanted an object),
 * ERROR_DENIED, ERROR_CHANGED (If-Match or If-None-Match was not met, or the bytes that arrived are not those that were
 * sent), ERROR_BUSY (another request on the same key at the same time), ERROR_LIMIT (a range beyond the end, or too
 * large), ERROR_UNSUPPORTED (the service does not know the call, or the object lies in an archive), ERROR_INVALID (an
 * answer that is not what the API says). A bucket in another region is found there (S3 User Guide, "Request routing").
 */
#ifndef TIDEMILL_AWS_S3_H
#define TIDEMILL_AWS_S3_H

#include "aws/client.h"

enum {
    S3_PARTS_MOST = 10000,      /* of one upload ("Amazon S3 multipart upload limits") */
    S3_KEYS_MOST = 1000,        /* of one page of a listing, and of one DeleteObjects */
    S3_CHECKSUM_TEXT_SIZE = 48, /* a checksum in base64: of SHA-256 44 bytes and a zero byte */
};
#define S3_PART_LEAST (5 * MIB) /* of all parts but the last */
#define S3_PUT_MOST (5 * GIB)   /* in one PUT, one part or one copy */
#define S3_OBJECT_MOST (S3_PARTS_MOST * S3_PUT_MOST)

/* The algorithm, its name, and the header that carries its value in base64. */
#define S3_CHECKSUMS(X)                                                                                                \
    X(S3_CHECKSUM_CRC32C, "CRC32C", "x-amz-checksum-crc32c")                                                           \
    X(S3_CHECKSUM_SHA256, "SHA256", "x-amz-checksum-sha256")                                                           \
    X(S3_CHECKSUM_CRC64NVME, "CRC64NVME", "x-amz-checksum-crc64nvme")                                                  \
    X(S3_CHECKSUM_CRC32, "CRC32", "x-amz-checksum-crc32")

enum s3_checksum {
#define X(code, name, header) code,
    S3_CHECKSUMS(X)
#undef X
        S3_CHECKSUM_COUNT,
    S3_CHECKSUM_NONE = S3_CHECKSUM_COUNT
};

const char *s3_checksum_name(enum s3_checksum checksum); /* "CRC32C" */
/* Base 64 of bytes given in hexadecimal, at most 64 of them. */
char *s3_base64_of_hex(const char *hex, char *out);

/* ---- buckets ---- */

struct s3_bucket;

struct s3_bucket_settings {
    struct aws_client client; /* `service`, `s3` and `endpoint` are set here; `region` NULL: us-east-1 */
    const char *endpoint;     /* NULL: AWS */
    const char *name;
    const char *account;         /* the bucket must be this account's; NULL: any */
    bool path_style;             /* the bucket in the path; else in the host's name */
    const struct cancel *cancel; /* borrowed; ends calls without one of their own that read, copy or remove objects */
};

/* Texts are copied; what else the client names is borrowed. NULL with ERROR_INVALID for a name that no bucket has
 * ("General purpose bucket naming rules") or an endpoint that is no URL. */
struct s3_bucket *s3_bucket_open(const struct s3_bucket_settings *settings, struct error *err);
void s3_bucket_close(struct s3_bucket *bucket); /* NULL is allowed */
const char *s3_bucket_name(const struct s3_bucket *bucket);
/* The endpoint as it was given, "" for AWS. */
const char *s3_bucket_endpoint(const struct s3_bucket *bucket);
/* The region that calls go to now, in the arena. */
const char *s3_bucket_region(struct s3_bucket *bucket, struct arena *arena);
/* True if calls go over TLS. */
bool s3_bucket_secure(const struct s3_bucket *bucket);

bool s3_head_bucket(struct arena *arena, struct s3_bucket *bucket, struct aws_failure *failure, struct error *err);
/* *region in the arena: "us-east-1" when the answer is empty, as it is there. */
bool s3_get_bucket_location(struct arena *arena, struct s3_bucket *bucket, const char **region,
                            struct aws_failure *failure, struct error *err);
/* In the region of the settings. ERROR_EXISTS when it is there, ours or another's. */
bool s3_create_bucket(struct arena *arena, struct s3_bucket *bucket, struct aws_failure *failure, struct error *err);

/* ---- objects ---- */

/* What is told of an object. Texts in the arena; "" or NULL for what is not told. */
struct s3_object {
    uint64_t size;       /* of the whole object, also when a part of it was asked for; of a part number: of that part */
    int64_t modified_ms; /* Last-Modified; 0 if none */
    const char *etag;    /* without quotes */
    const char *encryption;                   /* "AES256", "aws:kms", "aws:kms:dsse", "SSE-C" or "" */
    const char *checksums[S3_CHECKSUM_COUNT]; /* in base64, with "-12" behind it when of parts */
    bool composite;                           /* the checksums are of the parts' checksums */
    const char *storage_class;                /* "" is STANDARD */
    const char *content_type, *cache_control; /* NULL: none */
    const char *mtime;                        /* x-amz-meta-mtime */
    const char *put_id;                       /* x-amz-meta-put */
    uint64_t first;                           /* of a range: its first byte */
    bool partial;                             /* 206: a range */
};

/* `part` 0: the object; else that part of a multipart object. */
bool s3_head_object(struct arena *arena, struct s3_bucket *bucket, const char *key, unsigned part,
                    const struct cancel *cancel, struct s3_object *object, struct aws_failure *failure,
                    struct error *err);

struct s3_get {
    uint64_t from;
    uint64_t length;      /* at most; UINT64_MAX: to the end. Not 0 */
    const char *if_match; /* ETag without quotes; NULL: any */
    const struct cancel *cancel;
    /* Called once, when the answer has begun; may refuse. Then the bytes as they come. A transfer that breaks off is
     * not begun anew: the error is retryable then. */
    bool (*begin)(void *to, const struct s3_object *object, struct error *err);
    bool (*piece)(void *to, const void *data, size_t length, struct error *err);
    void *to;
};

bool s3_get_object(struct arena *arena, struct s3_bucket *bucket, const char *key, const struct s3_get *get,
                   struct aws_failure *failure, struct error *err);

/* What an object is given with its bytes. NULL leaves a thing to the bucket. */
struct s3_attributes {
    const char *content_type;
    const char *cache_control;
    const char *storage_class;
    const char *encryption;
    const char *kms_key;
    const char *tags; /* "a=b&c=d" */
    const char *acl;
    const char *mtime;  /* x-amz-meta-mtime, as rclone and s3fs write it: seconds with a fraction */
    const char *put_id; /* x-amz-meta-put: which of several rivals wrote the object */
    bool replace;       /* of a copy: what the source has is not taken over */
};

/* Bytes on their way: in memory, or from a reader. */
struct s3_body {
    const void *data;
    size_t length;
    const struct http_body *stream; /* instead of `data` */
    const char *sha256;             /* of the bytes, in hexadecimal; NULL: made of `data`; over TLS not needed */
    enum s3_checksum checksum;
    const char *checksum_value; /* in base64 */
    const char *md5;            /* in base64, for Content-MD5; NULL: none */
};

struct s3_condition {
    bool if_absent;
    const char *if_match; /* ETag without quotes */
};

/* What the service says of bytes that it has stored. */
struct s3_stored {
    const char *etag;
    const char *encryption;
    const char *checksum; /* of the algorithm that was sent; "" if it told none */
    int64_t date_ms;      /* the service's time; 0 if it told none */
};

bool s3_put_object(struct arena *arena, struct s3_bucket *bucket, const char *key,
                   const struct s3_attributes *attributes, const struct s3_body *body,
                   const struct s3_condition *condition, const struct cancel *cancel, struct s3_stored *stored,
                   struct aws_failure *failure, struct error *err);

/* An absent object is fine. */
bool s3_delete_object(struct arena *arena, struct s3_bucket *bucket, const char *key, struct aws_failure *failure,
                      struct error *err);

/* Why keys were not removed, by their place in the list; NULL: it is gone. */
struct s3_removal {
    const char *code;
    const char *message;
};

/* Removes up to S3_KEYS_MOST; `removals` has room for `count`. False when nothing is known of any of them. */
bool s3_delete_objects(struct arena *arena, struct s3_bucket *bucket, const char *const *keys, size_t count,
                       struct s3_removal *removals, struct aws_failure *failure, struct error *err);

/* Copies within the service; at most S3_PUT_MOST. `if_match`: ETag of the source; NULL: any. */
bool s3_copy_object(struct arena *arena, struct s3_bucket *bucket, const char *from_bucket, const char *from,
                    const char *if_match, const char *key, const struct s3_attributes *attributes,
                    struct s3_stored *stored, struct aws_failure *failure, struct error *err);

/* Gives `err` the code and the hint that go with S3's own code (failure->code, or the status). Returns false. */
bool s3_failure_name(const struct aws_failure *failure, struct error *err);

/* An address with which anybody can get the object for so many seconds, 1 to 604,800; in the arena. */
bool s3_presign_get(struct arena *arena, struct s3_bucket *bucket, const char *key, int64_t seconds, char **url,
                    struct error *err);

/* ---- listings ---- */

struct s3_entry {
    const char *key;
    uint64_t size;
    int64_t modified_ms;
    const char *etag;
};

struct s3_page {
    struct s3_entry *entries;
    size_t count;
    const char **prefixes; /* up to and with the delimiter */
    size_t prefix_count;
    bool truncated;
    const char *token; /* for the next page; NULL at the end */
};

struct s3_list {
    const char *prefix;
    const char *delimiter;   /* NULL: none */
    const char *start_after; /* NULL: from the start */
    const char *token;       /* of the page before; NULL: the first */
    unsigned most;           /* 0: S3_KEYS_MOST */
    const struct cancel *cancel;
};

/* One page (ListObjectsV2). ERROR_INVALID when it contradicts itself: of another size than its KeyCount, going on
 * without a token, without the end that the API promises. */
bool s3_list_objects(struct arena *arena, struct s3_bucket *bucket, const struct s3_list *list, struct s3_page *page,
                     struct aws_failure *failure, struct error *err);
/* Reads the document of such a page. Pure. */
bool s3_page_read(struct arena *arena, const char *text, size_t length, struct s3_page *page, struct error *err);

/* ---- uploads in parts ---- */

struct s3_part {
    unsigned number; /* 1 to S3_PARTS_MOST */
    uint64_t size;
    const char *etag;
    const char *checksum; /* in base64; NULL: none */
};

struct s3_upload {
    const char *key;
    const char *id;
    int64_t begun_ms;
    const char *algorithm; /* of its parts' checksums, "CRC32C"; "" if it tells none */
};

/* *id in the arena. */
bool s3_create_upload(struct arena *arena, struct s3_bucket *bucket, const char *key,
                      const struct s3_attributes *attributes, enum s3_checksum checksum, const char **id,
                      struct aws_failure *failure, struct error *err);
bool s3_upload_part(struct arena *arena, struct s3_bucket *bucket, const char *key, const char *id, unsigned number,
                    const struct s3_body *body, const struct cancel *cancel, struct s3_stored *stored,
                    struct aws_failure *failure, struct error *err);
bool s3_upload_part_copy(struct arena *arena, struct s3_bucket *bucket, const char *from_bucket, const char *from,
                         const char *if_match, uint64_t first, uint64_t length, const char *key, const char *id,
                         unsigned number, struct s3_stored *stored, struct aws_failure *failure, struct error *err);
bool s3_complete_upload(struct arena *arena, struct s3_bucket *bucket, const char *key, const char *id,
                        const struct s3_part *parts, size_t count, enum s3_checksum checksum,
                        const struct s3_condition *condition, const struct cancel *cancel, struct s3_stored *stored,
                        struct aws_failure *failure, struct error *err);
/* One that is gone already is fine. */
bool s3_abort_upload(struct arena *arena, struct s3_bucket *bucket, const char *key, const char *id,
                     struct aws_failure *failure, struct error *err);

/* Called for each upload in progress whose key starts with `prefix`; returning false ends it with *err as set. Of a
 * failure only the status is kept. */
typedef bool s3_upload_visit(void *to, const struct s3_upload *upload, struct error *err);
bool s3_list_uploads(struct s3_bucket *bucket, const char *prefix, s3_upload_visit *visit, void *to,
                     struct aws_failure *failure, struct error *err);

/* The parts of an upload, in order of their numbers; in the arena. */
struct s3_parts {
    struct s3_part *list;
    size_t count;
    const char *algorithm; /* of their checksums; "" if it tells none */
};

/* `checksum`: which one of each part is told. */
bool s3_list_parts(struct arena *arena, struct s3_bucket *bucket, const char *key, const char *id,
                   enum s3_checksum checksum, struct s3_parts *parts, struct aws_failure *failure, struct error *err);

#endif
