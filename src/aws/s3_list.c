/* Pages of objects, of uploads and of parts. */
#include <stdlib.h>
#include <string.h>

#include "aws/s3_parts.h"
#include "base/limits.h"
#include "base/memory.h"

/* ---- values ---- */

static int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* What encoding-type=url made of a key: as in a form, a blank is a '+'. A zero byte, which a C text cannot hold,
 * becomes another control character: either is no part of an allowed key. */
static const char *decode(struct arena *arena, const char *text, bool encoded) {
    char *copy = arena_text(arena, text);
    if (!encoded)
        return copy;
    char *to = copy;
    for (const char *from = copy; *from; to++) {
        int high = from[0] == '%' ? hex_value(from[1]) : -1;
        int low = high >= 0 ? hex_value(from[2]) : -1;
        if (low >= 0) {
            *to = (char)(high << 4 | low);
            *to = (char)(*to ? *to : 1);
            from += 3;
        } else {
            *to = (char)(*from == '+' ? ' ' : *from);
            from++;
        }
    }
    *to = 0;
    return copy;
}

static bool flag_read(struct arena *arena, const struct aws_element *element, const char *name, bool *value,
                      struct error *err) {
    const char *text = aws_xml_text(arena, element, name, "");
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return error_set(err, ERROR_INVALID, "the listing does not say whether it goes on (%s is \"%.20s\")", name,
                         text);
    *value = *text == 't';
    return true;
}

static bool size_read(struct arena *arena, const struct aws_element *element, uint64_t *size, struct error *err) {
    const char *text = aws_xml_text(arena, element, "Size", "");
    return text_to_uint64(text, size) || error_set(err, ERROR_INVALID, "the listing tells \"%.40s\" as a size", text);
}

/* ---- objects ---- */

static bool entry_read(struct arena *arena, const struct aws_element *element, bool encoded, struct s3_entry *entry,
                       struct error *err) {
    const char *key = aws_xml_text(arena, element, "Key", NULL);
    const char *modified = aws_xml_text(arena, element, "LastModified", "");
    if (!key || !*key)
        return error_set(err, ERROR_INVALID, "the listing has an object without a key");
    *entry = (struct s3_entry){.key = decode(arena, key, encoded),
                               .etag = s3_etag(arena, aws_xml_text(arena, element, "ETag", ""))};
    if (!clock_parse_iso(modified, &entry->modified_ms))
        return error_set(err, ERROR_INVALID, "the listing tells \"%.40s\" as a time", modified);
    return size_read(arena, element, &entry->size, err);
}

static size_t count_of(const struct aws_element *root, const char *name) {
    size_t count = 0;
    for (const struct aws_element *at = aws_xml_child(root, name); at; at = aws_xml_next(at))
        count++;
    return count;
}

static bool entries_read(struct arena *arena, const struct aws_element *root, bool encoded, struct s3_page *page,
                         struct error *err) {
    size_t entries = count_of(root, "Contents"), prefixes = count_of(root, "CommonPrefixes");
    page->entries = arena_alloc_array(arena, entries, sizeof(*page->entries));
    page->prefixes = arena_alloc_array(arena, prefixes, sizeof(*page->prefixes));
    for (const struct aws_element *at = aws_xml_child(root, "Contents"); at; at = aws_xml_next(at)) {
        if (!entry_read(arena, at, encoded, &page->entries[page->count], err))
            return false;
        page->count++;
    }
    for (const struct aws_element *at = aws_xml_child(root, "CommonPrefixes"); at; at = aws_xml_next(at)) {
        const char *prefix = aws_xml_text(arena, at, "Prefix", "");
        if (!*prefix)
            return error_set(err, ERROR_INVALID, "the listing has a common prefix without a name");
        page->prefixes[page->prefix_count++] = decode(arena, prefix, encoded);
    }
    return true;
}

static bool document_read(struct arena *arena, const struct aws_element *root, struct s3_page *page,
                          struct error *err) {
    bool encoded = strcmp(aws_xml_text(arena, root, "EncodingType", ""), "url") == 0;
    const char *told = aws_xml_text(arena, root, "KeyCount", NULL);
    struct s3_page made = {.token = aws_xml_text(arena, root, "NextContinuationToken", NULL)};
    uint64_t count = 0;
    if (!entries_read(arena, root, encoded, &made, err) || !flag_read(arena, root, "IsTruncated", &made.truncated, err))
        return false;
    if (told && (!text_to_uint64(told, &count) || count != made.count + made.prefix_count)) {
        return error_set(err, ERROR_INVALID, "the listing tells of %.20s keys, but has %zu", told,
                         made.count + made.prefix_count);
    }
    if (made.truncated && (!made.token || !*made.token))
        return error_set(err, ERROR_INVALID, "the listing goes on, but does not say where");
    if (!made.truncated)
        made.token = NULL;
    *page = made;
    return true;
}

