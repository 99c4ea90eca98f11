/* Roles (AWS STS API Reference, "AssumeRole" and "AssumeRoleWithWebIdentity"). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/credentials_parts.h"
#include "aws/sts.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#define SESSION_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-"
#define EXTERNAL_CHARACTERS SESSION_CHARACTERS ":/"
enum {
    ARN_LEAST = 20,
    ARN_MOST = 2048,
    SESSION_LEAST = 2,
    EXTERNAL_LEAST = 2,
    EXTERNAL_MOST = 1224,
    DURATION_LEAST = 900,
    DURATION_MOST = 43200,
    SITE_LEAST = 8, /* characters of a site's name that stay at least, so that it can be told from others */
};

static bool consists_of(const char *text, const char *characters, size_t least, size_t most) {
    size_t length = strlen(text);
    return length >= least && length <= most && strspn(text, characters) == length;
}

bool aws_role_check(const struct aws_role *role, struct error *err) {
    size_t length = role->arn ? strlen(role->arn) : 0;
    if (length < ARN_LEAST || length > ARN_MOST || !text_starts(role->arn, "arn:") || !strstr(role->arn, ":role/"))
        return error_set(err, ERROR_CONFIG, "\"%.200s\" is no ARN of a role (arn:aws:iam::123456789012:role/name)",
                         role->arn ? role->arn : "");
    if (role->session_name &&
        !consists_of(role->session_name, SESSION_CHARACTERS, SESSION_LEAST, AWS_SESSION_NAME_MOST))
        return error_set(err, ERROR_CONFIG, "the session name \"%.80s\" is not 2 to 64 of A-Z a-z 0-9 _ + = , . @ -",
                         role->session_name);
    if (role->external_id && !consists_of(role->external_id, EXTERNAL_CHARACTERS, EXTERNAL_LEAST, EXTERNAL_MOST))
        return error_set(err, ERROR_CONFIG, "the external id is not 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -");
    if (role->duration_s && (role->duration_s < DURATION_LEAST || role->duration_s > DURATION_MOST))
        return error_set(err, ERROR_CONFIG, "a session of %u s is not within 900 to 43200", role->duration_s);
    return true;
}

/* What STS refused, in words that tell what to look at. */
static bool refused(const struct aws_role *role, const struct aws_failure *failure, struct error *err) {
    if (err && err->code == ERROR_ABSENT)
        err->code = ERROR_DENIED; /* the place is there; it is of no use */
    if (err)
        err->hint[0] = 0; /* of calls in general; here more is known */
    if (strcmp(failure->code, "AccessDenied") == 0 && role->token_file)
        error_hint(err, "the role's trust policy must allow this token's issuer and subject");
    else if (strcmp(failure->code, "AccessDenied") == 0)
        error_hint(err, "the role's trust policy must name who asks (and its external id), and the asker's policy must "
                        "allow sts:AssumeRole on it");
    else if (strstr(failure->code, "Expired") || strcmp(failure->code, "InvalidClientTokenId") == 0)
        error_hint(err, role->token_file ? "the token must be renewed by whoever writes it"
                                         : "the keys that ask for the role are no longer good");
    return false;
}

static struct aws_client client_of(const struct aws_sts_place *place, const struct aws_credential_source *source) {
    return (struct aws_client){.http = place->http,
                               .credentials = source,
                               .clock = place->clock,
                               .shared = place->shared,
                               .service = "sts",
                               .region = place->region,
                               .endpoint = place->endpoint,
                               .unsigned_calls = source == NULL};
}

static struct sts_role request_of(struct arena *arena, const struct aws_role *role, int64_t now_ms) {
    return (struct sts_role){
        .role_arn = role->arn,
        .session_name =
            role->session_name ? role->session_name : arena_format(arena, "tidemill-%lld", (long long)now_ms),
        .external_id = role->external_id,
        .duration_s = role->duration_s,
    };
}

bool aws_role_assume(struct arena *arena, const struct aws_sts_place *place, const struct aws_credential_source *source,
                     const struct aws_role *role, int64_t now_ms, struct aws_credentials *credentials,
                     struct error *err) {
    struct aws_client client = client_of(place, source);
    struct sts_role request = request_of(arena, role, now_ms);
    struct aws_credentials got;
    struct aws_failure failure = {.code = ""};
    if (!sts_assume_role(arena, &client, &request, &got, &failure, err))
        return refused(role, &failure, err);
    return aws_credentials_accept(arena, role->arn, &got, now_ms, credentials, err);
}

