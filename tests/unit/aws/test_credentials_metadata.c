#include "support/unit.h"

#include <string.h>

#include "aws/credentials_chain.h"
#include "base/log.h"
#include "base/text.h"
#include "support/scratch.h"
#include "support/scripted_server.h"
#include "support/test_clock.h"
#include "support/test_environment.h"

#define KEYS                                                                                                           \
    "{\"Code\":\"Success\",\"LastUpdated\":\"2026-09-21T14:00:00Z\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"ASIA1\","  \
    "\"SecretAccessKey\":\"metadata-secret\",\"Token\":\"metadata-token\",\"Expiration\":\"2026-09-21T15:13:20Z\"}"

static const int64_t now = INT64_C(1790000000000); /* 2026-09-21T14:13:20Z */
static const int64_t hour = 3600000;
static struct scripted_server *server;
static struct scratch *scratch;
static struct http_client *http;
static struct test_environment environment;
static struct test_clock test_time;

static int start(void **state) {
    (void)state;
    server = scripted_server_open();
    scratch = scratch_open();
    http = http_client_open(&(struct http_client_settings){.allow_private = true, .attempts = 1}, NULL);
    test_clock_open(&test_time, now);
    return 0;
}

static int stop(void **state) {
    (void)state;
    http_client_close(http);
    scratch_close(scratch);
    scripted_server_close(server);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    scripted_server_reset(server);
    test_environment_open(&environment, scratch->path);
    return 0;
}

static void set(const char *name, const char *value) {
    test_environment_set(&environment, name, value);
}

static bool ask(struct arena *arena, unsigned places, struct aws_credentials *got, struct error *err) {
    *err = (struct error){0};
    struct aws_credential_source *chain = aws_chain_open(
        &(struct aws_chain_settings){
            .environment = &environment.environment, .http = http, .http_local = http, .places = places},
        err);
    assert_non_null(chain);
    bool good = aws_credentials_get(chain, arena, now, got, err);
    aws_chain_close(chain);
    return good;
}

static void expect_keys(unsigned places) {
    struct arena *arena ARENA_OWNED = arena_open();
    struct aws_credentials got;
    struct error err;
    if (!ask(arena, places, &got, &err))
        fail_msg("%s", err.message);
    assert_string_equal(got.key_id, "ASIA1");
    assert_string_equal(got.secret, "metadata-secret");
    assert_string_equal(got.token, "metadata-token");
    assert_int_equal(got.expires_ms, now + hour);
    char line[] = "metadata-secret metadata-token";
    assert_string_equal(redact_text(line), "*** ***");
}

static void expect_failure(unsigned places, const char *part) {
    struct arena *arena ARENA_OWNED = arena_open();
    struct aws_credentials got;
    struct error err;
    assert_false(ask(arena, places, &got, &err));
    if (!strstr(err.message, part))
        fail_msg("%s", err.message);
    assert_null(strstr(err.message, "metadata-"));
}

/* ---- instances ---- */

static void an_instance_gives_the_keys_of_its_role(void **state) {
    (void)state;
    set("AWS_EC2_METADATA_SERVICE_ENDPOINT", scripted_server_url(server));
    scripted_server_say(server, 200, "", "a-metadata-service-token");
    scripted_server_say(server, 200, "", "the role/1\n");
    scripted_server_say(server, 200, "", KEYS);
    expect_keys(AWS_PLACE_INSTANCE);
    const char *heard = scripted_server_heard(server);
    assert_true(text_starts(heard, "GET /latest/meta-data/iam/security-credentials/the%20role%2F1 HTTP/1.1\r\n"));
    assert_non_null(strstr(heard, "\r\nX-aws-ec2-metadata-token: a-metadata-service-token\r\n"));
    assert_int_equal(scripted_server_reset(server), 3);
}

static void the_token_is_asked_for_with_its_time_to_live(void **state) {
    (void)state;
    set("AWS_EC2_METADATA_SERVICE_ENDPOINT", arena_format(scratch->arena, "%s/", scripted_server_url(server)));
    scripted_server_say(server, 500, "", "");
    scripted_server_say(server, 400, "", "");
    expect_failure(AWS_PLACE_INSTANCE, "gave no token (it answered 400)");
    const char *heard = scripted_server_heard(server);
    assert_true(text_starts(heard, "PUT /latest/api/token HTTP/1.1\r\n"));
    assert_non_null(strstr(heard, "\r\nX-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"));
}

