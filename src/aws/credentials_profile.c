/* Credentials of a profile (AWS SDKs Reference Guide, "Assume role credential provider", "Process credential provider",
 * "IAM Identity Center credential provider", "AWS access keys"). The files are read at each get: a login, a rotated
 * key, an edit count at once. */
#include <string.h>

#include "aws/credentials_parts.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

/* A profile on the way from the one in use to the keys that everything begins with. */
struct hop {
    const struct aws_section *profile;
    struct aws_role role;
};

struct walk {
    struct aws_chain *chain;
    struct arena *arena;
    const struct aws_config *config;
    int64_t now_ms;
    struct hop hops[LIMIT_AWS_ROLES];
    size_t count;
};

static const char *place_names(const struct walk *walk) {
    const char *config = aws_config_path(walk->config, AWS_FILE_CONFIG);
    const char *credentials = aws_config_path(walk->config, AWS_FILE_CREDENTIALS);
    return arena_format(walk->arena, "%s and %s", config ? config : "(no config file)",
                        credentials ? credentials : "(no credentials file)");
}

/* That a profile which was asked for by name is not there. */
static bool no_profile(const struct walk *walk, const char *name, struct error *err) {
    size_t count;
    const char *const *names = aws_config_names(walk->config, walk->arena, AWS_SECTION_PROFILE, &count);
    const char *near = text_nearest(name, names, count);
    error_set(err, ERROR_CONFIG, "it is not in %s", place_names(walk));
    return near ? error_hint(err, "did you mean %s?", near) : error_hint(err, "aws configure --profile %s", name);
}

static bool read_duration(const char *text, unsigned *seconds, struct error *err) {
    uint64_t value = 0;
    if (text && (!text_to_uint64(text, &value) || value == 0 || value > UINT32_MAX))
        return error_set(err, ERROR_CONFIG, "duration_seconds is no number of seconds");
    *seconds = (unsigned)value;
    return true;
}

/* The role that a profile assumes; the last hop's. */
static bool read_role(const struct aws_section *profile, struct aws_role *role, struct error *err) {
    *role = (struct aws_role){.arn = aws_section_value(profile, "role_arn"),
                              .session_name = aws_section_value(profile, "role_session_name"),
                              .external_id = aws_section_value(profile, "external_id"),
                              .token_file = aws_section_value(profile, "web_identity_token_file")};
    const char *source = aws_section_value(profile, "source_profile");
    const char *place = aws_section_value(profile, "credential_source");
    int ways = (source != NULL) + (place != NULL) + (role->token_file != NULL);
    if (ways != 1)
        return error_set(err, ERROR_CONFIG,
                         "role_arn needs %s source_profile, credential_source and web_identity_token_file",
                         ways ? "only one of" : "one of");
    if (aws_section_value(profile, "mfa_serial")) {
        error_set(err, ERROR_UNSUPPORTED, "mfa_serial asks for a code, and nobody is there to type it");
        return error_hint(err, "take a profile with sso_session, or a role that needs no code");
    }
    return read_duration(aws_section_value(profile, "duration_seconds"), &role->duration_s, err) &&
           aws_role_check(role, err);
}

static bool has_keys(const struct aws_section *profile) {
    return aws_section_value(profile, "aws_access_key_id") || aws_section_value(profile, "aws_secret_access_key");
}

static bool read_keys(const struct walk *walk, const struct aws_section *profile, struct aws_credentials *credentials,
                      struct error *err) {
    struct aws_credentials given = {.key_id = aws_section_value(profile, "aws_access_key_id"),
                                    .secret = aws_section_value(profile, "aws_secret_access_key"),
                                    .token = aws_section_value(profile, "aws_session_token")};
    if (!given.key_id || !given.secret)
        return error_set(err, ERROR_CONFIG, "%s is missing",
                         given.key_id ? "aws_secret_access_key" : "aws_access_key_id");
    return aws_credentials_accept(walk->arena, "it", &given, walk->now_ms, credentials, err);
}

/* The keys of a profile that assumes no role. */
static bool read_base(struct walk *walk, const struct aws_section *profile, struct aws_credentials *credentials,
                      struct error *err) {
    const char *command = aws_section_value(profile, "credential_process");
    if (aws_section_value(profile, "sso_session") || aws_section_value(profile, "sso_start_url"))
        return aws_sso_credentials(walk->chain, walk->arena, walk->config, profile, walk->now_ms, credentials, err);
    if (has_keys(profile))
        return read_keys(walk, profile, credentials, err);
    if (command)
        return aws_process_credentials(walk->chain->settings.clock, walk->arena, command, walk->now_ms, credentials,
                                       err);
    return error_set(err, ERROR_ABSENT, "it has neither keys nor sso_session, credential_process or role_arn");
}

/* The keys of the place that credential_source names. */
static bool read_place(struct walk *walk, const char *name, struct aws_credentials *credentials, struct error *err) {
    static const struct {
        const char *name;
        aws_provide *get;
    } places[] = {{"Environment", aws_provide_environment},
                  {"EcsContainer", aws_provide_container},
                  {"Ec2InstanceMetadata", aws_provide_instance}};
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        if (strcmp(places[i].name, name) == 0)
            return places[i].get(walk->chain, walk->arena, walk->now_ms, credentials, err) ||
                   error_context(err, "credential_source %s", name);
    }
    return error_set(err, ERROR_CONFIG, "credential_source is none of Environment, EcsContainer, Ec2InstanceMetadata");
}

