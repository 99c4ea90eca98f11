/* What a podcast run asks of its accounts: buckets, functions, invalidations. */
#include <string.h>

#include "aws/cloudfront.h"
#include "aws/lambda.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cloud_parts.h"

enum { REASON_MOST = 300 }; /* of a function's own words, in an error */

const char *cloud_site_region(const struct cloud *cloud, struct arena *arena, const struct site_account *account) {
    /* "https://ID.execute-api.REGION.amazonaws.com/prod" */
    const char *mark = account->search_url ? strstr(account->search_url, ".execute-api.") : NULL;
    const char *region = mark ? mark + strlen(".execute-api.") : NULL;
    size_t length = region ? strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") : 0;
    if (!length || !text_starts(region + length, ".amazonaws.com"))
        return cloud->region;
    return arena_text_part(arena, region, length);
}

/* ---- buckets ---- */

static bool refuse_bucket(const struct site_account *account, const struct error *why, struct error *err) {
    error_copy(err, why);
    if (why->code == ERROR_ABSENT) {
        error_set(err, ERROR_ABSENT, "%s: there is no bucket %s", account->site_id, account->bucket);
        return error_hint(err, "the site's Terraform makes it; or correct bucketName in .site-account-mappings.json");
    }
    /* The driver names the bucket in what it was told by the service. */
    if (text_starts(why->message, "bucket "))
        error_context(err, "%s", account->site_id);
    else
        error_context(err, "%s: bucket %s", account->site_id, account->bucket);
    if (why->code != ERROR_DENIED || !err)
        return false;
    err->hint[0] = '\0';
    return error_hint(err,
                      "it must belong to account %s, and the role there must be let in: s3:ListBucket and "
                      "GetObject, PutObject, DeleteObject below it",
                      account->account_id);
}

static struct object_store *open_bucket(void *to, const struct site_account *account, const char *purpose,
                                        struct error *err) {
    struct cloud *cloud = to;
    struct error why = {0};
    const struct aws_credential_source *credentials =
        cloud_site_credentials(cloud, account->account_id, account->site_id, purpose, err);
    if (!credentials)
        return NULL;
    struct s3_settings settings = cloud_s3(cloud, credentials);
    settings.bucket = account->bucket;
    settings.account = account->account_id;
    struct object_store *store = s3_store_open(&settings, &why);
    ARENA_OWNED struct arena *arena = arena_open();
    const char *region = NULL;
    if (store && s3_store_check(store, arena, &region, &why))
        return store;
    object_store_close(store);
    refuse_bucket(account, &why, err);
    return NULL;
}

/* ---- functions ---- */

static bool refuse_function(const struct site_account *account, const struct aws_client *client, const char *function,
                            const struct error *why, struct error *err) {
    error_copy(err, why);
    if (why->code == ERROR_ABSENT) {
        error_set(err, ERROR_ABSENT, "%s: there is no function %s in account %s, region %s", account->site_id, function,
                  account->account_id, client->region);
        return error_hint(err, "the site's Terraform makes it; --region names another region");
    }
    error_context(err, "%s: function %s", account->site_id, function);
    if (why->code == ERROR_DENIED)
        error_hint(err, "the role in account %s must be allowed lambda:InvokeFunction on it", account->account_id);
    return false;
}

static const char *text_of(struct arena *arena, const json_t *value) {
    const char *text = json_string_value(value);
    return arena_text_part(arena, text, utf8_cut(text, strlen(text) < REASON_MOST ? strlen(text) : REASON_MOST));
}

