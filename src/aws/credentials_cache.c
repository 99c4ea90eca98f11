#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "aws/credentials_chain.h"
#include "base/log.h"
#include "base/memory.h"

enum {
    ADVISORY_MS = 15 * 60 * 1000, /* from here on one thread renews */
    MANDATORY_MS = 5 * 60 * 1000, /* from here on all wait for it: a call may take a while after it was signed */
    PAUSE_MS = 60 * 1000,         /* between two attempts while there are good ones */
    PAUSE_EMPTY_MS = 2 * 1000,    /* while there are none */
};

struct cache {
    struct aws_credential_source source;
    struct aws_credential_source *from;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t renewed;
    bool renewing;               /* a thread is asking `from`, without the lock */
    unsigned rounds;             /* how many renewals have ended */
    struct aws_credentials held; /* owned; key_id NULL: there are none */
    struct aws_credentials old;  /* owned; what was held before: its secrets may still be in a line to be logged */
    char *refused;               /* owned; a key id that a service said has expired */
    int64_t failed_ms, pause_ms; /* `from` is not asked from failed_ms on for pause_ms; 0: no pause */
    struct error failure;        /* of the last renewal; code 0: it went well */
};

static void forget(struct aws_credentials *credentials) {
    const char *texts[] = {credentials->key_id, credentials->secret, credentials->token};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        char *text = (char *)(uintptr_t)texts[i];
        if (text)
            memory_wipe(text, strlen(text));
        free(text);
    }
    *credentials = (struct aws_credentials){0};
}

static bool usable(const struct cache *cache, int64_t now_ms) {
    const struct aws_credentials *held = &cache->held;
    return held->key_id && (held->expires_ms <= 0 || now_ms < held->expires_ms);
}

/* Milliseconds until the end. */
static int64_t time_left(const struct cache *cache, int64_t now_ms) {
    return cache->held.expires_ms <= 0 ? INT64_MAX : cache->held.expires_ms - now_ms;
}

/* A clock that was set back ends a pause. */
static bool paused(const struct cache *cache, int64_t now_ms) {
    return cache->pause_ms > 0 && now_ms >= cache->failed_ms - cache->pause_ms &&
           now_ms < cache->failed_ms + cache->pause_ms;
}

static void give(const struct cache *cache, struct arena *arena, struct aws_credentials *credentials) {
    *credentials = (struct aws_credentials){.key_id = arena_text(arena, cache->held.key_id),
                                            .secret = arena_text(arena, cache->held.secret),
                                            .token = arena_text(arena, cache->held.token),
                                            .expires_ms = cache->held.expires_ms};
}

/* Puts what was got in place of what was held. */
static void take_over(struct cache *cache, const struct aws_credentials *got, int64_t now_ms) {
    if (cache->held.key_id) {
        /* Secrets that nobody can use any more need not be looked for in every line: there is one set an hour. */
        if (cache->old.key_id && cache->old.expires_ms > 0 && cache->old.expires_ms <= now_ms) {
            redact_remove(cache->old.secret);
            redact_remove(cache->old.token);
        }
        forget(&cache->old);
        cache->old = cache->held;
    }
    cache->held = (struct aws_credentials){.key_id = memory_text(got->key_id),
                                           .secret = memory_text(got->secret),
                                           .token = memory_text(got->token),
                                           .expires_ms = got->expires_ms};
    free(cache->refused);
    cache->refused = NULL;
}

/* With the lock held, which is let go while the source is asked. */
static void renew(struct cache *cache, int64_t now_ms) {
    struct arena *arena = arena_open();
    struct aws_credentials got;
    struct error why = {0};
    cache->renewing = true;
    pthread_mutex_unlock(&cache->lock);
    bool good = aws_credentials_get(cache->from, arena, now_ms, &got, &why);
    pthread_mutex_lock(&cache->lock);
    if (good && got.expires_ms > 0 && got.expires_ms <= now_ms)
        good = error_set(&why, ERROR_DENIED, "%s gave credentials that have expired", cache->from->name);
    if (good && cache->refused && strcmp(cache->refused, got.key_id) == 0) {
        good = error_set(&why, ERROR_DENIED,
                         "the service says that the credentials of %s have expired, and %s gives no others", got.key_id,
                         cache->from->name);
        error_hint(&why, "log in again, or write new keys where these came from");
    }
    if (good)
        take_over(cache, &got, now_ms);
    cache->failure = why;
    cache->failed_ms = now_ms;
    /* Ones that are near their end from the start are not asked for at every call. */
    if (usable(cache, now_ms))
        cache->pause_ms = time_left(cache, now_ms) > ADVISORY_MS ? 0 : PAUSE_MS;
    else
        cache->pause_ms = PAUSE_EMPTY_MS;
    cache->renewing = false;
    cache->rounds++;
    pthread_cond_broadcast(&cache->renewed);
    arena_close(arena);
}

static bool cache_get(const struct aws_credential_source *source, struct arena *arena, int64_t now_ms,
                      struct aws_credentials *credentials, struct error *err) {
    struct cache *cache = source->self;
    bool good = false, tried = false;
    pthread_mutex_lock(&cache->lock);
    for (;;) {
        int64_t left = time_left(cache, now_ms);
        good = usable(cache, now_ms);
        if (good && left > ADVISORY_MS)
            break;
        /* Who has waited for a renewal or made one takes what came of it, unless it is old already. */
        if ((tried && (good || cache->failure.code)) || (paused(cache, now_ms) && !cache->renewing))
            break;
        if (cache->renewing) {
            if (good && left > MANDATORY_MS)
                break;
            for (unsigned round = cache->rounds; round == cache->rounds;)
                pthread_cond_wait(&cache->renewed, &cache->lock);
        } else {
            renew(cache, now_ms);
        }
        tried = true;
    }
    if (good)
        give(cache, arena, credentials);
    else if (cache->failure.code)
        error_copy(err, &cache->failure);
    else
        error_set(err, ERROR_DENIED, "the credentials of %s have expired", source->name);
    pthread_mutex_unlock(&cache->lock);
    return good;
}

static bool cache_expire(const struct aws_credential_source *source, const char *key_id) {
    struct cache *cache = source->self;
    bool others = true;
    pthread_mutex_lock(&cache->lock);
    /* If other ones are held already, somebody else had the same answer before. */
    if (cache->held.key_id && strcmp(cache->held.key_id, key_id) == 0) {
        others = aws_credentials_expired(cache->from, key_id);
        if (others) {
            free(cache->refused);
            cache->refused = memory_text(key_id);
            forget(&cache->old);
            cache->old = cache->held;
            cache->held = (struct aws_credentials){0};
            cache->pause_ms = 0;
        }
    }
    pthread_mutex_unlock(&cache->lock);
    return others;
}

static void cache_close(struct aws_credential_source *source) {
    struct cache *cache = source->self;
    aws_credentials_close(cache->from);
    forget(&cache->held);
    forget(&cache->old);
    free(cache->refused);
    pthread_cond_destroy(&cache->renewed);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

struct aws_credential_source *aws_cache_open(struct aws_credential_source *source) {
    struct cache *cache = memory_alloc(sizeof(*cache));
    cache->from = source;
    pthread_mutex_init(&cache->lock, NULL);
    pthread_cond_init(&cache->renewed, NULL);
    cache->source = (struct aws_credential_source){.get = cache_get,
                                                   .expire = cache_expire,
                                                   .close = cache_close,
                                                   .name = source->name ? source->name : "credentials",
                                                   .self = cache};
    return &cache->source;
}
