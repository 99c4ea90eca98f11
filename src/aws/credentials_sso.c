/* IAM Identity Center (AWS SDKs Reference Guide, "IAM Identity Center credential provider"; the APIs "SSO OIDC",
 * CreateToken, and "SSO portal", GetRoleCredentials). A person logs in with `aws sso login`, which leaves a token in
 * ~/.aws/sso/cache; as long as it can be refreshed nobody has to log in again. */
#include <string.h>

#include "aws/credentials_parts.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

enum {
    REFRESH_MS = 5 * 60 * 1000, /* a token is refreshed so long before its end */
    SSO_DEADLINE_MS = 30000,
    SECRET_FILE = 0600,
    ATTEMPTS = 3,
};

/* What a profile says of its login. */
struct login {
    const char *profile, *session; /* session NULL: the older form, without refreshing */
    const char *start_url, *region, *account, *role;
    const char *cache; /* path of the token */
};

static bool find_login(const struct aws_chain *chain, struct arena *arena, const struct aws_config *config,
                       const struct aws_section *profile, struct login *login, struct error *err) {
    const struct aws_section *at = profile;
    char digest[HASH_TEXT_SIZE];
    *login = (struct login){.profile = aws_section_name(profile),
                            .session = aws_section_value(profile, "sso_session"),
                            .account = aws_section_value(profile, "sso_account_id"),
                            .role = aws_section_value(profile, "sso_role_name")};
    if (login->session && !(at = aws_config_section(config, AWS_SECTION_SSO_SESSION, login->session)))
        return error_set(err, ERROR_CONFIG, "there is no [sso-session %s]", login->session);
    login->start_url = aws_section_value(at, "sso_start_url");
    login->region = aws_section_value(at, "sso_region");
    const char *missing = !login->start_url ? "sso_start_url"
                          : !login->region  ? "sso_region"
                          : !login->account ? "sso_account_id"
                          : !login->role    ? "sso_role_name"
                                            : NULL;
    if (missing)
        return error_set(err, ERROR_CONFIG, "%s is missing", missing);
    if (!aws_region_valid(login->region))
        return error_set(err, ERROR_CONFIG, "sso_region is no region");
    const char *home = chain->settings.environment->home;
    if (!home)
        return error_set(err, ERROR_CONFIG, "no home folder is known, so that the login's token cannot be found");
    const char *key = login->session ? login->session : login->start_url;
    login->cache =
        arena_format(arena, "%s/.aws/sso/cache/%s.json", home, hash_text(HASH_SHA1, key, strlen(key), digest));
    return true;
}

static bool log_in_again(const struct login *login, const char *why, struct error *err) {
    error_set(err, ERROR_DENIED, "%s", why);
    return error_hint(err, "aws sso login --profile %s", login->profile);
}

static int64_t token_end(const json_t *token) {
    int64_t end = 0;
    /* Older tools wrote "2020-06-17T10:02:08UTC". */
    const char *text = json_get_text(token, "expiresAt", "");
    char plain[CLOCK_ISO_SIZE];
    size_t length = strlen(text);
    if (clock_parse_iso(text, &end))
        return end;
    if (length > 3 && length < sizeof(plain) && text_ends(text, "UTC")) {
        memcpy(plain, text, length - 3);
        memcpy(plain + length - 3, "Z", 2);
        if (clock_parse_iso(plain, &end))
            return end;
    }
    return 0;
}

static json_t *read_token(const struct login *login, struct error *err) {
    struct error why = {0};
    json_t *token = json_read(login->cache, LIMIT_AWS_TOKEN_BYTES, &why);
    if (json_is_object(token) && *json_get_text(token, "accessToken", ""))
        return token;
    json_decref(token);
    log_in_again(login, why.code == ERROR_ABSENT ? "nobody has logged in" : "the login's token cannot be read", err);
    return NULL;
}

/* The endpoint of one of the two services. */
static bool find_service(const struct aws_chain *chain, struct arena *arena, const struct login *login,
                         const char *service, const char *host, const char **base, struct error *err) {
    const char *own = NULL;
    if (!aws_endpoint_find(arena, chain->settings.environment, login->profile, service, &own, err))
        return false;
    *base = own ? own : arena_format(arena, "https://%s.%s.%s", host, login->region, aws_domain(login->region));
    size_t length = strlen(*base);
    if (length > 0 && (*base)[length - 1] == '/')
        *base = arena_text_part(arena, *base, length - 1);
    return true;
}