/* The words in what a function says of its failure: {"errorMessage"}, {"message"}, {"error"}, a text, or all of it. */
static const char *reason_of(struct arena *arena, const json_t *value, const char *otherwise) {
    static const char *const names[] = {"errorMessage", "message", "Message", "error"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (json_is_string(json_object_get(value, names[i])))
            return text_of(arena, json_object_get(value, names[i]));
    if (json_is_string(value)) {
        JSON_OWNED json_t *inner = json_parse(json_string_value(value), json_string_length(value), NULL);
        return json_is_object(inner) ? reason_of(arena, inner, json_string_value(value)) : text_of(arena, value);
    }
    return arena_text_part(arena, otherwise,
                           utf8_cut(otherwise, strlen(otherwise) < REASON_MOST ? strlen(otherwise) : REASON_MOST));
}

/* A function may fail by itself, or answer as if to an HTTP gateway: {"statusCode": 500, "body": "..."}. */
static bool check_answer(const struct lambda_answer *answer, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    JSON_OWNED json_t *value = json_parse(answer->payload, answer->payload_length, NULL);
    if (answer->function_error) {
        error_set(err, ERROR_HTTP, "failed: %s", reason_of(arena, value, answer->payload));
        if (err) {
            err->retryable = true;
            snprintf(err->name, sizeof(err->name), "%s", json_get_text(value, "errorType", ""));
        }
        return false;
    }
    int64_t status = json_get_int(value, "statusCode", 200);
    if (status < 400)
        return true;
    error_set(err, ERROR_HTTP, "answered with status %lld: %s", (long long)status,
              reason_of(arena, json_object_get(value, "body"), answer->payload));
    if (err) {
        err->status = status < 1000 ? (int)status : 0;
        err->retryable = status >= 500 || status == 429;
    }
    return false;
}

static bool call_function(struct cloud *cloud, struct arena *arena, const struct site_account *account,
                          const char *purpose, const struct lambda_call *call, struct lambda_answer *answer,
                          struct error *err) {
    struct error why = {0};
    struct aws_failure failure = {0};
    const struct aws_credential_source *credentials =
        cloud_site_credentials(cloud, account->account_id, account->site_id, purpose, err);
    if (!credentials)
        return false;
    struct aws_client client = cloud_client(cloud, CLOUD_LAMBDA, credentials, cloud_site_region(cloud, arena, account));
    if (!lambda_invoke(arena, &client, call, answer, &failure, &why))
        return refuse_function(account, &client, call->function, &why, err);
    return true;
}

static bool invoke(void *to, struct arena *arena, const struct site_account *account, const char *purpose,
                   const char *function, bool async, const char *payload, const char **answer,
                   const struct cancel *cancel, struct error *err) {
    struct lambda_call call = {.function = function,
                               .invocation_type = async ? "Event" : "RequestResponse",
                               .payload = payload,
                               .payload_length = payload ? strlen(payload) : 0,
                               .cancel = cancel};
    struct lambda_answer told = {0};
    if (!call_function(to, arena, account, purpose, &call, &told, err))
        return false;
    if (async && told.response.status != 202)
        return error_set(err, ERROR_HTTP, "%s: function %s: was not accepted (status %d)", account->site_id, function,
                         told.response.status);
    if (!async && !check_answer(&told, err))
        return error_context(err, "%s: function %s", account->site_id, function);
    if (answer)
        *answer = told.payload;
    return true;
}

bool cloud_function_check(struct cloud *cloud, const struct site_account *account, const char *purpose,
                          const char *function, const struct cancel *cancel, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct lambda_call call = {.function = function, .invocation_type = "DryRun", .cancel = cancel};
    struct lambda_answer answer = {0};
    return call_function(cloud, arena, account, purpose, &call, &answer, err);
}

/* ---- distributions ---- */

static bool refuse_distribution(const struct site_account *account, const struct error *why, const char *permission,
                                struct error *err) {
    error_copy(err, why);
    if (why->code == ERROR_ABSENT) {
        error_set(err, ERROR_ABSENT, "%s: there is no distribution %s in account %s", account->site_id,
                  account->distribution, account->account_id);
        return error_hint(err, "correct cloudfrontId in .site-account-mappings.json");
    }
    error_context(err, "%s: distribution %s", account->site_id, account->distribution);
    if (why->code == ERROR_DENIED)
        error_hint(err, "the role in account %s must be allowed %s", account->account_id, permission);
    return false;
}

static bool invalidate(void *to, struct arena *arena, const struct site_account *account, const char *reference,
                       const char *const *paths, size_t count, const char **id, const struct cancel *cancel,
                       struct error *err) {
    struct cloud *cloud = to;
    struct error why = {0};
    struct aws_failure failure = {0};
    struct cloudfront_invalidation made = {0};
    if (!account->distribution)
        return error_set(err, ERROR_CONFIG, "%s: no distribution is known", account->site_id);
    if (cancel_requested(cancel))
        return error_set(err, ERROR_CANCELLED, "cancelled");
    const struct aws_credential_source *credentials =
        cloud_site_credentials(cloud, account->account_id, account->site_id, "cf", err);
    if (!credentials)
        return false;
    struct aws_client client = cloud_client(cloud, CLOUD_CLOUDFRONT, credentials, NULL);
    if (!cloudfront_create_invalidation(arena, &client, account->distribution, reference, paths, count, &made, &failure,
                                        &why))
        return refuse_distribution(account, &why, "cloudfront:CreateInvalidation", err);
    if (id)
        *id = made.id;
    return true;
}

/* Who may not look at a distribution may still ask for an invalidation that nobody made: whether it is the invalidation
 * or the distribution that is missing tells what is wanted. */
static bool probe_distribution(struct arena *arena, const struct aws_client *client, const char *distribution,
                               struct error *err) {
    struct aws_failure failure = {0};
    struct cloudfront_invalidation found = {0};
    return cloudfront_get_invalidation(arena, client, distribution, "I00000000000000", &found, &failure, err) ||
           (failure.type && strcmp(failure.type, "NoSuchInvalidation") == 0) ||
           (failure.code && strcmp(failure.code, "NoSuchInvalidation") == 0);
}

bool cloud_distribution_check(struct cloud *cloud, struct arena *arena, const struct site_account *account,
                              const char *purpose, const char **domain, struct error *err) {
    struct error why = {0};
    struct aws_failure failure = {0};
    const char *found = "";
    const struct aws_credential_source *credentials =
        cloud_site_credentials(cloud, account->account_id, account->site_id, purpose, err);
    if (!credentials)
        return false;
    struct aws_client client = cloud_client(cloud, CLOUD_CLOUDFRONT, credentials, NULL);
    if (!cloudfront_get_distribution(arena, &client, account->distribution, &found, &failure, &why)) {
        found = "";
        if (why.code != ERROR_DENIED || !probe_distribution(arena, &client, account->distribution, &why))
            return refuse_distribution(account, &why, "cloudfront:GetInvalidation and CreateInvalidation", err);
    }
    *domain = found;
    return true;
}

struct podcast_cloud cloud_podcast(struct cloud *cloud) {
    return (struct podcast_cloud){.to = cloud, .open_bucket = open_bucket, .invoke = invoke, .invalidate = invalidate};
}
