/* Credentials of a container on ECS, Fargate, EKS or Greengrass (AWS SDKs Reference Guide, "Container credential
 * provider"; Amazon ECS Developer Guide, "Task IAM role"). */
#include <arpa/inet.h>
#include <string.h>

#include "aws/credentials_parts.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"

#define ECS_ADDRESS "http://169.254.170.2"
enum { DEADLINE_MS = 5000, ATTEMPTS = 3 };

/* Where a token may be sent unencrypted: this machine, and the addresses of the ECS and EKS agents. Names are not
 * looked up: whoever answers for them could be anybody. */
static bool is_near(const char *host) {
    static const char *const agents[] = {"169.254.170.2", "169.254.170.23"};
    static const char *const six[] = {"::1", "fd00:ec2::23"};
    struct in_addr four;
    struct in6_addr address, known;
    if (text_equal_nocase(host, "localhost"))
        return true;
    if (inet_pton(AF_INET, host, &four) == 1)
        return (ntohl(four.s_addr) >> 24) == 127 || strcmp(host, agents[0]) == 0 || strcmp(host, agents[1]) == 0;
    if (inet_pton(AF_INET6, host, &address) != 1)
        return false;
    for (size_t i = 0; i < sizeof(six) / sizeof(*six); i++) {
        if (inet_pton(AF_INET6, six[i], &known) == 1 && memcmp(&known, &address, sizeof(known)) == 0)
            return true;
    }
    return false;
}

/* The host of "http://host:port/..."; NULL when there is more to it than that. */
static const char *host_of(struct arena *arena, const char *rest) {
    size_t length = strcspn(rest, "/?#");
    char *authority = arena_text_part(arena, rest, length);
    if (strpbrk(authority, "@\\ \t%"))
        return NULL;
    if (*authority == '[') {
        char *end = strchr(authority, ']');
        if (!end || (end[1] && end[1] != ':'))
            return NULL;
        *end = 0;
        return authority + 1;
    }
    authority[strcspn(authority, ":")] = 0;
    return authority;
}

static bool check_full(struct arena *arena, const char *url, struct error *err) {
    if (text_starts(url, "https://"))
        return true;
    const char *host = text_starts(url, "http://") ? host_of(arena, url + strlen("http://")) : NULL;
    if (host && is_near(host))
        return true;
    return error_set(err, ERROR_CONFIG,
                     "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of this machine or of the "
                     "container service (127.0.0.0/8, ::1, 169.254.170.2, 169.254.170.23, fd00:ec2::23)");
}

static bool find_token(struct aws_chain *chain, struct arena *arena, const char **token, struct error *err) {
    const char *file = aws_chain_value(chain, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    if (file)
        return aws_token_read(arena, file, token, err) || error_context(err, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    *token = aws_chain_value(chain, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (*token && strpbrk(*token, "\r\n"))
        return error_set(err, ERROR_CONFIG, "AWS_CONTAINER_AUTHORIZATION_TOKEN has more than one line");
    redact_add(*token);
    return true;
}

bool aws_provide_container(struct aws_chain *chain, struct arena *arena, int64_t now_ms,
                           struct aws_credentials *credentials, struct error *err) {
    const char *relative = aws_chain_value(chain, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *url = aws_chain_value(chain, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *token = NULL;
    struct http_response response;
    if (!relative && !url)
        return error_set(err, ERROR_ABSENT, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set");
    if (!chain->settings.http_local)
        return error_set(err, ERROR_ABSENT, "metadata services are not asked");
    if (relative && *relative != '/')
        return error_set(err, ERROR_CONFIG, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not start with '/'");
    if (relative)
        url = arena_format(arena, ECS_ADDRESS "%s", relative);
    else if (!check_full(arena, url, err))
        return false;
    if (!find_token(chain, arena, &token, err))
        return false;
    struct aws_ask ask = {.clock = chain->settings.clock,
                          .attempts = ATTEMPTS,
                          .url = url,
                          .headers = {{"Accept", "application/json"}, {"Authorization", token}},
                          .header_count = 2,
                          .deadline_ms = DEADLINE_MS};
    if (!aws_ask(chain->settings.http_local, arena, &ask, &response, err))
        return error_context(err, "the container's credentials");
    if (response.status != 200)
        return error_set(err, ERROR_DENIED, "the container's credentials: the service answered %d", response.status);
    return aws_credentials_of_json(arena, "the container's service", response.body, response.body_length, now_ms,
                                   credentials, err);
}
