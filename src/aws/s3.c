#include "aws/s3.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "aws/s3_parts.h"
#include "aws/sigv4.h"
#include "base/hash.h"
#include "base/memory.h"

enum {
    BUCKET_NAME_LEAST = 3,
    BUCKET_NAME_MOST = 255, /* 63 by the rules of today; buckets of 2018 and before have up to 255 */
    REGIONS_TRIED = 3,      /* a bucket is in one region: a second answer that names another is a loop */
    REGION_SIZE = 64,
};

struct s3_bucket {
    struct aws_client client; /* without its region */
    char *name;
    char *endpoint; /* NULL: AWS */
    char *account;
    bool path_style;
    bool secure;
    const struct cancel *cancel; /* borrowed */
    pthread_mutex_t lock;        /* guards `region` */
    char region[REGION_SIZE];
};

const char *s3_checksum_name(enum s3_checksum checksum) {
    static const char *const names[] = {
#define X(code, name, header) name,
        S3_CHECKSUMS(X)
#undef X
    };
    return checksum < S3_CHECKSUM_COUNT ? names[checksum] : "none";
}

const char *s3_checksum_header(enum s3_checksum checksum) {
    static const char *const headers[] = {
#define X(code, name, header) header,
        S3_CHECKSUMS(X)
#undef X
    };
    return checksum < S3_CHECKSUM_COUNT ? headers[checksum] : NULL;
}