/* Asks for a new token with the old one's refresh token. A new reference, NULL if there is none to be had. */
static json_t *ask_token(const struct aws_chain *chain, struct arena *arena, const struct login *login,
                         const json_t *old, int64_t now_ms) {
    const char *base;
    struct http_response response;
    JSON_OWNED json_t *request = json_pack("{s:s, s:s, s:s, s:s}", "clientId", json_get_text(old, "clientId", ""),
                                           "clientSecret", json_get_text(old, "clientSecret", ""), "grantType",
                                           "refresh_token", "refreshToken", json_get_text(old, "refreshToken", ""));
    TEXT_OWNED char *body = json_text(request, 0);
    if (!find_service(chain, arena, login, "sso_oidc", "oidc", &base, NULL))
        return NULL;
    struct aws_ask ask = {.clock = chain->settings.clock,
                          .attempts = 1, /* a refresh token may be good once */
                          .method = "POST",
                          .url = arena_format(arena, "%s/token", base),
                          .headers = {{"Content-Type", "application/json"}},
                          .header_count = 1,
                          .body = body,
                          .deadline_ms = SSO_DEADLINE_MS};
    if (!aws_ask(chain->settings.http, arena, &ask, &response, NULL) || response.status != 200)
        return NULL;
    JSON_OWNED json_t *answer = json_parse(response.body, response.body_length, NULL);
    const char *access = json_get_text(answer, "accessToken", "");
    int64_t seconds = json_get_int(answer, "expiresIn", 0);
    char when[CLOCK_ISO_SIZE];
    if (!*access || seconds <= 0 || seconds > INT32_MAX)
        return NULL;
    json_t *made = json_copy((json_t *)(uintptr_t)old); /* jansson's copy only reads */
    /* Other tools read "2020-06-17T10:02:08Z", without milliseconds. */
    clock_iso(now_ms + seconds * 1000, when);
    memcpy(when + strlen("2020-06-17T10:02:08"), "Z", 2);
    json_object_set_new(made, "accessToken", json_string(access));
    json_object_set_new(made, "expiresAt", json_string(when));
    if (*json_get_text(answer, "refreshToken", ""))
        json_object_set(made, "refreshToken", json_object_get(answer, "refreshToken"));
    return made;
}

/* A token that is good now. A new reference. */
static json_t *find_token(const struct aws_chain *chain, struct arena *arena, const struct login *login, int64_t now_ms,
                          struct error *err) {
    JSON_OWNED json_t *token = read_token(login, err);
    if (!token)
        return NULL;
    int64_t end = token_end(token), registered = 0;
    if (end - now_ms > REFRESH_MS)
        return json_incref(token);
    bool known = clock_parse_iso(json_get_text(token, "registrationExpiresAt", ""), &registered);
    if (login->session && *json_get_text(token, "refreshToken", "") && *json_get_text(token, "clientId", "") &&
        *json_get_text(token, "clientSecret", "") && (!known || registered > now_ms)) {
        json_t *newer = ask_token(chain, arena, login, token, now_ms);
        /* A cache that cannot be written costs a refresh the next time, and no more than that. */
        if (newer) {
            TEXT_OWNED char *text = json_text(newer, 0);
            file_write(login->cache, text, strlen(text), SECRET_FILE, NULL);
            return newer;
        }
        /* Another program may have been quicker: a refresh token is good once. */
        JSON_OWNED json_t *again = read_token(login, NULL);
        if (again && token_end(again) > now_ms)
            return json_incref(again);
    }
    if (end > now_ms)
        return json_incref(token);
    log_in_again(login, "the login has expired", err);
    return NULL;
}

static bool read_role(struct arena *arena, const struct http_response *response, int64_t now_ms,
                      struct aws_credentials *credentials, struct error *err) {
    JSON_OWNED json_t *answer = json_parse(response->body, response->body_length, NULL);
    const json_t *given = json_object_get(answer, "roleCredentials");
    struct aws_credentials found = {
        .key_id = json_get_text(given, "accessKeyId", NULL),
        .secret = json_get_text(given, "secretAccessKey", NULL),
        .token = json_get_text(given, "sessionToken", NULL),
        .expires_ms = json_get_int(given, "expiration", 0),
    };
    return aws_credentials_accept(arena, "IAM Identity Center", &found, now_ms, credentials, err);
}

bool aws_sso_credentials(struct aws_chain *chain, struct arena *arena, const struct aws_config *config,
                         const struct aws_section *profile, int64_t now_ms, struct aws_credentials *credentials,
                         struct error *err) {
    struct login login;
    struct http_response response;
    struct text url TEXT_SCOPED;
    const char *base;
    text_open(&url, LIMIT_URL_BYTES);
    if (!find_login(chain, arena, config, profile, &login, err) ||
        !find_service(chain, arena, &login, "sso", "portal.sso", &base, err))
        return false;
    JSON_OWNED json_t *token = find_token(chain, arena, &login, now_ms, err);
    if (!token)
        return false;
    const char *bearer = json_get_text(token, "accessToken", "");
    redact_add(bearer);
    if (strpbrk(bearer, "\r\n"))
        return log_in_again(&login, "the login's token is damaged", err);
    text_append(&url, base);
    text_append(&url, "/federation/credentials?role_name=");
    text_append_percent(&url, login.role, "");
    text_append(&url, "&account_id=");
    text_append_percent(&url, login.account, "");
    struct aws_ask ask = {.clock = chain->settings.clock,
                          .attempts = ATTEMPTS,
                          .url = text_value(&url),
                          .headers = {{"x-amz-sso_bearer_token", bearer}},
                          .header_count = 1,
                          .deadline_ms = SSO_DEADLINE_MS};
    if (!aws_ask(chain->settings.http, arena, &ask, &response, err))
        return error_context(err, "IAM Identity Center");
    if (response.status == 401)
        return log_in_again(&login, "the login has expired or was ended", err);
    if (response.status != 200)
        return error_set(err, ERROR_DENIED, "IAM Identity Center answered %d for role %s of account %s",
                         response.status, login.role, login.account);
    return read_role(arena, &response, now_ms, credentials, err);
}
