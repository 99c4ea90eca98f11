/* Opens what calls of AWS need, and takes the roles of the sites' accounts. */
#include "cli/cloud.h"

#include <stdlib.h>
#include <string.h>

#include "aws/credentials_chain.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cloud_parts.h"
#include "web/date.h"

enum {
    CONNECTIONS_MOST = 64,          /* to one host at a time; what uses them has its own numbers, which are smaller */
    FUNCTION_STALL_MS = 920 * 1000, /* a function works for 15 minutes at most, and may say nothing until then */
    CLOCK_ANSWER_MS = 20 * 1000,
    LOCAL_CONNECT_MS = 1000, /* where there is no metadata service, nobody answers */
};

static void warn(void *to, const char *text) {
    (void)to;
    log_warn("credentials", "%s", text);
}

static bool open_clients(struct cloud *cloud, struct error *err) {
    const struct options *options = cloud->context->options;
    struct http_client_settings settings = {
        .clock = cloud->context->clock,
        .per_host = CONNECTIONS_MOST,
        .attempts = 1,
        .allow_private = options_bool(options, "fetch.allow-private"),
        .stall_ms = options_integer(options, "fetch.stall"),
    };
    /* Whoever names an endpoint means it, wherever it is. */
    for (size_t i = 0; i < CLOUD_SERVICE_COUNT; i++)
        settings.allow_private = settings.allow_private || cloud->endpoints[i];
    int64_t rate = options_integer(options, "sync.bandwidth");
    if (rate)
        cloud->bandwidth = bandwidth_open(rate, cloud->context->clock);
    settings.bandwidth = cloud->bandwidth;
    cloud->http = http_client_open(&settings, err);
    settings.bandwidth = NULL;
    settings.stall_ms = FUNCTION_STALL_MS;
    cloud->slow = cloud->http ? http_client_open(&settings, err) : NULL;
    struct http_client_settings local = {
        .clock = cloud->context->clock, .attempts = 1, .allow_private = true, .connect_ms = LOCAL_CONNECT_MS};
    cloud->local = cloud->slow ? http_client_open(&local, err) : NULL;
    return cloud->local != NULL;
}

static bool open_base(struct cloud *cloud, struct error *err) {
    struct aws_chain_settings settings = {
        .environment = &cloud->environment,
        .http = cloud->http,
        .http_local = cloud->local,
        .clock = cloud->context->clock,
        .shared = cloud->shared,
        .profile = cloud_profile(cloud),
        .env_file = cloud->env_file,
        .warn = warn,
    };
    cloud->base = aws_chain_open(&settings, err);
    return cloud->base != NULL;
}

struct cloud *cloud_open(struct command_context *context, struct error *err) {
    struct cloud *cloud = memory_alloc(sizeof(*cloud));
    cloud->context = context;
    cloud->arena = arena_open();
    cloud->identity_arena = arena_open();
    cloud->shared = aws_shared_open();
    pthread_mutex_init(&cloud->lock, NULL);
    pthread_mutex_init(&cloud->identity_lock, NULL);
    if (cloud_settings_read(cloud, err) && open_clients(cloud, err) && open_base(cloud, err))
        return cloud;
    cloud_close(cloud);
    return NULL;
}

void cloud_close(struct cloud *cloud) {
    if (!cloud)
        return;
    for (struct cloud_role *role = cloud->roles, *next; role; role = next) {
        next = role->next;
        aws_assume_role_close(role->source);
        free(role->key);
        free(role->arn);
        free(role);
    }
    aws_chain_close(cloud->base);
    http_client_close(cloud->local);
    http_client_close(cloud->slow);
    http_client_close(cloud->http);
    bandwidth_close(cloud->bandwidth);
    aws_shared_close(cloud->shared);
    pthread_mutex_destroy(&cloud->identity_lock);
    pthread_mutex_destroy(&cloud->lock);
    arena_close(cloud->identity_arena);
    arena_close(cloud->arena);
    free(cloud);
}

const struct aws_credential_source *cloud_base_credentials(const struct cloud *cloud) {
    return cloud->base;
}

const char *cloud_region(const struct cloud *cloud) {
    return cloud->region;
}

const char *cloud_env_file(const struct cloud *cloud) {
    return cloud->env_file;
}