bool s3_page_read(struct arena *arena, const char *text, size_t length, struct s3_page *page, struct error *err) {
    struct aws_failure failure;
    const struct http_response response = {.status = 200, .body = text, .body_length = length};
    struct aws_xml *xml = s3_document(arena, &response, "ListBucketResult", &failure, err);
    bool good = xml && document_read(arena, aws_xml_root(xml), page, err);
    aws_xml_close(xml);
    return good;
}

bool s3_list_objects(struct arena *arena, struct s3_bucket *bucket, const struct s3_list *list, struct s3_page *page,
                     struct aws_failure *failure, struct error *err) {
    struct http_response response;
    struct text query TEXT_SCOPED;
    text_open(&query, 64 * KIB);
    if (list->token)
        text_append_format(&query, "%s&", s3_query(arena, "continuation-token", list->token));
    if (list->delimiter)
        text_append_format(&query, "%s&", s3_query(arena, "delimiter", list->delimiter));
    text_append_format(&query, "encoding-type=url&list-type=2&max-keys=%u&%s", list->most ? list->most : S3_KEYS_MOST,
                       s3_query(arena, "prefix", list->prefix));
    if (list->start_after && !list->token)
        text_append_format(&query, "&%s", s3_query(arena, "start-after", list->start_after));
    if (query.overflow)
        return error_set(err, ERROR_INVALID, "the listing's token is too long");
    const struct s3_call call = {
        .method = "GET", .action = "s3:ListBucket", .query = query.data, .cancel = list->cancel};
    if (!s3_call(arena, bucket, &call, &response, failure, err))
        return false;
    struct aws_xml *xml = s3_document(arena, &response, "ListBucketResult", failure, err);
    bool good = xml && document_read(arena, aws_xml_root(xml), page, err);
    aws_xml_close(xml);
    return good;
}

/* ---- uploads ---- */

struct marker {
    const char *key;
    const char *id;
};

static bool uploads_read(struct arena *arena, const struct aws_element *root, s3_upload_visit *visit, void *to,
                         struct error *err) {
    bool encoded = strcmp(aws_xml_text(arena, root, "EncodingType", ""), "url") == 0;
    for (const struct aws_element *at = aws_xml_child(root, "Upload"); at; at = aws_xml_next(at)) {
        struct s3_upload upload = {.key = decode(arena, aws_xml_text(arena, at, "Key", ""), encoded),
                                   .id = aws_xml_text(arena, at, "UploadId", ""),
                                   .algorithm = aws_xml_text(arena, at, "ChecksumAlgorithm", "")};
        const char *begun = aws_xml_text(arena, at, "Initiated", "");
        if (!*upload.key || !*upload.id || !clock_parse_iso(begun, &upload.begun_ms))
            return error_set(err, ERROR_INVALID, "the listing has an upload without key, id or time");
        if (!visit(to, &upload, err))
            return false;
    }
    return true;
}

/* One page; *more with the next page's *marker, in `arena`. */
static bool uploads_page(struct arena *arena, struct s3_bucket *bucket, const char *prefix, struct marker *marker,
                         bool *more, s3_upload_visit *visit, void *to, struct aws_failure *failure, struct error *err) {
    struct http_response response;
    const char *from = marker->key ? arena_format(arena, "&%s", s3_query(arena, "key-marker", marker->key)) : "";
    const char *at = marker->id ? arena_format(arena, "&%s", s3_query(arena, "upload-id-marker", marker->id)) : "";
    const struct s3_call call = {.method = "GET",
                                 .action = "s3:ListBucketMultipartUploads",
                                 .query = arena_format(arena, "encoding-type=url%s&max-uploads=%d&%s%s&uploads=", from,
                                                       S3_KEYS_MOST, s3_query(arena, "prefix", prefix), at)};
    if (!s3_call(arena, bucket, &call, &response, failure, err))
        return false;
    struct aws_xml *xml = s3_document(arena, &response, "ListMultipartUploadsResult", failure, err);
    if (!xml)
        return false;
    const struct aws_element *root = aws_xml_root(xml);
    bool encoded = strcmp(aws_xml_text(arena, root, "EncodingType", ""), "url") == 0;
    bool good = uploads_read(arena, root, visit, to, err) && flag_read(arena, root, "IsTruncated", more, err);
    if (good && *more) {
        struct marker next = {decode(arena, aws_xml_text(arena, root, "NextKeyMarker", ""), encoded),
                              aws_xml_text(arena, root, "NextUploadIdMarker", "")};
        if (!*next.key || (marker->key && strcmp(next.key, marker->key) == 0 && text_equal(next.id, marker->id)))
            good = error_set(err, ERROR_INVALID, "the listing of uploads does not come forward");
        *marker = next;
    }
    aws_xml_close(xml);
    return good;
}

