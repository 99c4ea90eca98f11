/* Where services are ("AWS service endpoints", AWS General Reference; "Endpoints and ARNs for AWS in China"). */
#include <string.h>
#include <strings.h>

#include "aws/client_parts.h"
#include "base/memory.h"
#include "base/text.h"

/* Regions belong to partitions, which have domains of their own. The last row is all the rest. */
static const struct partition {
    const char *prefix, *domain;
} partitions[] = {
    {"cn-", "amazonaws.com.cn"}, {"us-iso-", "c2s.ic.gov"}, {"us-isob-", "sc2s.sgov.gov"},
    {"eusc-", "amazonaws.eu"},   {"", "amazonaws.com"},
};

/* Services that are at one place for a whole partition: host, and the region that they are signed for. */
static const struct {
    const char *service, *prefix, *host, *region;
} global_places[] = {
    {"cloudfront", "cn-", "cloudfront.cn-northwest-1.amazonaws.com.cn", "cn-northwest-1"},
    {"cloudfront", "", "cloudfront.amazonaws.com", "us-east-1"},
    {"iam", "cn-", "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"},
    {"iam", "us-gov-", "iam.us-gov.amazonaws.com", "us-gov-west-1"},
    {"iam", "", "iam.amazonaws.com", "us-east-1"},
    {"sts", "aws-global", "sts.amazonaws.com", "us-east-1"},
};

bool aws_region_valid(const char *region) {
    size_t length = region ? strlen(region) : 0;
    return length > 0 && length <= 63 &&
           strspn(region, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == length;
}

const char *aws_domain(const char *region) {
    const struct partition *row = partitions;
    while (!text_starts(region, row->prefix))
        row++;
    return row->domain;
}

static bool find_own(struct arena *arena, const struct aws_client *client, struct aws_place *place, struct error *err) {
    if (!client->region || !aws_region_valid(client->region)) {
        error_set(err, ERROR_CONFIG, "\"%.80s\" is no region of AWS", client->region ? client->region : "");
        return error_hint(err, "name one, as us-east-1 is");
    }
    place->region = client->region;
    for (size_t i = 0; i < ARRAY_LENGTH(global_places); i++) {
        if (strcmp(client->service, global_places[i].service) != 0 ||
            !text_starts(client->region, global_places[i].prefix))
            continue;
        place->region = global_places[i].region;
        place->base = arena_format(arena, "https://%s", global_places[i].host);
        return true;
    }
    place->base = arena_format(arena, "https://%s.%s.%s", client->service, client->region, aws_domain(client->region));
    return true;
}

/* Scheme, authority and path of place->base, brought to their form. */
static void take_apart(struct arena *arena, struct aws_place *place) {
    const char *authority = strstr(place->base, "://");
    authority = authority ? authority + 3 : place->base;
    size_t length = strcspn(authority, "/?#");
    size_t path = strcspn(authority + length, "?#");
    while (path > 0 && authority[length + path - 1] == '/')
        path--;
    place->path = arena_text_part(arena, authority + length, path);
    place->base = arena_text_part(arena, place->base, (size_t)(authority - place->base) + length + path);
    const char *host = arena_text_part(arena, authority, length);
    const char *own_port = text_starts(place->base, "https:") ? ":443" : ":80";
    place->host = text_ends(host, own_port) ? arena_text_part(arena, host, length - strlen(own_port)) : host;
}

bool aws_place_find(struct arena *arena, const struct aws_client *client, struct aws_place *place, struct error *err) {
    struct aws_place found = {0};
    if (!find_own(arena, client, &found, err))
        return false;
    if (client->endpoint && *client->endpoint)
        found.base = client->endpoint;
    take_apart(arena, &found);
    *place = found;
    return true;
}

/* "s3.REGION.DOMAIN", "s3-REGION.DOMAIN", with a bucket in front or not. */
static bool is_s3(const char *host, const char *domain) {
    size_t length = strlen(host), tail = strlen(domain);
    if (length <= tail + 1 || strcasecmp(host + length - tail, domain) != 0 || host[length - tail - 1] != '.')
        return false;
    return text_starts(host, "s3.") || text_starts(host, "s3-") || strstr(host, ".s3.") || strstr(host, ".s3-");
}

static bool same_service(const char *a, const char *b) {
    for (size_t i = 0; i < ARRAY_LENGTH(partitions); i++) {
        if (is_s3(a, partitions[i].domain))
            return is_s3(b, partitions[i].domain);
    }
    return false;
}

bool aws_place_follow(struct arena *arena, const struct aws_place *from, const char *location, const char *path,
                      struct aws_place *to) {
    const char *end = strstr(from->base, "://");
    size_t scheme = end ? (size_t)(end - from->base) + 3 : 0;
    if (!scheme || strncmp(location, from->base, scheme) != 0)
        return false;
    const char *authority = location + scheme;
    size_t length = strcspn(authority, "/?#");
    const char *wanted = arena_format(arena, "%s%s", from->path, path);
    size_t path_length = strcspn(authority + length, "?#");
    if (path_length != strlen(wanted) || strncmp(authority + length, wanted, path_length) != 0)
        return false;
    struct aws_place found = *from;
    found.base = arena_text_part(arena, location, scheme + length);
    take_apart(arena, &found);
    if (strchr(found.host, '@') || strcmp(found.host, from->host) == 0 || !same_service(found.host, from->host))
        return false;
    found.path = from->path;
    found.base = arena_format(arena, "%s%s", found.base, from->path);
    *to = found;
    return true;
}
