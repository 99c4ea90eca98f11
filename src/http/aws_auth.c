#include "http/aws_auth.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "aws/sigv4.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "http/aws_replay.h"

enum { CACHED_KEYS = 8, SKEW_MS = 300000 };

/* A signing key of one access key, kept for the day. */
struct cached_key {
    size_t owner; /* index of the access key */
    struct sigv4_key key;
};

struct aws_auth {
    struct aws_auth_settings settings;
    struct aws_auth_key *keys;
    struct aws_replay *replay; /* NULL: replays are taken */
    pthread_mutex_t lock;      /* guards the cache */
    struct cached_key cache[CACHED_KEYS];
    size_t next; /* the entry that is overwritten next */
};

struct aws_auth *aws_auth_open(const struct aws_auth_settings *settings) {
    struct aws_auth *auth = memory_alloc(sizeof(*auth));
    auth->settings = *settings;
    if (!auth->settings.clock)
        auth->settings.clock = clock_system();
    if (auth->settings.skew_ms <= 0)
        auth->settings.skew_ms = SKEW_MS;
    auth->keys = memory_alloc_array(settings->key_count + 1, sizeof(*auth->keys));
    for (size_t i = 0; i < settings->key_count; i++) {
        const struct aws_auth_key *key = &settings->keys[i];
        auth->keys[i] = (struct aws_auth_key){memory_text(key->id), memory_text(key->secret), memory_text(key->token)};
        redact_add(key->secret);
        if (key->token)
            redact_add(key->token);
    }
    if (settings->refuse_replays)
        auth->replay = aws_replay_open(LIMIT_AUTH_REPLAYS);
    pthread_mutex_init(&auth->lock, NULL);
    return auth;
}

static void free_secret(const char *text) {
    char *copy = (char *)(uintptr_t)text;
    if (copy)
        memory_wipe(copy, strlen(copy));
    free(copy);
}

void aws_auth_close(struct aws_auth *auth) {
    if (!auth)
        return;
    for (size_t i = 0; i < auth->settings.key_count; i++) {
        free_secret(auth->keys[i].id);
        free_secret(auth->keys[i].secret);
        free_secret(auth->keys[i].token);
    }
    memory_wipe(auth->cache, sizeof(auth->cache));
    aws_replay_close(auth->replay);
    pthread_mutex_destroy(&auth->lock);
    free(auth->keys);
    free(auth);
}

/* ---- the request as the signer saw it ---- */

struct header_list {
    struct arena *arena;
    struct http_header *items;
    size_t count, capacity;
};

static void keep_header(void *to, const char *name, const char *value) {
    struct header_list *list = to;
    list->items = arena_grow(list->arena, list->items, list->count, &list->capacity, sizeof(*list->items));
    list->items[list->count++] = (struct http_header){name, value};
}

static struct sigv4_request read_request(const struct server_request *request, char hash[HASH_TEXT_SIZE]) {
    struct header_list list = {.arena = request->arena};
    unsigned char digest[HASH_SHA256_BYTES];
    request_headers(request, keep_header, &list);
    hash_sha256(request->body ? request->body : "", request->body_length, digest);
    return (struct sigv4_request){.method = request->method,
                                  .path = request->target.path,
                                  .query = request->target.query,
                                  .headers = list.items,
                                  .header_count = list.count,
                                  .payload_hash = hash_hex(digest, sizeof(digest), hash)};
}

/* ---- the checks, in AWS's order ---- */

static bool refuse_signature(struct api_error *error, const char *message) {
    return api_error_set(error, "InvalidSignatureException", 400, "%s", message);
}

static const struct aws_auth_key *find_key(const struct aws_auth *auth, const struct sigv4_claim *claim) {
    const struct aws_auth_key *found = NULL;
    for (size_t i = 0; i < auth->settings.key_count; i++) {
        if (strcmp(auth->keys[i].id, claim->key_id) == 0)
            found = &auth->keys[i];
    }
    if (found && found->token ? !text_equal_secret(found->token, claim->token) : claim->token != NULL)
        return NULL;
    return found;
}

/* The scope must say the day of the time and this service; region is the client's own affair. */
static bool check_scope(struct arena *arena, const struct sigv4_claim *claim, const char *service,
                        struct api_error *error) {
    if (strcmp(claim->service, service) != 0)
        return refuse_signature(error,
                                arena_format(arena, "Credential should be scoped to correct service: '%s'. ", service));
    if (strlen(claim->day) != 8 || strncmp(claim->day, claim->date, 8) != 0)
        return refuse_signature(error, arena_format(arena,
                                                    "Date in Credential scope does not match YYYYMMDD from ISO-8601 "
                                                    "version of date from HTTP: '%s' != '%.8s', from '%s'.",
                                                    claim->day, claim->date, claim->date));
    return true;
}

static bool check_time(const struct aws_auth *auth, struct arena *arena, const struct sigv4_claim *claim,
                       struct api_error *error) {
    int64_t now = clock_wall_ms(auth->settings.clock), skew = auth->settings.skew_ms;
    int64_t good_for = claim->in_query ? claim->expires_s * 1000 : skew;
    char now_text[SIGV4_DATE_SIZE], edge[SIGV4_DATE_SIZE];
    long long minutes = (long long)(skew / 60000);
    if (claim->time_ms > now + skew)
        return refuse_signature(error, arena_format(arena,
                                                    "Signature not yet current: %s is still later than %s (%s + %lld "
                                                    "min.)",
                                                    claim->date, sigv4_date(now + skew, edge),
                                                    sigv4_date(now, now_text), minutes));
    if (claim->time_ms + good_for >= now)
        return true;
    if (claim->in_query)
        return refuse_signature(error,
                                arena_format(arena, "Signature expired: %s is now earlier than %s",
                                             sigv4_date(claim->time_ms + good_for, edge), sigv4_date(now, now_text)));
    return refuse_signature(error, arena_format(arena, "Signature expired: %s is now earlier than %s (%s - %lld min.)",
                                                claim->date, sigv4_date(now - skew, edge), sigv4_date(now, now_text),
                                                minutes));
}

