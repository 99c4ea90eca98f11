#include "aws/credentials_chain.h"

#include <stdio.h>
#include <stdlib.h>

#include "aws/credentials_parts.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

static const struct place {
    enum aws_credential_place place;
    const char *name;
    aws_provide *get;
} places[] = {
    {AWS_PLACE_ENVIRONMENT, "environment", aws_provide_environment},
    {AWS_PLACE_WEB_IDENTITY, "web identity", aws_provide_web_identity},
    {AWS_PLACE_ENV_FILE, "env file", aws_provide_env_file},
    {AWS_PLACE_PROFILE, "profile", aws_provide_profile},
    {AWS_PLACE_CONTAINER, "container", aws_provide_container},
    {AWS_PLACE_INSTANCE, "instance", aws_provide_instance},
};

enum { REASON_SHOWN = 120, REASONS_SHOWN = 640 }; /* so that the whole fits a message */

const char *aws_chain_value(const struct aws_chain *chain, const char *name) {
    return aws_environment_value(chain->settings.environment, name);
}

bool aws_chain_flag(const struct aws_chain *chain, const char *name) {
    return text_equal_nocase(aws_chain_value(chain, name), "true");
}

void aws_chain_warn(struct aws_chain *chain, enum aws_warning warning, const char *path) {
    char text[512];
    if (!chain->settings.warn || (atomic_fetch_or(&chain->warned, warning) & warning))
        return;
    snprintf(text, sizeof(text), "%.380s holds keys and others than its owner can read it; chmod 600 mends that", path);
    chain->settings.warn(chain->settings.warn_to, text);
}

bool aws_chain_sts(const struct aws_chain *chain, struct arena *arena, const char *profile, struct aws_sts_place *place,
                   struct error *err) {
    const struct aws_chain_settings *settings = &chain->settings;
    const char *region = NULL, *endpoint = NULL;
    if (!profile)
        profile = settings->profile;
    if (!aws_region_find(arena, settings->environment, profile, &region, err) ||
        !aws_endpoint_find(arena, settings->environment, profile, "sts", &endpoint, err))
        return false;
    region = region ? region : "us-east-1";
    if (!aws_region_valid(region))
        return error_set(err, ERROR_CONFIG, "\"%.64s\" is no region", region);
    *place = (struct aws_sts_place){.http = settings->http,
                                    .clock = settings->clock,
                                    .shared = settings->shared,
                                    .region = region,
                                    .endpoint = settings->sts_endpoint ? settings->sts_endpoint : endpoint};
    return true;
}

/* What was looked at and what would help, as one error. */
static bool nothing_found(const struct aws_chain *chain, const struct text *reasons, struct error *err) {
    const char *profile = chain->settings.profile;
    error_set(err, ERROR_DENIED, "there are no AWS credentials: %s", text_value(reasons));
    if (profile)
        return error_hint(err, "aws configure --profile %s", profile);
    return error_hint(err, "aws configure, or aws sso login, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
}

/* The place that had credentials the last time is asked alone; the others only once it has none. */
static bool ask_known(struct aws_chain *chain, struct arena *arena, int64_t now_ms, struct aws_credentials *credentials,
                      bool *answered, struct error *err) {
    unsigned found = atomic_load(&chain->found);
    for (size_t i = 0; found && i < ARRAY_LENGTH(places); i++) {
        struct error why = {0};
        if (places[i].place != found)
            continue;
        bool got = places[i].get(chain, arena, now_ms, credentials, &why);
        *answered = got || why.code != ERROR_ABSENT;
        return got || error_copy(err, &why);
    }
    return false;
}

static bool chain_get(const struct aws_credential_source *source, struct arena *arena, int64_t now_ms,
                      struct aws_credentials *credentials, struct error *err) {
    struct aws_chain *chain = source->self;
    struct text reasons TEXT_SCOPED;
    bool answered = false;
    text_open(&reasons, REASONS_SHOWN);
    if (ask_known(chain, arena, now_ms, credentials, &answered, err))
        return true;
    if (answered)
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        struct error why = {0};
        if (!(chain->settings.places & places[i].place))
            continue;
        if (places[i].get(chain, arena, now_ms, credentials, &why)) {
            atomic_store(&chain->found, places[i].place);
            return true;
        }
        if (why.code != ERROR_ABSENT)
            return error_copy(err, &why);
        text_append_format(&reasons, "%s%s (%.*s)", reasons.length ? ", " : "", places[i].name, REASON_SHOWN,
                           why.message);
    }
    return nothing_found(chain, &reasons, err);
}

/* The environment of a program does not change while it runs; everywhere else others may have been put. */
static bool chain_expire(const struct aws_credential_source *source, const char *key_id) {
    const struct aws_chain *chain = source->self;
    (void)key_id;
    return atomic_load(&chain->found) != AWS_PLACE_ENVIRONMENT;
}

static void chain_close(struct aws_credential_source *source) {
    struct aws_chain *chain = source->self;
    free((char *)(uintptr_t)chain->settings.profile);
    free((char *)(uintptr_t)chain->settings.env_file);
    free((char *)(uintptr_t)chain->settings.sts_endpoint);
    free(chain);
}

struct aws_credential_source *aws_chain_open(const struct aws_chain_settings *settings, struct error *err) {
    bool named = settings->profile && *settings->profile;
    unsigned wanted = settings->places ? settings->places : AWS_PLACE_ALL;
    if (!settings->environment || !settings->http) {
        error_set(err, ERROR_CONFIG, "a credential chain needs an environment and an HTTP client");
        return NULL;
    }
    if (wanted == AWS_PLACE_ENV_FILE && !settings->env_file) {
        error_set(err, ERROR_CONFIG, "no .env.automation is given");
        return NULL;
    }
    struct aws_chain *chain = memory_alloc(sizeof(*chain));
    chain->settings = *settings;
    chain->settings.places = named ? AWS_PLACE_PROFILE : wanted;
    chain->settings.clock = settings->clock ? settings->clock : clock_system();
    chain->settings.profile = named ? memory_text(settings->profile) : NULL;
    chain->settings.env_file = memory_text(settings->env_file);
    chain->settings.sts_endpoint = memory_text(settings->sts_endpoint);
    if (named)
        snprintf(chain->name, sizeof(chain->name), "profile %s", settings->profile);
    else
        snprintf(chain->name, sizeof(chain->name), "credential chain");
    chain->source = (struct aws_credential_source){
        .get = chain_get, .expire = chain_expire, .close = chain_close, .name = chain->name, .self = chain};
    return aws_cache_open(&chain->source);
}

void aws_chain_close(struct aws_credential_source *chain) {
    aws_credentials_close(chain);
}
