/* Calls that read, write, remove and copy single objects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/s3_parts.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/memory.h"

int64_t s3_http_date(const char *text) {
    /* Read as Retry-After against the year 1970, a date is its own time; a number is none here. */
    int64_t date_ms = text && strchr(text, ',') ? http_retry_after_ms(text, 0) : 0;
    return date_ms > 0 ? date_ms : 0;
}

const char *s3_etag(struct arena *arena, const char *value) {
    if (!value)
        return "";
    if (text_starts(value, "W/"))
        value += 2;
    size_t length = strlen(value);
    if (length >= 2 && value[0] == '"' && value[length - 1] == '"')
        return arena_text_part(arena, value + 1, length - 2);
    return arena_text(arena, value);
}

static const char *encryption_of(const struct http_response *response) {
    if (http_response_header(response, "x-amz-server-side-encryption-customer-algorithm"))
        return "SSE-C";
    const char *told = http_response_header(response, "x-amz-server-side-encryption");
    return told ? told : "";
}

void s3_stored_read(struct arena *arena, const struct http_response *response, enum s3_checksum checksum,
                    struct s3_stored *stored) {
    const char *header = s3_checksum_header(checksum);
    const char *told = header ? http_response_header(response, header) : NULL;
    *stored = (struct s3_stored){.etag = s3_etag(arena, http_response_header(response, "etag")),
                                 .encryption = encryption_of(response),
                                 .checksum = told ? told : "",
                                 .date_ms = s3_http_date(http_response_header(response, "date"))};
}

void s3_header_attributes(struct s3_headers *headers, const struct s3_attributes *attributes) {
    if (!attributes)
        return;
    if (attributes->replace)
        s3_header(headers, "x-amz-metadata-directive", "REPLACE");
    s3_header(headers, "Content-Type", attributes->content_type);
    s3_header(headers, "Cache-Control", attributes->cache_control);
    s3_header(headers, "x-amz-storage-class", attributes->storage_class);
    s3_header(headers, "x-amz-server-side-encryption", attributes->encryption);
    s3_header(headers, "x-amz-server-side-encryption-aws-kms-key-id", attributes->kms_key);
    s3_header(headers, "x-amz-tagging", attributes->tags);
    s3_header(headers, "x-amz-acl", attributes->acl);
    s3_header(headers, "x-amz-meta-mtime", attributes->mtime);
    s3_header(headers, "x-amz-meta-put", attributes->put_id);
}

void s3_header_condition(struct s3_headers *headers, struct arena *arena, const struct s3_condition *condition) {
    if (!condition)
        return;
    if (condition->if_absent)
        s3_header(headers, "If-None-Match", "*");
    s3_header_quoted(headers, arena, "If-Match", condition->if_match);
}

/* ---- reading ---- */

/* "bytes 5-9/1234" (RFC 9110 section 14.4). */
static bool range_read(struct arena *arena, const char *text, uint64_t *first, uint64_t *last, uint64_t *size) {
    char *at = arena_text(arena, text && text_starts(text, "bytes ") ? text + strlen("bytes ") : "");
    const char *from = strsep(&at, "-"), *to = at ? strsep(&at, "/") : NULL;
    uint64_t a = 0, b = 0, all = 0;
    if (!to || !at || !text_to_uint64(from, &a) || !text_to_uint64(to, &b) || !text_to_uint64(at, &all) || a > b ||
        b >= all)
        return false;
    *first = a;
    *last = b;
    *size = all;
    return true;
}

static bool object_read(struct arena *arena, const struct http_response *response, struct s3_object *object,
                        struct error *err) {
    const char *length = http_response_header(response, "content-length");
    const char *type = http_response_header(response, "x-amz-checksum-type");
    const char *class = http_response_header(response, "x-amz-storage-class");
    *object = (struct s3_object){.etag = s3_etag(arena, http_response_header(response, "etag")),
                                 .modified_ms = s3_http_date(http_response_header(response, "last-modified")),
                                 .encryption = encryption_of(response),
                                 .storage_class = class ? class : "",
                                 .content_type = http_response_header(response, "content-type"),
                                 .cache_control = http_response_header(response, "cache-control"),
                                 .mtime = http_response_header(response, "x-amz-meta-mtime"),
                                 .put_id = http_response_header(response, "x-amz-meta-put"),
                                 .composite = type && strcmp(type, "COMPOSITE") == 0,
                                 .partial = response->status == 206};
    for (unsigned i = 0; i < S3_CHECKSUM_COUNT; i++) {
        object->checksums[i] = http_response_header(response, s3_checksum_header(i));
        bool of_parts = object->checksums[i] && strchr(object->checksums[i], '-');
        object->composite = object->composite || of_parts;
        /* Of a multipart object it may be either, when nobody says which. */
        if (!type && !of_parts && strchr(object->etag, '-'))
            object->checksums[i] = NULL;
    }
    uint64_t announced = 0;
    if (!length || !text_to_uint64(length, &announced))
        return error_set(err, ERROR_INVALID, "the answer tells no length");
    object->size = announced;
    return true;
}

