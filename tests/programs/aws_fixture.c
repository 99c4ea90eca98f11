/* One call of an AWS service through tidemill's own client, for tests against real servers and peers:
 *   aws_fixture ENDPOINT REGION identity | assume ROLE SESSION | web ROLE SESSION TOKEN | publish TOPIC SUBJECT MESSAGE
 * | invalidate DISTRIBUTION REFERENCE PATH... | invalidation DISTRIBUTION ID | distribution DISTRIBUTION | invoke
 * FUNCTION PAYLOAD | request SERVICE METHOD PATH QUERY Keys come from the three AWS_ variables. Prints one JSON object;
 * the exit status is 1 for a failure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/cloudfront.h"
#include "aws/lambda.h"
#include "aws/sns.h"
#include "aws/sts.h"
#include "base/json.h"
#include "base/memory.h"

struct run {
    struct arena *arena;
    struct aws_client client;
    char **words; /* after the command; ends in NULL */
    int count;
    struct aws_failure failure;
    struct error err;
};

static json_t *run_identity(struct run *run) {
    struct sts_identity identity;
    run->client.service = "sts";
    if (!sts_get_caller_identity(run->arena, &run->client, &identity, &run->failure, &run->err))
        return NULL;
    return json_pack("{s:s, s:s, s:s}", "account", identity.account, "arn", identity.arn, "user_id", identity.user_id);
}

static json_t *run_assume(struct run *run) {
    struct aws_credentials made;
    struct sts_role role = {.role_arn = run->words[0], .session_name = run->words[1], .duration_s = 900};
    run->client.service = "sts";
    if (run->count > 2)
        role.web_identity_token = run->words[2];
    bool good = run->count > 2 ? sts_assume_role_with_web_identity(run->arena, &run->client, &role, &made,
                                                                   &run->failure, &run->err)
                               : sts_assume_role(run->arena, &run->client, &role, &made, &run->failure, &run->err);
    if (!good)
        return NULL;
    return json_pack("{s:s, s:s, s:s, s:I}", "key_id", made.key_id, "secret", made.secret, "token", made.token,
                     "expires_ms", (json_int_t)made.expires_ms);
}

static json_t *run_publish(struct run *run) {
    const char *id = NULL;
    run->client.service = "sns";
    if (!sns_publish(run->arena, &run->client, run->words[0], run->words[1], run->words[2], &id, &run->failure,
                     &run->err))
        return NULL;
    return json_pack("{s:s}", "message_id", id);
}

static json_t *told(const struct cloudfront_invalidation *invalidation) {
    return json_pack("{s:s, s:s}", "id", invalidation->id, "status", invalidation->status);
}

static json_t *run_invalidate(struct run *run) {
    struct cloudfront_invalidation made;
    run->client.service = "cloudfront";
    return cloudfront_create_invalidation(run->arena, &run->client, run->words[0], run->words[1],
                                          (const char *const *)run->words + 2, (size_t)run->count - 2, &made,
                                          &run->failure, &run->err)
               ? told(&made)
               : NULL;
}

static json_t *run_invalidation(struct run *run) {
    struct cloudfront_invalidation found;
    run->client.service = "cloudfront";
    return cloudfront_get_invalidation(run->arena, &run->client, run->words[0], run->words[1], &found, &run->failure,
                                       &run->err)
               ? told(&found)
               : NULL;
}

static json_t *run_distribution(struct run *run) {
    const char *domain = NULL;
    run->client.service = "cloudfront";
    return cloudfront_get_distribution(run->arena, &run->client, run->words[0], &domain, &run->failure, &run->err)
               ? json_pack("{s:s}", "domain", domain)
               : NULL;
}

static json_t *run_invoke(struct run *run) {
    struct lambda_answer answer;
    struct lambda_call call = {
        .function = run->words[0], .payload = run->words[1], .payload_length = strlen(run->words[1])};
    run->client.service = "lambda";
    if (!lambda_invoke(run->arena, &run->client, &call, &answer, &run->failure, &run->err))
        return NULL;
    return json_pack("{s:s, s:s?}", "payload", answer.payload, "function_error", answer.function_error);
}

static json_t *run_request(struct run *run) {
    struct http_response response;
    struct aws_call call = {.method = run->words[1], .path = run->words[2], .query = run->words[3]};
    run->client.service = run->words[0];
    run->client.s3 = strcmp(run->words[0], "s3") == 0;
    if (!aws_client_call(run->arena, &run->client, &call, &response, &run->failure, &run->err))
        return NULL;
    return json_pack("{s:i, s:s}", "status", response.status, "body", response.body);
}

static const struct {
    const char *name;
    int least, most;
    json_t *(*run)(struct run *run);
} commands[] = {
    {"identity", 0, 0, run_identity},
    {"assume", 2, 2, run_assume},
    {"web", 3, 3, run_assume},
    {"publish", 3, 3, run_publish},
    {"invalidate", 3, 4000, run_invalidate},
    {"invalidation", 2, 2, run_invalidation},
    {"distribution", 1, 1, run_distribution},
    {"invoke", 2, 2, run_invoke},
    {"request", 4, 4, run_request},
};

static json_t *failed(const struct run *run) {
    return json_pack("{s:s, s:s, s:s, s:i, s:s}", "error", error_name(run->err.code), "message", run->err.message,
                     "type", run->failure.type, "status", run->failure.status, "hint", run->err.hint);
}

int main(int argc, char **argv) {
    for (size_t i = 0; argc > 3 && i < ARRAY_LENGTH(commands); i++) {
        if (strcmp(argv[3], commands[i].name) != 0 || argc - 4 < commands[i].least || argc - 4 > commands[i].most)
            continue;
        struct aws_credential_source source = aws_credentials_fixed(
            getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN"));
        struct http_client *http = http_client_open(&(struct http_client_settings){.allow_private = true}, NULL);
        struct run run = {.arena = arena_open(), .words = argv + 4, .count = argc - 4};
        run.client = (struct aws_client){
            .http = http, .credentials = &source, .shared = aws_shared_open(), .region = argv[2], .endpoint = argv[1]};
        JSON_OWNED json_t *result = commands[i].run(&run);
        JSON_OWNED json_t *shown = result ? json_incref(result) : failed(&run);
        TEXT_OWNED char *text = json_text(shown, 0);
        puts(text);
        aws_shared_close(run.client.shared);
        arena_close(run.arena);
        http_client_close(http);
        return result ? 0 : 1;
    }
    fprintf(stderr, "aws_fixture: see its source\n");
    return 2;
}