bool s3_list_uploads(struct s3_bucket *bucket, const char *prefix, s3_upload_visit *visit, void *to,
                     struct aws_failure *failure, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    TEXT_OWNED char *key = NULL;
    TEXT_OWNED char *id = NULL;
    bool more = true, good = true;
    while (good && more) {
        struct marker marker = {key, id};
        good = uploads_page(arena, bucket, prefix, &marker, &more, visit, to, failure, err);
        if (good && more) {
            char *next_key = memory_text(marker.key), *next_id = memory_text(*marker.id ? marker.id : NULL);
            free(key);
            free(id);
            key = next_key;
            id = next_id;
        }
        if (good)
            arena_reset(arena);
    }
    /* Its texts go with the arena. */
    if (!good)
        *failure = (struct aws_failure){.status = failure->status,
                                        .type = "",
                                        .code = "",
                                        .message = "",
                                        .request_id = "",
                                        .region = "",
                                        .endpoint = "",
                                        .body = ""};
    return good;
}

/* ---- parts ---- */

static bool part_read(struct arena *arena, const struct aws_element *element, enum s3_checksum checksum,
                      struct s3_part *part, struct error *err) {
    uint64_t number = 0;
    const char *text = aws_xml_text(arena, element, "PartNumber", "");
    if (!text_to_uint64(text, &number) || number < 1 || number > S3_PARTS_MOST)
        return error_set(err, ERROR_INVALID, "the listing tells \"%.20s\" as the number of a part", text);
    *part =
        (struct s3_part){.number = (unsigned)number, .etag = s3_etag(arena, aws_xml_text(arena, element, "ETag", ""))};
    if (checksum != S3_CHECKSUM_NONE) {
        part->checksum =
            aws_xml_text(arena, element, arena_format(arena, "Checksum%s", s3_checksum_name(checksum)), NULL);
    }
    return size_read(arena, element, &part->size, err);
}

static bool parts_read(struct arena *arena, const struct aws_element *root, enum s3_checksum checksum,
                       struct s3_parts *parts, size_t *capacity, bool *more, struct error *err) {
    size_t before = parts->count;
    parts->algorithm = aws_xml_text(arena, root, "ChecksumAlgorithm", "");
    for (const struct aws_element *at = aws_xml_child(root, "Part"); at; at = aws_xml_next(at)) {
        struct s3_part part = {0};
        if (!part_read(arena, at, checksum, &part, err))
            return false;
        if (parts->count && part.number <= parts->list[parts->count - 1].number)
            return error_set(err, ERROR_INVALID, "the listing of parts goes backwards");
        parts->list = arena_grow(arena, parts->list, parts->count, capacity, sizeof(*parts->list));
        parts->list[parts->count++] = part;
    }
    if (!flag_read(arena, root, "IsTruncated", more, err))
        return false;
    return !*more || parts->count > before ||
           error_set(err, ERROR_INVALID, "the listing of parts does not come forward");
}

bool s3_list_parts(struct arena *arena, struct s3_bucket *bucket, const char *key, const char *id,
                   enum s3_checksum checksum, struct s3_parts *parts, struct aws_failure *failure, struct error *err) {
    struct s3_parts made = {.algorithm = ""};
    size_t capacity = 0;
    for (bool more = true; more;) {
        struct http_response response;
        unsigned marker = made.count ? made.list[made.count - 1].number : 0;
        const struct s3_call call = {.method = "GET",
                                     .action = "s3:ListMultipartUploadParts",
                                     .key = key,
                                     .query = arena_format(arena, "max-parts=%d&part-number-marker=%u&%s", S3_KEYS_MOST,
                                                           marker, s3_query(arena, "uploadId", id))};
        if (!s3_call(arena, bucket, &call, &response, failure, err))
            return false;
        struct aws_xml *xml = s3_document(arena, &response, "ListPartsResult", failure, err);
        bool good = xml && parts_read(arena, aws_xml_root(xml), checksum, &made, &capacity, &more, err);
        aws_xml_close(xml);
        if (!good)
            return false;
    }
    *parts = made;
    return true;
}