bool s3_head_object(struct arena *arena, struct s3_bucket *bucket, const char *key, unsigned part,
                    const struct cancel *cancel, struct s3_object *object, struct aws_failure *failure,
                    struct error *err) {
    struct http_response response;
    struct s3_headers headers = {.count = 0};
    s3_header(&headers, "x-amz-checksum-mode", "ENABLED");
    const struct s3_call call = {.method = "HEAD",
                                 .action = "s3:GetObject",
                                 .key = key,
                                 .query = part ? arena_format(arena, "partNumber=%u", part) : NULL,
                                 .headers = headers.list,
                                 .header_count = headers.count,
                                 .cancel = cancel};
    if (!s3_call(arena, bucket, &call, &response, failure, err) || !object_read(arena, &response, object, err))
        return false;
    /* Of a part some tell the length only so. */
    uint64_t first = 0, last = 0, all = 0;
    if (part && range_read(arena, http_response_header(&response, "content-range"), &first, &last, &all))
        object->size = last - first + 1;
    return true;
}

struct reading {
    struct arena *arena;
    const struct s3_get *get;
};

static bool get_begin(void *to, const struct http_response *response, struct error *err) {
    struct reading *reading = to;
    struct s3_object object;
    if (!object_read(reading->arena, response, &object, err)) {
        /* Without a length nobody can say whether it came whole; a proxy in between has no such answer each time. */
        if (err)
            err->retryable = true;
        return false;
    }
    uint64_t last = 0;
    if (object.partial && !range_read(reading->arena, http_response_header(response, "content-range"), &object.first,
                                      &last, &object.size))
        return error_set(err, ERROR_INVALID, "the answer tells no range");
    return reading->get->begin(reading->get->to, &object, err);
}

static bool get_piece(void *to, const void *data, size_t length, struct error *err) {
    struct reading *reading = to;
    return reading->get->piece(reading->get->to, data, length, err);
}

bool s3_get_object(struct arena *arena, struct s3_bucket *bucket, const char *key, const struct s3_get *get,
                   struct aws_failure *failure, struct error *err) {
    struct http_response response;
    struct s3_headers headers = {.count = 0};
    struct reading reading = {.arena = arena, .get = get};
    struct http_sink sink = {.begin = get_begin, .piece = get_piece, .to = &reading};
    uint64_t last = get->length > UINT64_MAX - 1 - get->from ? UINT64_MAX : get->from + get->length - 1;
    if (last != UINT64_MAX)
        s3_header(&headers, "Range",
                  arena_format(arena, "bytes=%llu-%llu", (unsigned long long)get->from, (unsigned long long)last));
    else if (get->from)
        s3_header(&headers, "Range", arena_format(arena, "bytes=%llu-", (unsigned long long)get->from));
    else
        s3_header(&headers, "x-amz-checksum-mode", "ENABLED");
    s3_header_quoted(&headers, arena, "If-Match", get->if_match);
    const struct s3_call call = {.method = "GET",
                                 .action = "s3:GetObject",
                                 .key = key,
                                 .headers = headers.list,
                                 .header_count = headers.count,
                                 .sink = &sink,
                                 .cancel = get->cancel,
                                 .largest_body = UINT64_MAX};
    return s3_call(arena, bucket, &call, &response, failure, err);
}

/* ---- writing ---- */

bool s3_put_object(struct arena *arena, struct s3_bucket *bucket, const char *key,
                   const struct s3_attributes *attributes, const struct s3_body *body,
                   const struct s3_condition *condition, const struct cancel *cancel, struct s3_stored *stored,
                   struct aws_failure *failure, struct error *err) {
    struct http_response response;
    struct s3_headers headers = {.count = 0};
    s3_header_attributes(&headers, attributes);
    s3_header_condition(&headers, arena, condition);
    const struct s3_call call = {.method = "PUT",
                                 .action = "s3:PutObject",
                                 .key = key,
                                 .headers = headers.list,
                                 .header_count = headers.count,
                                 .body = body,
                                 .cancel = cancel};
    if (!s3_call(arena, bucket, &call, &response, failure, err))
        return false;
    s3_stored_read(arena, &response, body->checksum, stored);
    return true;
}

bool s3_delete_object(struct arena *arena, struct s3_bucket *bucket, const char *key, struct aws_failure *failure,
                      struct error *err) {
    struct http_response response;
    struct error why = {0};
    const struct s3_call call = {.method = "DELETE", .action = "s3:DeleteObject", .key = key};
    if (s3_call(arena, bucket, &call, &response, failure, &why) || why.code == ERROR_ABSENT)
        return true;
    return error_copy(err, &why);
}

/* ---- removing many ---- */

struct removal_order {
    const char *key;
    size_t at;
    bool told;
};

static int compare_keys(const void *left, const void *right) {
    return strcmp(((const struct removal_order *)left)->key, ((const struct removal_order *)right)->key);
}