static unsigned digit_of(char c) {
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

char *s3_base64_of_hex(const char *hex, char *out) {
    unsigned char bytes[64];
    size_t length = 0;
    for (; hex[0] && hex[1] && length < sizeof(bytes); hex += 2)
        bytes[length++] = (unsigned char)(digit_of(hex[0]) << 4 | digit_of(hex[1]));
    return hash_base64(bytes, length, out);
}

/* ---- buckets ---- */

/* The letters that names have ever had; that a name is allowed today the service says itself. */
static bool name_check(const char *name, struct error *err) {
    size_t length = name ? strlen(name) : 0;
    bool good = length >= BUCKET_NAME_LEAST && length <= BUCKET_NAME_MOST && isalnum((unsigned char)name[0]) &&
                isalnum((unsigned char)name[length - 1]) && !strstr(name, "..");
    for (size_t i = 0; good && i < length; i++)
        good = isalnum((unsigned char)name[i]) || strchr("-._", name[i]);
    return good || error_set(err, ERROR_INVALID, "\"%s\" cannot be the name of a bucket", name ? name : "");
}

static bool endpoint_check(const char *endpoint, struct error *err) {
    if (!endpoint)
        return true;
    const char *rest = text_starts(endpoint, "https://")  ? endpoint + 8
                       : text_starts(endpoint, "http://") ? endpoint + 7
                                                          : "";
    return (*rest && *rest != '/' && !strpbrk(rest, "?#@")) ||
           error_set(err, ERROR_INVALID, "the endpoint \"%s\" is no address such as http://127.0.0.1:9000", endpoint);
}

struct s3_bucket *s3_bucket_open(const struct s3_bucket_settings *settings, struct error *err) {
    const char *endpoint = settings->endpoint && *settings->endpoint ? settings->endpoint : NULL;
    const char *region = settings->client.region && *settings->client.region ? settings->client.region : "us-east-1";
    if (!name_check(settings->name, err) || !endpoint_check(endpoint, err))
        return NULL;
    if (strlen(region) >= REGION_SIZE) {
        error_set(err, ERROR_INVALID, "\"%.80s\" is no region", region);
        return NULL;
    }
    struct s3_bucket *bucket = memory_alloc(sizeof(*bucket));
    *bucket = (struct s3_bucket){.client = settings->client,
                                 .name = memory_text(settings->name),
                                 .endpoint = memory_text(endpoint),
                                 .account = memory_text(settings->account),
                                 .path_style = settings->path_style,
                                 .cancel = settings->cancel,
                                 .secure = !endpoint || text_starts(endpoint, "https:")};
    size_t length = endpoint ? strlen(endpoint) : 0;
    while (length && bucket->endpoint[length - 1] == '/')
        bucket->endpoint[--length] = 0;
    bucket->client.service = "s3";
    bucket->client.s3 = true;
    bucket->client.region = NULL;
    bucket->client.endpoint = NULL;
    pthread_mutex_init(&bucket->lock, NULL);
    memcpy(bucket->region, region, strlen(region) + 1);
    return bucket;
}

void s3_bucket_close(struct s3_bucket *bucket) {
    if (!bucket)
        return;
    pthread_mutex_destroy(&bucket->lock);
    free(bucket->name);
    free(bucket->endpoint);
    free(bucket->account);
    free(bucket);
}

const char *s3_bucket_name(const struct s3_bucket *bucket) {
    return bucket->name;
}

const char *s3_bucket_endpoint(const struct s3_bucket *bucket) {
    return bucket->endpoint ? bucket->endpoint : "";
}

const char *s3_bucket_region(struct s3_bucket *bucket, struct arena *arena) {
    const char *known = aws_shared_region(bucket->client.shared, bucket->name);
    if (known && !bucket->endpoint)
        return known;
    pthread_mutex_lock(&bucket->lock);
    const char *region = arena_text(arena, bucket->region);
    pthread_mutex_unlock(&bucket->lock);
    return region;
}

static void set_region(struct s3_bucket *bucket, const char *region) {
    if (!bucket->endpoint)
        aws_shared_set_region(bucket->client.shared, bucket->name, region);
    pthread_mutex_lock(&bucket->lock);
    memcpy(bucket->region, region, strlen(region) + 1);
    pthread_mutex_unlock(&bucket->lock);
}

bool s3_bucket_secure(const struct s3_bucket *bucket) {
    return bucket->secure;
}

/* "https://bucket.s3.eu-west-1.amazonaws.com", or with the bucket in the path, as the style wants it. */
static const char *find_endpoint(struct arena *arena, const struct s3_bucket *bucket, const char *region) {
    const char *base = bucket->endpoint;
    if (!base)
        base = arena_format(arena, "https://s3.%s.%s", region, aws_domain(region));
    if (bucket->path_style)
        return base;
    const char *host = strstr(base, "://") + 3;
    return arena_format(arena, "%.*s%s.%s", (int)(host - base), base, bucket->name, host);
}

static const char *find_path(struct arena *arena, const struct s3_bucket *bucket, const char *key) {
    const char *escaped = key ? s3_escape_key(arena, key) : "";
    if (!bucket->path_style)
        return arena_format(arena, "/%s", escaped);
    return arena_format(arena, "/%s%s%s", bucket->name, key ? "/" : "", escaped);
}

/* ---- calls ---- */

char *s3_escape_key(struct arena *arena, const char *key) {
    struct text text TEXT_SCOPED;
    text_open(&text, 3 * strlen(key) + 1);
    text_append_percent(&text, key, "/");
    return arena_text(arena, text_value(&text));
}

char *s3_query(struct arena *arena, const char *name, const char *value) {
    struct text text TEXT_SCOPED;
    text_open(&text, 3 * strlen(value) + 1);
    text_append_percent(&text, value, "");
    return arena_format(arena, "%s=%s", name, text_value(&text));
}

void s3_header(struct s3_headers *headers, const char *name, const char *value) {
    if (value && *value && headers->count < AWS_HEADERS_MOST)
        headers->list[headers->count++] = (struct http_header){name, value};
}

void s3_header_quoted(struct s3_headers *headers, struct arena *arena, const char *name, const char *etag) {
    if (etag)
        s3_header(headers, name, arena_format(arena, "\"%s\"", etag));
}

/* What S3 and those who speak as it call it, and what it is here. Of rows with the same code the first counts. */
static const struct {
    const char *code;
    enum error_code error;
    bool retryable;
    const char *hint;
} refusals[] = {
    {"NoSuchKey", ERROR_ABSENT, false, NULL},
    {"NoSuchUpload", ERROR_ABSENT, false, NULL},
    {"NoSuchVersion", ERROR_ABSENT, false, NULL},
    {"NoSuchBucket", ERROR_CONFIG, false, "check the bucket's name and its region"},
    {"InvalidObjectState", ERROR_UNSUPPORTED, false,
     "the object lies in an archive (GLACIER or DEEP_ARCHIVE); restore it first, then run again"},
    {"PreconditionFailed", ERROR_CHANGED, false, NULL},
    {"ConditionalRequestConflict", ERROR_BUSY, true, NULL},
    {"OperationAborted", ERROR_BUSY, true, NULL},
    {"InvalidRange", ERROR_LIMIT, false, NULL},
    {"EntityTooLarge", ERROR_LIMIT, false, NULL},
    {"KeyTooLongError", ERROR_LIMIT, false, NULL},
    {"BadDigest", ERROR_CHANGED, true, "the bytes changed on their way, or while they were being read"},
    {"XAmzContentSHA256Mismatch", ERROR_CHANGED, true, "the bytes changed on their way, or while they were being read"},
    {"XAmzContentChecksumMismatch", ERROR_CHANGED, true,
     "the bytes changed on their way, or while they were being read"},
    {"NotImplemented", ERROR_UNSUPPORTED, false, NULL},
    {"BucketAlreadyExists", ERROR_EXISTS, false, NULL},
    {"BucketAlreadyOwnedByYou", ERROR_EXISTS, false, NULL},
    {"XMinioStorageFull", ERROR_FULL, false, NULL},
    {"QuotaExceeded", ERROR_FULL, false, NULL},
};

bool s3_failure_name(const struct aws_failure *failure, struct error *err) {
    if (!err || !failure->status)
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(refusals); i++) {
        if (strcmp(failure->code, refusals[i].code) != 0)
            continue;
        err->code = refusals[i].error;
        err->retryable = refusals[i].retryable;
        if (refusals[i].hint)
            *err->hint = 0; /* the client's knows nothing of S3 */
        return refusals[i].hint ? error_hint(err, "%s", refusals[i].hint) : false;
    }
    /* A HEAD has no words but its status. */
    if (failure->status == 416)
        err->code = ERROR_LIMIT;
    else if (failure->status == 404)
        err->code = ERROR_ABSENT;
    else if (failure->status == 412)
        err->code = ERROR_CHANGED;
    else if (failure->status == 409)
        err->code = ERROR_BUSY;
    else if (failure->status == 501)
        err->code = ERROR_UNSUPPORTED;
    return false;
}