const char *cloud_endpoint(const struct cloud *cloud, enum cloud_service service) {
    return cloud->endpoints[service];
}

struct aws_client cloud_client(const struct cloud *cloud, enum cloud_service service,
                               const struct aws_credential_source *credentials, const char *region) {
    static const char *const names[] = {
#define X(service, name, option, fixed) name,
        CLOUD_SERVICES(X)
#undef X
    };
    static const char *const regions[] = {
#define X(service, name, option, fixed) fixed,
        CLOUD_SERVICES(X)
#undef X
    };
    const char *always = regions[service];
    return (struct aws_client){
        .http = service == CLOUD_LAMBDA ? cloud->slow : cloud->http,
        .credentials = credentials,
        .clock = cloud->context->clock,
        .shared = cloud->shared,
        .service = names[service],
        .region = always   ? always
                  : region ? region
                           : cloud->region,
        .endpoint = cloud->endpoints[service],
    };
}

struct s3_settings cloud_s3(const struct cloud *cloud, const struct aws_credential_source *credentials) {
    return (struct s3_settings){
        .http = cloud->http,
        .credentials = credentials,
        .clock = cloud->context->clock,
        .shared = cloud->shared,
        .region = cloud->region,
        .endpoint = cloud->endpoints[CLOUD_S3],
        .style = cloud->style,
        .cancel = cloud->context->cancel,
    };
}

/* ---- who we are ---- */

static bool ask_identity(struct cloud *cloud, struct error *err) {
    struct aws_failure failure = {0};
    struct aws_client sts = cloud_client(cloud, CLOUD_STS, cloud->base, NULL);
    arena_reset(cloud->identity_arena);
    cloud->identity_known = sts_get_caller_identity(cloud->identity_arena, &sts, &cloud->identity, &failure, err);
    return cloud->identity_known;
}

bool cloud_identity(struct cloud *cloud, struct sts_identity *identity, struct error *err) {
    pthread_mutex_lock(&cloud->identity_lock);
    bool done = cloud->identity_known || ask_identity(cloud, err);
    if (done)
        *identity = cloud->identity;
    pthread_mutex_unlock(&cloud->identity_lock);
    return done;
}

bool cloud_clock_skew(const struct cloud *cloud, struct arena *arena, int64_t *skew_ms, const struct cancel *cancel,
                      struct error *err) {
    const char *endpoint = cloud->endpoints[CLOUD_STS];
    struct http_request request = {
        .url = endpoint ? endpoint : arena_format(arena, "https://sts.%s.amazonaws.com/", cloud->region),
        .any_status = true,
        .no_redirects = true,
        .deadline_ms = CLOCK_ANSWER_MS,
        .cancel = cancel,
    };
    struct http_response response = {0};
    int64_t then_ms = 0;
    int64_t before_ms = clock_wall_ms(cloud->context->clock);
    if (!http_perform(cloud->http, arena, &request, &response, err))
        return false;
    int64_t after_ms = clock_wall_ms(cloud->context->clock);
    if (!date_parse(http_response_header(&response, "date"), &then_ms))
        return error_set(err, ERROR_INVALID, "%s: tells no time", request.url);
    *skew_ms = then_ms - before_ms - (after_ms - before_ms) / 2;
    return true;
}

/* ---- roles ---- */

const char *cloud_role_arn(const struct cloud *cloud, struct arena *arena, const char *account_id) {
    const char *partition = text_starts(cloud->region, "cn-")       ? "aws-cn"
                            : text_starts(cloud->region, "us-gov-") ? "aws-us-gov"
                                                                    : "aws";
    return arena_format(arena, "arn:%s:iam::%s:role/%s", partition, account_id, cloud->role_name);
}

/* "arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION" of that role? Paths of roles are not part of such an ARN. */
static bool is_role(const struct cloud *cloud, const struct sts_identity *identity, const char *account_id) {
    const char *name = strrchr(cloud->role_name, '/');
    name = name ? name + 1 : cloud->role_name;
    const char *kind = strstr(identity->arn, ":assumed-role/");
    const char *own = kind ? kind + strlen(":assumed-role/") : "";
    return strcmp(identity->account, account_id) == 0 && text_starts(own, name) && own[strlen(name)] == '/';
}