static void without_tokens_only_where_the_service_has_none(void **state) {
    (void)state;
    set("AWS_EC2_METADATA_SERVICE_ENDPOINT", scripted_server_url(server));
    static const int statuses[] = {403, 404, 405};
    for (int i = 0; i < 3; i++) {
        scripted_server_say(server, statuses[i], "", "");
        scripted_server_say(server, 200, "", "role");
        scripted_server_say(server, 200, "", KEYS);
        expect_keys(AWS_PLACE_INSTANCE);
        assert_null(strstr(scripted_server_heard(server), "metadata-token"));
    }
    set("AWS_EC2_METADATA_V1_DISABLED", "true");
    scripted_server_reset(server);
    scripted_server_say(server, 403, "", "");
    expect_failure(AWS_PLACE_INSTANCE, "AWS_EC2_METADATA_V1_DISABLED");
    assert_int_equal(scripted_server_reset(server), 1);
}

static void what_an_instance_does_not_have(void **state) {
    (void)state;
    set("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
    expect_failure(AWS_PLACE_INSTANCE,
                   "there are no AWS credentials: instance (nothing answers at http://127.0.0.1:1: this is no EC2");
    set("AWS_EC2_METADATA_SERVICE_ENDPOINT", scripted_server_url(server));
    scripted_server_say(server, 200, "", "a-metadata-service-token");
    scripted_server_say(server, 404, "", "");
    expect_failure(AWS_PLACE_INSTANCE, "there are no AWS credentials: instance (the instance has no role)");
    set("AWS_EC2_METADATA_DISABLED", "True");
    scripted_server_reset(server);
    expect_failure(AWS_PLACE_INSTANCE, "there are no AWS credentials: instance (AWS_EC2_METADATA_DISABLED is true)");
    assert_int_equal(scripted_server_reset(server), 0);
}

static void what_an_instance_gives_is_checked(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *body, *part;
    } rows[] = {
        {200, "{\"Code\":\"AssumeRoleUnauthorizedAccess\"}", "gave no credentials: AssumeRoleUnauthorizedAccess"},
        {200, "<html>", "gave no JSON object"},
        {200, "{\"Code\":\"Success\",\"AccessKeyId\":\"A\"}", "gave no secret access key"},
        {200, "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"metadata-x\",\"Expiration\":\"2026-09-21T14:13:19Z\"}",
         "expired at 2026-09-21T14:13:19.000Z"},
        {400, "", "gave no credentials (it answered 400)"},
        {302, "", "gave no credentials (it answered 302)"},
    };
    set("AWS_EC2_METADATA_SERVICE_ENDPOINT", scripted_server_url(server));
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        scripted_server_reset(server);
        scripted_server_say(server, 200, "", "a-metadata-service-token");
        scripted_server_say(server, 200, "", "role");
        scripted_server_say(server, rows[i].status, "Location: /elsewhere\r\n", rows[i].body);
        expect_failure(AWS_PLACE_INSTANCE, rows[i].part);
    }
    /* An answer that breaks off is asked for once more. */
    scripted_server_reset(server);
    scripted_server_say(server, 200, "", NULL);
    scripted_server_say(server, 200, "", "a-metadata-service-token");
    scripted_server_say(server, 200, "", "role");
    scripted_server_say(server, 200, "", KEYS);
    expect_keys(AWS_PLACE_INSTANCE);
}

/* ---- containers ---- */

static void a_container_gives_the_keys_of_its_task(void **state) {
    (void)state;
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI",
        arena_format(scratch->arena, "%s/v2/credentials?id=1", scripted_server_url(server)));
    scripted_server_say(server, 200, "", KEYS);
    expect_keys(AWS_PLACE_CONTAINER);
    const char *heard = scripted_server_heard(server);
    assert_true(text_starts(heard, "GET /v2/credentials?id=1 HTTP/1.1\r\n"));
    assert_null(strstr(heard, "Authorization"));
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer one");
    scripted_server_say(server, 200, "", KEYS);
    expect_keys(AWS_PLACE_CONTAINER);
    assert_non_null(strstr(scripted_server_heard(server), "\r\nAuthorization: Bearer one\r\n"));
    /* The file counts for more, and is read each time. */
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", scratch_write(scratch, "token", "Bearer two\n"));
    scripted_server_say(server, 200, "", KEYS);
    expect_keys(AWS_PLACE_CONTAINER);
    assert_non_null(strstr(scripted_server_heard(server), "\r\nAuthorization: Bearer two\r\n"));
    scratch_write(scratch, "token", "Bearer three");
    scripted_server_say(server, 200, "", KEYS);
    expect_keys(AWS_PLACE_CONTAINER);
    assert_non_null(strstr(scripted_server_heard(server), "\r\nAuthorization: Bearer three\r\n"));
}