static bool is_on_the_way(const struct walk *walk, const struct aws_section *profile) {
    for (size_t i = 0; i < walk->count; i++) {
        if (walk->hops[i].profile == profile)
            return true;
    }
    return false;
}

/* With a token nobody's keys are needed: the last hop's role is where the way begins. */
static bool read_token(struct walk *walk, struct aws_credentials *credentials, struct error *err) {
    const struct hop *hop = &walk->hops[walk->count - 1];
    struct aws_sts_place place;
    if (!aws_chain_sts(walk->chain, walk->arena, aws_section_name(hop->profile), &place, err) ||
        !aws_role_web_identity(walk->arena, &place, &hop->role, walk->now_ms, credentials, err))
        return false;
    walk->count--;
    return true;
}

/* Follows source_profile to the first keys; the roles on the way are in walk->hops. */
static bool walk_to_keys(struct walk *walk, const struct aws_section *profile, struct aws_credentials *credentials,
                         struct error *err) {
    for (;;) {
        const char *name = aws_section_name(profile);
        bool again = is_on_the_way(walk, profile);
        if (again && has_keys(profile))
            return read_keys(walk, profile, credentials, err);
        if (again)
            return error_set(err, ERROR_CONFIG, "source_profile leads in a circle, back to %s", name);
        if (!aws_section_value(profile, "role_arn"))
            return read_base(walk, profile, credentials, err) ||
                   (walk->count > 0 && error_context(err, "source_profile %s", name));
        if (walk->count == LIMIT_AWS_ROLES)
            return error_set(err, ERROR_LIMIT, "source_profile leads over more than %d roles", LIMIT_AWS_ROLES);
        struct hop *hop = &walk->hops[walk->count];
        if (!read_role(profile, &hop->role, err))
            return walk->count > 0 ? error_context(err, "source_profile %s", name) : false;
        hop->profile = profile;
        walk->count++;
        if (hop->role.token_file)
            return read_token(walk, credentials, err);
        const char *place = aws_section_value(profile, "credential_source");
        if (place)
            return read_place(walk, place, credentials, err);
        const char *next = aws_section_value(profile, "source_profile");
        profile = aws_config_section(walk->config, AWS_SECTION_PROFILE, next);
        if (!profile)
            return no_profile(walk, next, err) || error_context(err, "source_profile %s", next);
    }
}

/* Back from the keys to the profile in use, a role at a time. */
static bool walk_back(struct walk *walk, struct aws_credentials *credentials, struct error *err) {
    for (; walk->count > 0; walk->count--) {
        const struct hop *hop = &walk->hops[walk->count - 1];
        struct aws_sts_place place;
        struct aws_credential_source source =
            aws_credentials_fixed(credentials->key_id, credentials->secret, credentials->token);
        if (!aws_chain_sts(walk->chain, walk->arena, aws_section_name(hop->profile), &place, err) ||
            !aws_role_assume(walk->arena, &place, &source, &hop->role, walk->now_ms, credentials, err))
            return false;
    }
    return true;
}

static void warn_of_files(const struct walk *walk) {
    static const enum aws_warning warnings[AWS_FILE_COUNT] = {
        [AWS_FILE_CONFIG] = AWS_WARN_CONFIG, [AWS_FILE_CREDENTIALS] = AWS_WARN_CREDENTIALS};
    for (int file = 0; file < AWS_FILE_COUNT; file++) {
        if (aws_config_shared(walk->config, (enum aws_config_file)file))
            aws_chain_warn(walk->chain, warnings[file], aws_config_path(walk->config, (enum aws_config_file)file));
    }
}

bool aws_provide_profile(struct aws_chain *chain, struct arena *arena, int64_t now_ms,
                         struct aws_credentials *credentials, struct error *err) {
    const struct aws_environment *environment = chain->settings.environment;
    const char *name = aws_profile_name(environment, chain->settings.profile);
    struct walk walk = {.chain = chain, .arena = arena, .now_ms = now_ms};
    struct aws_credentials found = {0};
    struct error why = {0};
    walk.config = aws_config_read(arena, environment, err);
    if (!walk.config)
        return false;
    warn_of_files(&walk);
    const struct aws_section *profile = aws_config_section(walk.config, AWS_SECTION_PROFILE, name);
    bool named = chain->settings.profile || aws_environment_value(environment, "AWS_PROFILE") ||
                 aws_environment_value(environment, "AWS_DEFAULT_PROFILE");
    if (!profile && !named)
        return error_set(err, ERROR_ABSENT, "no \"%s\" in %s", name, place_names(&walk));
    if (profile ? walk_to_keys(&walk, profile, &found, &why) && walk_back(&walk, &found, &why)
                : no_profile(&walk, name, &why)) {
        *credentials = found;
        return true;
    }
    /* Only a profile that says nothing of credentials is an empty place; what it points at must be there. */
    if (why.code == ERROR_ABSENT && walk.count > 0)
        why.code = ERROR_DENIED;
    error_context(&why, "profile %s", name);
    return error_copy(err, &why);
}