static const char *payload_hash(struct arena *arena, const struct s3_bucket *bucket, const struct s3_body *body) {
    if (!body)
        return NULL;
    if (body->sha256)
        return body->sha256;
    if (bucket->secure && (body->stream || body->checksum != S3_CHECKSUM_NONE || body->md5))
        return SIGV4_UNSIGNED;
    if (body->stream)
        return SIGV4_UNSIGNED;
    char hash[HASH_TEXT_SIZE];
    return arena_text(arena, hash_text(HASH_SHA256, body->data ? body->data : "", body->length, hash));
}

/* A removal of objects, or a copy, that was broken off is found done or not done; what ends an upload is not broken
 * off.
 */
static const struct cancel *cancel_of(const struct s3_bucket *bucket, const struct s3_call *call) {
    bool reads = strcmp(call->method, "GET") == 0 || strcmp(call->method, "HEAD") == 0;
    return call->cancel ? call->cancel : reads || call->may_stop ? bucket->cancel : NULL;
}

static bool call_once(struct arena *arena, struct s3_bucket *bucket, const struct s3_call *call, const char *region,
                      struct http_response *response, struct aws_failure *failure, struct error *err) {
    struct s3_headers headers = {.count = 0};
    const struct s3_body *body = call->body;
    for (size_t i = 0; i < call->header_count; i++)
        s3_header(&headers, call->headers[i].name, call->headers[i].value);
    s3_header(&headers, "x-amz-expected-bucket-owner", bucket->account);
    if (body) {
        s3_header(&headers, "Content-MD5", body->md5);
        s3_header(&headers, s3_checksum_header(body->checksum), body->checksum_value);
    }
    struct aws_client client = bucket->client;
    client.region = region;
    client.endpoint = find_endpoint(arena, bucket, region);
    struct aws_call made = {
        .method = call->method,
        .path = find_path(arena, bucket, call->key),
        .query = call->query,
        .headers = headers.list,
        .header_count = headers.count,
        .body = body && !body->stream ? (body->data ? body->data : "") : NULL,
        .body_length = body && !body->stream ? body->length : 0,
        .stream = body ? body->stream : NULL,
        .payload_hash = payload_hash(arena, bucket, body),
        .sink = call->sink,
        .largest_body = call->largest_body,
        .error_in_ok = call->error_in_ok,
        .action = call->action,
        .cancel = cancel_of(bucket, call),
    };
    return aws_client_call(arena, &client, &made, response, failure, err);
}

