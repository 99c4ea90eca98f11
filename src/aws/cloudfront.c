#include "aws/cloudfront.h"

#include <string.h>

#include "aws/client_parts.h"
#include "aws/query_client.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

#define VERSION "2020-05-31"
#define NAMESPACE "http://cloudfront.amazonaws.com/doc/" VERSION "/"

static const char *escaped(struct arena *arena, const char *text) {
    struct text out TEXT_SCOPED;
    text_open(&out, 4096);
    text_append_percent(&out, text, NULL);
    return arena_text(arena, text_value(&out));
}

/* As the service has them: RFC 1738's unsafe characters escaped, and what is no ASCII. */
static bool append_path(struct text *body, const char *path, struct error *err) {
    static const char *const safe = "/!$&'()*+,-.:;=@_";
    struct text escape TEXT_SCOPED;
    text_open(&escape, (size_t)CLOUDFRONT_PATH_BYTES);
    if (*path != '/')
        return error_set(err, ERROR_INVALID, "the path \"%.100s\" does not begin with a slash", path);
    for (const char *at = path; *at; at++) {
        const char one[2] = {*at, 0};
        if (*at == '~')
            text_append(&escape, "%7E");
        else
            text_append_percent(&escape, one, safe);
    }
    if (escape.overflow)
        return error_set(err, ERROR_LIMIT, "the path \"%.100s...\" is longer than %d bytes", path,
                         CLOUDFRONT_PATH_BYTES);
    text_append(body, "<Path>");
    text_append_xml(body, text_value(&escape));
    text_append(body, "</Path>");
    return true;
}

static bool write_batch(struct text *body, const char *caller_reference, const char *const *paths, size_t count,
                        struct error *err) {
    size_t wildcards = 0;
    for (size_t i = 0; i < count; i++)
        wildcards += text_ends(paths[i], "*");
    if (!count || count > CLOUDFRONT_PATHS_MOST)
        return error_set(err, ERROR_LIMIT, "%zu paths; an invalidation has 1 to %d", count, CLOUDFRONT_PATHS_MOST);
    if (wildcards > CLOUDFRONT_WILDCARDS_MOST)
        return error_set(err, ERROR_LIMIT, "%zu paths that end in a star; at most %d are allowed", wildcards,
                         CLOUDFRONT_WILDCARDS_MOST);
    text_append_format(body, "<InvalidationBatch xmlns=\"%s\"><Paths><Quantity>%zu</Quantity><Items>", NAMESPACE,
                       count);
    for (size_t i = 0; i < count; i++) {
        if (!append_path(body, paths[i], err))
            return false;
    }
    text_append(body, "</Items></Paths><CallerReference>");
    text_append_xml(body, caller_reference);
    text_append(body, "</CallerReference></InvalidationBatch>");
    return !body->overflow || error_set(err, ERROR_LIMIT, "the paths are larger than %zu bytes", body->ceiling);
}

/* The answer's document with the root `name`; the caller closes it. */
static struct aws_xml *call(struct arena *arena, const struct aws_client *client, const struct aws_call *plain,
                            const char *name, struct aws_failure *failure, struct error *err) {
    struct http_response response;
    if (!aws_client_call(arena, client, plain, &response, failure, err))
        return NULL;
    struct aws_xml *xml = aws_xml_parse(response.body, response.body_length, err);
    if (!xml || strcmp(aws_xml_name(aws_xml_root(xml)), name) == 0)
        return xml;
    error_set(err, ERROR_INVALID, "cloudfront: the answer is no %s", name);
    aws_xml_close(xml);
    return NULL;
}

static bool ask_invalidation(struct arena *arena, const struct aws_client *client, const struct aws_call *plain,
                             struct cloudfront_invalidation *found, struct aws_failure *failure, struct error *err) {
    struct aws_xml *xml = call(arena, client, plain, "Invalidation", failure, err);
    if (!xml)
        return false;
    const struct aws_element *root = aws_xml_root(xml);
    struct cloudfront_invalidation told = {aws_xml_text(arena, root, "Id", ""),
                                           aws_xml_text(arena, root, "Status", "")};
    aws_xml_close(xml);
    if (!*told.id)
        return error_set(err, ERROR_INVALID, "cloudfront: the answer names no invalidation");
    *found = told;
    return true;
}

bool cloudfront_create_invalidation(struct arena *arena, const struct aws_client *client, const char *distribution,
                                    const char *caller_reference, const char *const *paths, size_t count,
                                    struct cloudfront_invalidation *made, struct aws_failure *failure,
                                    struct error *err) {
    struct text body TEXT_SCOPED;
    text_open(&body, LIMIT_AWS_XML_BYTES);
    aws_failure_none(failure);
    if (!write_batch(&body, caller_reference, paths, count, err))
        return error_context(err, "distribution %s", distribution);
    const struct http_header headers[] = {{"Content-Type", "application/xml"}};
    /* The reference makes a second request of the same thing the first one. */
    struct aws_call plain = {
        .method = "POST",
        .path = arena_format(arena, "/" VERSION "/distribution/%s/invalidation", escaped(arena, distribution)),
        .headers = headers,
        .header_count = ARRAY_LENGTH(headers),
        .body = text_value(&body),
        .body_length = body.length,
        .action = "cloudfront:CreateInvalidation",
    };
    return ask_invalidation(arena, client, &plain, made, failure, err) ||
           error_context(err, "distribution %s", distribution);
}

bool cloudfront_get_invalidation(struct arena *arena, const struct aws_client *client, const char *distribution,
                                 const char *id, struct cloudfront_invalidation *found, struct aws_failure *failure,
                                 struct error *err) {
    struct aws_call plain = {
        .method = "GET",
        .path = arena_format(arena, "/" VERSION "/distribution/%s/invalidation/%s", escaped(arena, distribution),
                             escaped(arena, id)),
        .action = "cloudfront:GetInvalidation",
    };
    return ask_invalidation(arena, client, &plain, found, failure, err) ||
           error_context(err, "distribution %s, invalidation %s", distribution, id);
}

bool cloudfront_get_distribution(struct arena *arena, const struct aws_client *client, const char *distribution,
                                 const char **domain, struct aws_failure *failure, struct error *err) {
    struct aws_call plain = {
        .method = "GET",
        .path = arena_format(arena, "/" VERSION "/distribution/%s", escaped(arena, distribution)),
        .action = "cloudfront:GetDistribution",
    };
    struct aws_xml *xml = call(arena, client, &plain, "Distribution", failure, err);
    if (!xml)
        return error_context(err, "distribution %s", distribution);
    const struct aws_element *root = aws_xml_root(xml);
    const char *own = aws_xml_text(arena, root, "DomainName", "");
    const char *alias = aws_xml_text(arena, root, "DistributionConfig/Aliases/Items/CNAME", "");
    aws_xml_close(xml);
    *domain = *alias ? alias : own;
    return true;
}
