/* Finds credentials as the program does and says whose they are, for tests of the chain:
 * credentials_fixture [--profile NAME] [--env-file FILE] [--role ARN --session NAME]. Prints JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/credentials_chain.h"
#include "aws/profile.h"
#include "aws/sts.h"
#include "base/json.h"

static const char *variable(void *to, const char *name) {
    (void)to;
    return getenv(name);
}

static void warn(void *to, const char *text) {
    (void)to;
    fprintf(stderr, "warning: %s\n", text);
}

static const char *flag(int argc, char **argv, const char *name) {
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], name) == 0)
            return argv[i + 1];
    }
    return NULL;
}

static bool tell(struct arena *arena, const struct aws_client *client, struct error *err) {
    struct aws_credentials got;
    struct sts_identity identity;
    struct aws_failure failure;
    if (!aws_credentials_get(client->credentials, arena, clock_wall_ms(client->clock), &got, err) ||
        !sts_get_caller_identity(arena, client, &identity, &failure, err))
        return false;
    JSON_OWNED json_t *told =
        json_pack("{s:s, s:s, s:s, s:I, s:s}", "key_id", got.key_id, "account", identity.account, "arn", identity.arn,
                  "expires_ms", (json_int_t)got.expires_ms, "region", client->region);
    char *text = json_text(told, 0);
    puts(text);
    free(text);
    return true;
}

int main(int argc, char **argv) {
    struct error err = {0};
    struct arena *arena = arena_open();
    struct aws_environment environment = {variable, NULL, getenv("HOME")};
    struct http_client *http =
        http_client_open(&(struct http_client_settings){.allow_private = true, .attempts = 1}, &err);
    const char *profile = flag(argc, argv, "--profile"), *role = flag(argc, argv, "--role");
    const char *region = NULL, *endpoint = NULL;
    struct aws_chain_settings settings = {.environment = &environment,
                                          .http = http,
                                          .http_local = http,
                                          .profile = profile,
                                          .env_file = flag(argc, argv, "--env-file"),
                                          .warn = warn};
    struct aws_credential_source *chain = aws_chain_open(&settings, &err), *assumed = NULL;
    bool good = chain && aws_region_find(arena, &environment, profile, &region, &err) &&
                aws_endpoint_find(arena, &environment, profile, "sts", &endpoint, &err);
    struct aws_client client = {.http = http,
                                .credentials = chain,
                                .clock = clock_system(),
                                .service = "sts",
                                .region = region ? region : "us-east-1",
                                .endpoint = endpoint};
    if (good && role) {
        struct aws_assume_role_settings wanted = {.http = http,
                                                  .source = chain,
                                                  .region = client.region,
                                                  .endpoint = endpoint,
                                                  .role_arn = role,
                                                  .session_name = flag(argc, argv, "--session")};
        assumed = aws_assume_role_open(&wanted, &err);
        client.credentials = assumed;
        good = assumed != NULL;
    }
    good = good && tell(arena, &client, &err);
    if (!good)
        fprintf(stderr, "%s%s%s\n", err.message, *err.hint ? "; " : "", err.hint);
    aws_assume_role_close(assumed);
    aws_chain_close(chain);
    http_client_close(http);
    arena_close(arena);
    return good ? 0 : 1;
}