/* The bucket's region, if the failure is about it: as told in the failure, or asked for. */
static const char *other_region(struct arena *arena, struct s3_bucket *bucket, const struct s3_call *call,
                                const char *region, const struct aws_failure *failure) {
    const char *told = failure->region;
    bool about = failure->status == 301 || failure->status == 307 || failure->status == 400 || failure->status == 403;
    if (!about)
        return NULL;
    if (!*told && failure->status == 301 && (call->key || strcmp(call->method, "HEAD") != 0)) {
        struct aws_failure why;
        struct http_response response;
        const struct s3_call look = {.method = "HEAD", .cancel = call->cancel};
        if (!call_once(arena, bucket, &look, region, &response, &why, NULL))
            told = why.region ? why.region : "";
    }
    return *told && strcmp(told, region) != 0 && strlen(told) < REGION_SIZE ? told : NULL;
}

/* A bucket that is not the expected account's is refused in the same words as a permission that lacks. */
static void name_owner(const struct s3_bucket *bucket, const struct aws_failure *failure, struct error *why) {
    if (!bucket->account || strcmp(failure->code, "AccessDenied") != 0)
        return;
    char before[sizeof(why->hint)];
    memcpy(before, why->hint, sizeof(before));
    *why->hint = 0;
    error_hint(why, "the bucket must belong to the account %s%s%s", bucket->account, *before ? "; or " : "", before);
}

bool s3_call(struct arena *arena, struct s3_bucket *bucket, const struct s3_call *call, struct http_response *response,
             struct aws_failure *failure, struct error *err) {
    const char *region = s3_bucket_region(bucket, arena);
    for (int tried = 1;; tried++) {
        struct error why = {0};
        if (call_once(arena, bucket, call, region, response, failure, &why))
            return true;
        const char *told = tried < REGIONS_TRIED ? other_region(arena, bucket, call, region, failure) : NULL;
        if (!told) {
            s3_failure_name(failure, &why);
            name_owner(bucket, failure, &why);
            return error_copy(err, &why);
        }
        region = told;
        set_region(bucket, region);
    }
}

struct aws_xml *s3_document(struct arena *arena, const struct http_response *response, const char *root,
                            struct aws_failure *failure, struct error *err) {
    struct error why = {0};
    struct aws_xml *xml = aws_xml_parse(response->body ? response->body : "", response->body_length, &why);
    const char *name = xml ? aws_xml_name(aws_xml_root(xml)) : "";
    if (xml && strcmp(name, root) == 0)
        return xml;
    if (xml && strcmp(name, "Error") == 0) {
        const struct aws_element *element = aws_xml_root(xml);
        failure->status = response->status;
        failure->code = failure->type = aws_xml_text(arena, element, "Code", "");
        failure->message = aws_xml_text(arena, element, "Message", "");
        error_set(err, ERROR_HTTP, "s3 answered %s: %s", failure->code, failure->message);
        s3_failure_name(failure, err);
        if (err && (strcmp(failure->code, "InternalError") == 0 || strcmp(failure->code, "SlowDown") == 0))
            err->retryable = true;
    } else if (xml) {
        error_set(err, ERROR_INVALID, "the answer is a document \"%.40s\", not \"%s\"", name, root);
    } else {
        error_copy(err, &why);
        error_context(err, "the answer is no document that S3 sends");
    }
    aws_xml_close(xml);
    return NULL;
}