bool aws_role_web_identity(struct arena *arena, const struct aws_sts_place *place, const struct aws_role *role,
                           int64_t now_ms, struct aws_credentials *credentials, struct error *err) {
    struct aws_client client = client_of(place, NULL);
    struct sts_role request = request_of(arena, role, now_ms);
    struct aws_credentials got;
    struct aws_failure failure = {.code = ""};
    if (!aws_token_read(arena, role->token_file, &request.web_identity_token, err))
        return error_context(err, "web identity token");
    bool good = sts_assume_role_with_web_identity(arena, &client, &request, &got, &failure, err)
                    ? aws_credentials_accept(arena, role->arn, &got, now_ms, credentials, err)
                    : refused(role, &failure, err);
    redact_remove(request.web_identity_token); /* there is a new one every hour */
    return good;
}

/* ---- a source of its own ---- */

struct role_source {
    struct aws_credential_source source;
    struct aws_sts_place place;
    const struct aws_credential_source *from;
    struct aws_role role;
    struct arena *arena; /* of the texts */
    char name[128];
};

static bool role_get(const struct aws_credential_source *source, struct arena *arena, int64_t now_ms,
                     struct aws_credentials *credentials, struct error *err) {
    const struct role_source *self = source->self;
    return aws_role_assume(arena, &self->place, self->from, &self->role, now_ms, credentials, err);
}

/* A role can be assumed anew; whether the keys that ask for it are still good is seen then. */
static bool role_expire(const struct aws_credential_source *source, const char *key_id) {
    (void)source;
    (void)key_id;
    return true;
}

static void role_close(struct aws_credential_source *source) {
    struct role_source *self = source->self;
    arena_close(self->arena);
    free(self);
}

struct aws_credential_source *aws_assume_role_open(const struct aws_assume_role_settings *settings, struct error *err) {
    struct aws_role role = {.arn = settings->role_arn,
                            .session_name = settings->session_name,
                            .external_id = settings->external_id,
                            .duration_s = settings->duration_s};
    const char *region = settings->region ? settings->region : "us-east-1";
    if (!settings->http || !settings->source) {
        error_set(err, ERROR_CONFIG, "a role needs an HTTP client and the credentials that ask for it");
        return NULL;
    }
    if (!aws_region_valid(region)) {
        error_set(err, ERROR_CONFIG, "\"%.64s\" is no region", region);
        return NULL;
    }
    if (!aws_role_check(&role, err))
        return NULL;
    struct role_source *self = memory_alloc(sizeof(*self));
    self->arena = arena_open();
    self->from = settings->source;
    self->role = (struct aws_role){.arn = arena_text(self->arena, role.arn),
                                   .session_name = arena_text(self->arena, role.session_name),
                                   .external_id = arena_text(self->arena, role.external_id),
                                   .duration_s = role.duration_s};
    self->place = (struct aws_sts_place){.http = settings->http,
                                         .clock = settings->clock ? settings->clock : clock_system(),
                                         .shared = settings->shared,
                                         .region = arena_text(self->arena, region),
                                         .endpoint = arena_text(self->arena, settings->endpoint)};
    snprintf(self->name, sizeof(self->name), "role %s", role.arn);
    self->source = (struct aws_credential_source){
        .get = role_get, .expire = role_expire, .close = role_close, .name = self->name, .self = self};
    return aws_cache_open(&self->source);
}

void aws_assume_role_close(struct aws_credential_source *role) {
    aws_credentials_close(role);
}

/* ---- session names ---- */

/* A part of the name: what may not be in it as '-'. */
static char *clean(struct arena *arena, const char *text) {
    char *made = arena_text(arena, text);
    for (char *c = made; *c; c++) {
        if (!strchr(SESSION_CHARACTERS, *c))
            *c = '-';
    }
    return made;
}

/* At most `most` characters of it: both ends, and ".." between them. */
static const char *without_middle(struct arena *arena, const char *text, size_t most) {
    size_t length = strlen(text);
    if (length <= most)
        return text;
    size_t kept = most - 2, head = (kept + 1) / 2;
    return arena_format(arena, "%.*s..%s", (int)head, text, text + length - (kept - head));
}

const char *aws_session_name(struct arena *arena, const char *suffix, const char *site, int64_t now_ms) {
    const char *time = arena_format(arena, "%lld", (long long)now_ms);
    size_t room = AWS_SESSION_NAME_MOST - strlen("auto---") - strlen(time);
    const char *what = clean(arena, suffix), *whose = clean(arena, site);
    size_t wanted = strlen(whose) < SITE_LEAST ? strlen(whose) : SITE_LEAST;
    what = without_middle(arena, what, room - wanted);
    whose = without_middle(arena, whose, room - strlen(what));
    return arena_format(arena, "auto-%s-%s-%s", what, whose, time);
}
