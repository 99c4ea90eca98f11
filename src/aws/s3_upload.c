/* Uploads in parts. */
#include <string.h>

#include "aws/s3_parts.h"
#include "base/limits.h"

bool s3_create_upload(struct arena *arena, struct s3_bucket *bucket, const char *key,
                      const struct s3_attributes *attributes, enum s3_checksum checksum, const char **id,
                      struct aws_failure *failure, struct error *err) {
    struct http_response response;
    struct s3_headers headers = {.count = 0};
    s3_header_attributes(&headers, attributes);
    if (checksum != S3_CHECKSUM_NONE)
        s3_header(&headers, "x-amz-checksum-algorithm", s3_checksum_name(checksum));
    const struct s3_call call = {.method = "POST",
                                 .action = "s3:PutObject",
                                 .key = key,
                                 .query = "uploads=",
                                 .headers = headers.list,
                                 .header_count = headers.count};
    if (!s3_call(arena, bucket, &call, &response, failure, err))
        return false;
    struct aws_xml *xml = s3_document(arena, &response, "InitiateMultipartUploadResult", failure, err);
    const char *told = xml ? aws_xml_text(arena, aws_xml_root(xml), "UploadId", "") : "";
    bool good = xml != NULL;
    if (good && !*told)
        good = error_set(err, ERROR_INVALID, "the service began an upload without an id");
    if (good)
        *id = told;
    aws_xml_close(xml);
    return good;
}

bool s3_upload_part(struct arena *arena, struct s3_bucket *bucket, const char *key, const char *id, unsigned number,
                    const struct s3_body *body, const struct cancel *cancel, struct s3_stored *stored,
                    struct aws_failure *failure, struct error *err) {
    struct http_response response;
    const struct s3_call call = {.method = "PUT",
                                 .action = "s3:PutObject",
                                 .key = key,
                                 .query =
                                     arena_format(arena, "partNumber=%u&%s", number, s3_query(arena, "uploadId", id)),
                                 .body = body,
                                 .cancel = cancel};
    if (!s3_call(arena, bucket, &call, &response, failure, err))
        return false;
    s3_stored_read(arena, &response, body->checksum, stored);
    return true;
}

bool s3_upload_part_copy(struct arena *arena, struct s3_bucket *bucket, const char *from_bucket, const char *from,
                         const char *if_match, uint64_t first, uint64_t length, const char *key, const char *id,
                         unsigned number, struct s3_stored *stored, struct aws_failure *failure, struct error *err) {
    struct http_response response;
    struct s3_headers headers = {.count = 0};
    s3_header(&headers, "x-amz-copy-source", arena_format(arena, "/%s/%s", from_bucket, s3_escape_key(arena, from)));
    s3_header(
        &headers, "x-amz-copy-source-range",
        arena_format(arena, "bytes=%llu-%llu", (unsigned long long)first, (unsigned long long)(first + length - 1)));
    s3_header_quoted(&headers, arena, "x-amz-copy-source-if-match", if_match);
    const struct s3_call call = {.method = "PUT",
                                 .action = "s3:PutObject",
                                 .key = key,
                                 .query =
                                     arena_format(arena, "partNumber=%u&%s", number, s3_query(arena, "uploadId", id)),
                                 .headers = headers.list,
                                 .header_count = headers.count,
                                 .may_stop = true,
                                 .error_in_ok = true};
    if (!s3_call(arena, bucket, &call, &response, failure, err))
        return false;
    struct aws_xml *xml = s3_document(arena, &response, "CopyPartResult", failure, err);
    if (!xml)
        return false;
    s3_stored_read(arena, &response, S3_CHECKSUM_NONE, stored);
    stored->etag = s3_etag(arena, aws_xml_text(arena, aws_xml_root(xml), "ETag", ""));
    aws_xml_close(xml);
    return true;
}

static void completion_document(struct text *text, const struct s3_part *parts, size_t count,
                                enum s3_checksum checksum) {
    const char *name = s3_checksum_name(checksum);
    text_append(text, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (size_t i = 0; i < count; i++) {
        text_append(text, "<Part>");
        if (checksum != S3_CHECKSUM_NONE && parts[i].checksum) {
            text_append_format(text, "<Checksum%s>", name);
            text_append_xml(text, parts[i].checksum);
            text_append_format(text, "</Checksum%s>", name);
        }
        text_append(text, "<ETag>&quot;");
        text_append_xml(text, parts[i].etag);
        text_append_format(text, "&quot;</ETag><PartNumber>%u</PartNumber></Part>", parts[i].number);
    }
    text_append(text, "</CompleteMultipartUpload>");
}

bool s3_complete_upload(struct arena *arena, struct s3_bucket *bucket, const char *key, const char *id,
                        const struct s3_part *parts, size_t count, enum s3_checksum checksum,
                        const struct s3_condition *condition, const struct cancel *cancel, struct s3_stored *stored,
                        struct aws_failure *failure, struct error *err) {
    struct text text TEXT_SCOPED;
    struct http_response response;
    struct s3_headers headers = {.count = 0};
    text_open(&text, 8 * MIB);
    completion_document(&text, parts, count, checksum);
    if (text.overflow)
        return error_set(err, ERROR_LIMIT, "the upload has too many parts");
    s3_header(&headers, "Content-Type", "application/xml");
    s3_header_condition(&headers, arena, condition);
    struct s3_body body = {.data = text.data, .length = text.length, .checksum = S3_CHECKSUM_NONE};
    const struct s3_call call = {.method = "POST",
                                 .action = "s3:PutObject",
                                 .key = key,
                                 .query = s3_query(arena, "uploadId", id),
                                 .headers = headers.list,
                                 .header_count = headers.count,
                                 .body = &body,
                                 .error_in_ok = true,
                                 .cancel = cancel};
    if (!s3_call(arena, bucket, &call, &response, failure, err))
        return false;
    struct aws_xml *xml = s3_document(arena, &response, "CompleteMultipartUploadResult", failure, err);
    if (!xml)
        return false;
    s3_stored_read(arena, &response, S3_CHECKSUM_NONE, stored);
    stored->etag = s3_etag(arena, aws_xml_text(arena, aws_xml_root(xml), "ETag", ""));
    aws_xml_close(xml);
    return true;
}

bool s3_abort_upload(struct arena *arena, struct s3_bucket *bucket, const char *key, const char *id,
                     struct aws_failure *failure, struct error *err) {
    struct http_response response;
    struct error why = {0};
    const struct s3_call call = {
        .method = "DELETE", .action = "s3:AbortMultipartUpload", .key = key, .query = s3_query(arena, "uploadId", id)};
    if (s3_call(arena, bucket, &call, &response, failure, &why) || why.code == ERROR_ABSENT)
        return true;
    return error_copy(err, &why);
}