/* The document of the request ("DeleteObjects"). Silence is not taken for success: each key is to be answered for. */
static bool removal_document(struct text *text, const char *const *keys, size_t count, struct error *err) {
    text_append(text, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>false</Quiet>");
    for (size_t i = 0; i < count; i++) {
        text_append(text, "<Object><Key>");
        text_append_xml(text, keys[i]);
        text_append(text, "</Key></Object>");
    }
    text_append(text, "</Delete>");
    return !text->overflow || error_set(err, ERROR_LIMIT, "the keys to be removed are too long");
}

/* The entry of a key that the answer is about; of a key that was asked for twice, each in turn. */
static struct removal_order *find_order(struct removal_order *order, size_t count, const char *key) {
    struct removal_order wanted = {.key = key};
    struct removal_order *found = bsearch(&wanted, order, count, sizeof(*order), compare_keys);
    while (found && found > order && strcmp(found[-1].key, key) == 0)
        found--;
    while (found && found->told && found + 1 < order + count && strcmp(found[1].key, key) == 0)
        found++;
    return found;
}

static bool removals_read(struct arena *arena, const struct aws_element *root, const char *const *keys, size_t count,
                          struct s3_removal *removals, struct error *err) {
    static const char *const kinds[] = {"Deleted", "Error"};
    struct removal_order *order = arena_alloc_array(arena, count, sizeof(*order));
    for (size_t i = 0; i < count; i++)
        order[i] = (struct removal_order){.key = keys[i], .at = i};
    qsort(order, count, sizeof(*order), compare_keys);
    for (size_t kind = 0; kind < ARRAY_LENGTH(kinds); kind++) {
        for (const struct aws_element *at = aws_xml_child(root, kinds[kind]); at; at = aws_xml_next(at)) {
            const char *key = aws_xml_text(arena, at, "Key", "");
            struct removal_order *found = find_order(order, count, key);
            if (!found)
                return error_set(err, ERROR_INVALID, "the answer is about \"%.200s\", which was not asked for", key);
            found->told = true;
            if (kind)
                removals[found->at] = (struct s3_removal){.code = aws_xml_text(arena, at, "Code", "unknown"),
                                                          .message = aws_xml_text(arena, at, "Message", "")};
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!order[i].told)
            removals[order[i].at] = (struct s3_removal){"InternalError", "the service says nothing about it"};
    }
    return true;
}

bool s3_delete_objects(struct arena *arena, struct s3_bucket *bucket, const char *const *keys, size_t count,
                       struct s3_removal *removals, struct aws_failure *failure, struct error *err) {
    struct text text TEXT_SCOPED;
    struct http_response response;
    char hex[HASH_TEXT_SIZE], md5[32];
    text_open(&text, 8 * MIB);
    memset(removals, 0, count * sizeof(*removals));
    if (!removal_document(&text, keys, count, err))
        return false;
    hash_text(HASH_MD5, text.data, text.length, hex);
    struct s3_body body = {
        .data = text.data, .length = text.length, .checksum = S3_CHECKSUM_NONE, .md5 = s3_base64_of_hex(hex, md5)};
    struct http_header type = {"Content-Type", "application/xml"};
    const struct s3_call call = {.method = "POST",
                                 .action = "s3:DeleteObject",
                                 .query = "delete=",
                                 .headers = &type,
                                 .header_count = 1,
                                 .body = &body,
                                 .may_stop = true};
    if (!s3_call(arena, bucket, &call, &response, failure, err))
        return false;
    struct aws_xml *xml = s3_document(arena, &response, "DeleteResult", failure, err);
    bool good = xml && removals_read(arena, aws_xml_root(xml), keys, count, removals, err);
    aws_xml_close(xml);
    return good;
}

/* ---- copying ---- */

bool s3_copy_object(struct arena *arena, struct s3_bucket *bucket, const char *from_bucket, const char *from,
                    const char *if_match, const char *key, const struct s3_attributes *attributes,
                    struct s3_stored *stored, struct aws_failure *failure, struct error *err) {
    struct http_response response;
    struct s3_headers headers = {.count = 0};
    s3_header(&headers, "x-amz-copy-source", arena_format(arena, "/%s/%s", from_bucket, s3_escape_key(arena, from)));
    s3_header_quoted(&headers, arena, "x-amz-copy-source-if-match", if_match);
    s3_header_attributes(&headers, attributes);
    const struct s3_call call = {.method = "PUT",
                                 .action = "s3:PutObject",
                                 .key = key,
                                 .headers = headers.list,
                                 .header_count = headers.count,
                                 .may_stop = true,
                                 .error_in_ok = true};
    if (!s3_call(arena, bucket, &call, &response, failure, err))
        return false;
    struct aws_xml *xml = s3_document(arena, &response, "CopyObjectResult", failure, err);
    if (!xml)
        return false;
    s3_stored_read(arena, &response, S3_CHECKSUM_NONE, stored);
    stored->etag = s3_etag(arena, aws_xml_text(arena, aws_xml_root(xml), "ETag", ""));
    aws_xml_close(xml);
    return true;
}