static struct cloud_role *open_role(struct cloud *cloud, const char *key, const char *account_id, const char *site_id,
                                    const char *purpose, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct aws_assume_role_settings settings = {
        .http = cloud->http,
        .clock = cloud->context->clock,
        .shared = cloud->shared,
        .source = cloud->base,
        .region = cloud->region,
        .endpoint = cloud->endpoints[CLOUD_STS],
        .role_arn = cloud_role_arn(cloud, arena, account_id),
        .session_name = aws_session_name(arena, purpose, site_id, clock_wall_ms(cloud->context->clock)),
    };
    struct aws_credential_source *source = aws_assume_role_open(&settings, err);
    if (!source)
        return NULL;
    struct cloud_role *role = memory_alloc(sizeof(*role));
    *role = (struct cloud_role){cloud->roles, memory_text(key), memory_text(settings.role_arn), source};
    cloud->roles = role;
    return role;
}

/* A role stays in the list until the cloud is closed, so what is found may be used without the lock. */
static const struct cloud_role *find_role(struct cloud *cloud, const char *account_id, const char *site_id,
                                          const char *purpose, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    const char *key = arena_format(arena, "%s/%s/%s", account_id, site_id, purpose);
    pthread_mutex_lock(&cloud->lock);
    struct cloud_role *role = cloud->roles;
    while (role && strcmp(role->key, key) != 0)
        role = role->next;
    if (!role)
        role = open_role(cloud, key, account_id, site_id, purpose, err);
    pthread_mutex_unlock(&cloud->lock);
    return role;
}

static bool is_account(const char *text) {
    return text && strlen(text) == 12 && strspn(text, "0123456789") == 12;
}

/* Says whose role could not be taken by whom. */
static bool refuse_role(struct cloud *cloud, const struct cloud_role *role, const char *account_id, const char *site_id,
                        const struct error *why, struct error *err) {
    struct sts_identity identity = {.arn = "the base credentials"};
    cloud_identity(cloud, &identity, NULL);
    error_copy(err, why);
    error_context(err, "%s: the role %s cannot be taken by %s", site_id, role->arn, identity.arn);
    if (why->code != ERROR_DENIED || !err)
        return false;
    err->hint[0] = '\0';
    return error_hint(err,
                      "account %s must have that role, and its trust policy must let this identity in; is the "
                      "accountId in .site-account-mappings.json right?",
                      account_id);
}

static const struct aws_credential_source *base_for(const struct cloud *cloud, const struct sts_identity *identity,
                                                    const char *account_id, const char *site_id, struct error *err) {
    if (strcmp(identity->account, account_id) == 0)
        return cloud->base;
    error_set(err, ERROR_DENIED, "%s: the credentials are of account %s, the site is in account %s", site_id,
              identity->account, account_id);
    error_hint(err, "--role-name names the role to take there");
    return NULL;
}

const struct aws_credential_source *cloud_site_credentials(struct cloud *cloud, const char *account_id,
                                                           const char *site_id, const char *purpose,
                                                           struct error *err) {
    struct sts_identity identity = {.account = "", .arn = ""};
    struct error why = {0};
    if (!is_account(account_id)) {
        error_set(err, ERROR_CONFIG, "%s: \"%s\" is no number of an account, which has 12 digits", site_id,
                  account_id ? account_id : "");
        error_hint(err, "correct accountId in .site-account-mappings.json");
        return NULL;
    }
    bool known = cloud_identity(cloud, &identity, &why);
    if (!known && (!*cloud->role_name || why.code != ERROR_HTTP)) {
        error_copy(err, &why);
        error_context(err, "%s", site_id);
        return NULL;
    }
    if (!*cloud->role_name)
        return base_for(cloud, &identity, account_id, site_id, err);
    if (known && is_role(cloud, &identity, account_id))
        return cloud->base;
    const struct cloud_role *role = find_role(cloud, account_id, site_id, purpose, err);
    if (!role)
        return NULL;
    ARENA_OWNED struct arena *arena = arena_open();
    struct aws_credentials credentials;
    if (aws_credentials_get(role->source, arena, clock_wall_ms(cloud->context->clock), &credentials, &why))
        return role->source;
    refuse_role(cloud, role, account_id, site_id, &why, err);
    return NULL;
}