/* What decides where a request goes and what it does must be signed. */
static bool check_covered(const struct server_request *request, struct arena *arena, const struct sigv4_claim *claim,
                          struct api_error *error) {
    static const char *const names[] = {"host", "x-amz-target", "x-amz-date"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        bool needed = i == 0 || (request_header(request, names[i]) && !(claim->in_query && i == 2));
        if (needed && !sigv4_claim_covers(claim, names[i]))
            return refuse_signature(
                error, i == 0
                           ? "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
                           : arena_format(arena, "'%s' must be a 'SignedHeader' in the AWS Authorization.", names[i]));
    }
    return true;
}

/* The signing key, from the cache if it is there. The cache is copied from and to, so that no lock is held while
 * hashing. */
static bool verify(struct aws_auth *auth, const struct aws_auth_key *access, struct arena *arena,
                   const struct sigv4_request *wire, const struct sigv4_claim *claim) {
    struct aws_credentials credentials = {.key_id = access->id, .secret = access->secret};
    const char *scope = arena_format(arena, "%s/%s/%s", claim->day, claim->region, claim->service);
    size_t owner = (size_t)(access - auth->keys);
    struct sigv4_key key = {0};
    pthread_mutex_lock(&auth->lock);
    for (size_t i = 0; i < CACHED_KEYS; i++) {
        if (auth->cache[i].owner == owner && strcmp(auth->cache[i].key.scope, scope) == 0)
            key = auth->cache[i].key;
    }
    pthread_mutex_unlock(&auth->lock);
    bool known = key.scope[0];
    struct sigv4_context context = {.credentials = &credentials, .key = &key};
    bool right = sigv4_verify(arena, &context, wire, claim, NULL);
    if (right && !known && key.scope[0]) { /* wrong signatures may not push right ones out */
        pthread_mutex_lock(&auth->lock);
        auth->cache[auth->next] = (struct cached_key){owner, key};
        auth->next = (auth->next + 1) % CACHED_KEYS;
        pthread_mutex_unlock(&auth->lock);
    }
    memory_wipe(&key, sizeof(key));
    return right;
}

static bool check_replay(struct aws_auth *auth, const struct sigv4_claim *claim, struct api_error *error) {
    int64_t now = clock_wall_ms(auth->settings.clock);
    int64_t good_until = claim->time_ms + (claim->in_query ? claim->expires_s * 1000 : auth->settings.skew_ms);
    if (!auth->replay)
        return true;
    switch (aws_replay_note(auth->replay, claim->signature, good_until, now)) {
    case AWS_REPLAY_NEW:
        return true;
    case AWS_REPLAY_FULL:
        return api_error_set(error, "ThrottlingException", 400, "Rate exceeded");
    case AWS_REPLAY_SEEN:
        break;
    }
    return refuse_signature(error, "The request with this signature was already received.");
}

static bool check_signed(struct aws_auth *auth, const struct server_request *request, const char *service,
                         const char **key_id, struct api_error *error) {
    struct arena *arena = request->arena;
    struct sigv4_claim claim;
    const char *why = NULL;
    char hash[HASH_TEXT_SIZE];
    struct sigv4_request wire = read_request(request, hash);
    switch (sigv4_claim_read(arena, &wire, &claim, &why)) {
    case SIGV4_NONE:
        return api_error_set(error, "MissingAuthenticationTokenException", 400, "Missing Authentication Token");
    case SIGV4_BROKEN:
        return api_error_set(error, "IncompleteSignatureException", 400, "%s", why);
    case SIGV4_READ:
        break;
    }
    const struct aws_auth_key *access = find_key(auth, &claim);
    if (!access)
        return api_error_set(error, "UnrecognizedClientException", 400,
                             "The security token included in the request is invalid.");
    if (!check_scope(arena, &claim, service, error) || !check_covered(request, arena, &claim, error) ||
        !check_time(auth, arena, &claim, error))
        return false;
    if (!verify(auth, access, arena, &wire, &claim))
        return refuse_signature(error, "The request signature we calculated does not match the signature you provided. "
                                       "Check your AWS Secret Access Key and signing method. Consult the service "
                                       "documentation for details.");
    if (!check_replay(auth, &claim, error))
        return false;
    *key_id = access->id;
    return true;
}

/* A name that the public DNS cannot give to this machine: an address, a name without a dot, or *.localhost. */
static bool is_own_host(const char *host) {
    size_t length = strcspn(host, ":");
    if (host[0] == '[' || length == 0 || !memchr(host, '.', length))
        return true;
    if (length > 10 && memcmp(host + length - 10, ".localhost", 10) == 0)
        return true;
    if (text_starts(host, "sync-")) /* what the SDKs put in front for StartSyncExecution */
        host += 5, length -= 5;
    return strspn(host, "0123456789.") == length;
}

bool aws_auth_check(struct aws_auth *auth, const struct server_request *request, const char *service,
                    const char **key_id, struct api_error *error) {
    const char *signer = NULL;
    if (request->owner) {
        if (key_id)
            *key_id = NULL;
        return true;
    }
    if (!check_signed(auth, request, service, &signer, error)) {
        if (!auth->settings.allow_unsigned || !request->local || !is_own_host(request->host))
            return false;
        api_error_close(error);
    }
    if (key_id)
        *key_id = signer ? arena_text(request->arena, signer) : NULL;
    return true;
}