/* ---- calls of the bucket ---- */

bool s3_head_bucket(struct arena *arena, struct s3_bucket *bucket, struct aws_failure *failure, struct error *err) {
    struct http_response response;
    const struct s3_call call = {.method = "HEAD", .action = "s3:ListBucket"};
    if (!s3_call(arena, bucket, &call, &response, failure, err))
        return false;
    const char *region = http_response_header(&response, "x-amz-bucket-region");
    if (region && *region && strlen(region) < REGION_SIZE)
        set_region(bucket, region);
    return true;
}

bool s3_get_bucket_location(struct arena *arena, struct s3_bucket *bucket, const char **region,
                            struct aws_failure *failure, struct error *err) {
    struct http_response response;
    const struct s3_call call = {.method = "GET", .query = "location=", .action = "s3:GetBucketLocation"};
    if (!s3_call(arena, bucket, &call, &response, failure, err))
        return false;
    struct aws_xml *xml = s3_document(arena, &response, "LocationConstraint", failure, err);
    if (!xml)
        return false;
    const char *told = aws_xml_text(arena, aws_xml_root(xml), "", "");
    /* "EU" is what the first buckets of Ireland say. */
    *region = !*told ? "us-east-1" : strcmp(told, "EU") == 0 ? "eu-west-1" : told;
    aws_xml_close(xml);
    return true;
}

bool s3_create_bucket(struct arena *arena, struct s3_bucket *bucket, struct aws_failure *failure, struct error *err) {
    struct http_response response;
    const char *region = s3_bucket_region(bucket, arena);
    struct s3_body body = {.checksum = S3_CHECKSUM_NONE};
    if (strcmp(region, "us-east-1") != 0) {
        body.data = arena_format(arena,
                                 "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                                 "<LocationConstraint>%s</LocationConstraint></CreateBucketConfiguration>",
                                 region);
        body.length = strlen(body.data);
    }
    const struct s3_call call = {.method = "PUT", .body = &body, .action = "s3:CreateBucket"};
    return s3_call(arena, bucket, &call, &response, failure, err);
}

bool s3_presign_get(struct arena *arena, struct s3_bucket *bucket, const char *key, int64_t seconds, char **url,
                    struct error *err) {
    const char *region = s3_bucket_region(bucket, arena);
    const char *endpoint = find_endpoint(arena, bucket, region);
    const char *path = find_path(arena, bucket, key);
    const char *authority = strstr(endpoint, "://") + 3;
    size_t length = strcspn(authority, "/");
    const char *host = arena_text_part(arena, authority, length);
    const char *own_port = bucket->secure ? ":443" : ":80";
    struct http_header header = {
        "Host", text_ends(host, own_port) ? arena_text_part(arena, host, length - strlen(own_port)) : host};
    struct aws_credentials credentials;
    int64_t now = clock_wall_ms(bucket->client.clock);
    if (seconds < 1 || seconds > SIGV4_EXPIRES_MOST)
        return error_set(err, ERROR_INVALID, "an address can be good for 1 to %d seconds", SIGV4_EXPIRES_MOST);
    if (!aws_credentials_get(bucket->client.credentials, arena, now, &credentials, err))
        return false;
    struct sigv4_context context = {.credentials = &credentials,
                                    .region = region,
                                    .service = "s3",
                                    .time_ms = now,
                                    .raw_path = true,
                                    .encode_once = true};
    struct sigv4_request request = {.method = "GET",
                                    .path = arena_format(arena, "%s%s", authority + length, path),
                                    .headers = &header,
                                    .header_count = 1,
                                    .payload_hash = SIGV4_UNSIGNED};
    struct sigv4_signed made;
    if (!sigv4_sign_query(arena, &context, &request, seconds, &made, err))
        return false;
    *url = arena_format(arena, "%s%s?%s", endpoint, path, made.query);
    return true;
}