static void a_containers_faults(void **state) {
    (void)state;
    expect_failure(AWS_PLACE_CONTAINER, "container (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set)");
    set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "v2");
    expect_failure(AWS_PLACE_CONTAINER, "does not start with '/'");
    set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", NULL);
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI", scripted_server_url(server));
    scripted_server_say(server, 401, "", "");
    expect_failure(AWS_PLACE_CONTAINER, "the service answered 401");
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", scratch_path(scratch, "no such file"));
    expect_failure(AWS_PLACE_CONTAINER, "no such file");
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", scratch_write(scratch, "two", "metadata-a\nmetadata-b\n"));
    expect_failure(AWS_PLACE_CONTAINER, "more than one line");
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", scratch_write(scratch, "none", "\n"));
    expect_failure(AWS_PLACE_CONTAINER, "it is empty");
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", NULL);
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "metadata-a\r\nX: y");
    expect_failure(AWS_PLACE_CONTAINER, "more than one line");
    scripted_server_reset(server);
}

/* Keys and tokens do not go in the clear to anybody but this machine and the agents. */
static void where_a_container_may_ask(void **state) {
    (void)state;
    static const char *const refused[] = {
        "http://example.org/x",
        "http://10.0.0.1/x",
        "http://169.254.169.254/x",
        "http://169.254.170.20/x",
        "http://127.0.0.1@evil.org/",
        "http://127.0.0.1.evil.org/",
        "http://2130706433/",
        "http://[::2]/",
        "http://[::1/",
        "http://[::1]x/",
        "ftp://127.0.0.1/",
        "127.0.0.1/x",
        "http://localhost.evil.org",
        "http://127.0.0.1%40evil.org/",
        "http://[fd00:ec2::24]/",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        set("AWS_CONTAINER_CREDENTIALS_FULL_URI", refused[i]);
        expect_failure(AWS_PLACE_CONTAINER, "is neither https nor an address of this machine");
    }
    /* Nothing listens there, but they are asked. */
    static const char *const allowed[] = {"http://127.0.0.1:1/x", "http://127.9.9.9:1/", "http://[::1]:1/?a",
                                          "http://localhost:1", "https://127.0.0.1:1/"};
    for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++) {
        set("AWS_CONTAINER_CREDENTIALS_FULL_URI", allowed[i]);
        expect_failure(AWS_PLACE_CONTAINER, "the container's credentials: ");
    }
}

static void without_a_client_for_them_metadata_services_are_not_asked(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct aws_credentials got;
    struct error err = {0};
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI", scripted_server_url(server));
    struct aws_credential_source *chain = aws_chain_open(
        &(struct aws_chain_settings){
            .environment = &environment.environment, .http = http, .places = AWS_PLACE_CONTAINER | AWS_PLACE_INSTANCE},
        &err);
    assert_false(aws_credentials_get(chain, arena, now, &got, &err));
    assert_string_equal(err.message, "there are no AWS credentials: container (metadata services are not asked), "
                                     "instance (metadata services are not asked)");
    aws_chain_close(chain);
    assert_int_equal(scripted_server_reset(server), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_instance_gives_the_keys_of_its_role, set_up),
        cmocka_unit_test_setup(the_token_is_asked_for_with_its_time_to_live, set_up),
        cmocka_unit_test_setup(without_tokens_only_where_the_service_has_none, set_up),
        cmocka_unit_test_setup(what_an_instance_does_not_have, set_up),
        cmocka_unit_test_setup(what_an_instance_gives_is_checked, set_up),
        cmocka_unit_test_setup(a_container_gives_the_keys_of_its_task, set_up),
        cmocka_unit_test_setup(a_containers_faults, set_up),
        cmocka_unit_test_setup(where_a_container_may_ask, set_up),
        cmocka_unit_test_setup(without_a_client_for_them_metadata_services_are_not_asked, set_up),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
