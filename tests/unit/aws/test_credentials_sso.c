#include "support/unit.h"

#include <string.h>
#include <sys/stat.h>

#include "aws/credentials_chain.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "support/scratch.h"
#include "support/scripted_server.h"
#include "support/test_clock.h"
#include "support/test_environment.h"

static const int64_t now = INT64_C(1790000000000); /* 2026-09-21T14:13:20Z */
static const int64_t hour = 3600000;
static struct scripted_server *server;
static struct scratch *scratch;
static struct http_client *http;
static struct test_environment environment;
static struct test_clock test_time;

#define CONFIG                                                                                                         \
    "[profile prod]\nsso_session = work\nsso_account_id = 123456789012\nsso_role_name = Admin role\n"                  \
    "[sso-session work]\nsso_region = eu-west-1\nsso_start_url = https://work.awsapps.com/start\n"                     \
    "[profile old]\nsso_start_url = https://old.awsapps.com/start\nsso_region = eu-west-1\n"                           \
    "sso_account_id = 123456789012\nsso_role_name = Admin\n"                                                           \
    "[profile lacks]\nsso_session = work\nsso_account_id = 123456789012\n"                                             \
    "[profile lost]\nsso_session = none\n"

#define ROLE_KEYS                                                                                                      \
    "{\"roleCredentials\":{\"accessKeyId\":\"ASIA1\",\"secretAccessKey\":\"sso-secret-key\",\"sessionToken\":"         \
    "\"sso-session-token\",\"expiration\":1790003600000}}"

#define TOKEN_START "{\"startUrl\":\"https://work.awsapps.com/start\",\"region\":\"eu-west-1\","
#define REGISTERED                                                                                                     \
    "\"clientId\":\"client-1\",\"clientSecret\":\"sso-client-secret\",\"registrationExpiresAt\":"                      \
    "\"2026-10-01T00:00:00Z\",\"refreshToken\":\"sso-refresh-1\","
#define ACCESS(end) "\"accessToken\":\"sso-access-1\",\"expiresAt\":\"" end "\"}"

static int start(void **state) {
    (void)state;
    server = scripted_server_open();
    test_clock_open(&test_time, now);
    http = http_client_open(&(struct http_client_settings){.allow_private = true, .attempts = 1}, NULL);
    return 0;
}

static int stop(void **state) {
    (void)state;
    http_client_close(http);
    scripted_server_close(server);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    scripted_server_reset(server);
    scratch = scratch_open();
    scratch_write(scratch, ".aws/config", CONFIG);
    test_environment_open(&environment, scratch->path);
    test_environment_set(&environment, "AWS_ENDPOINT_URL", scripted_server_url(server));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    scratch_close(scratch);
    return 0;
}

static const char *cache_name(const char *key) {
    char digest[HASH_TEXT_SIZE];
    return arena_format(scratch->arena, ".aws/sso/cache/%s.json", hash_text(HASH_SHA1, key, strlen(key), digest));
}

static bool ask(const char *profile, struct error *err) {
    struct arena *arena ARENA_OWNED = arena_open();
    struct aws_credentials got;
    *err = (struct error){0};
    struct aws_credential_source *chain = aws_chain_open(
        &(struct aws_chain_settings){
            .environment = &environment.environment, .http = http, .clock = &test_time.clock, .profile = profile},
        err);
    assert_non_null(chain);
    bool good = aws_credentials_get(chain, arena, now, &got, err);
    aws_chain_close(chain);
    if (good) {
        assert_string_equal(got.key_id, "ASIA1");
        assert_string_equal(got.secret, "sso-secret-key");
        assert_string_equal(got.token, "sso-session-token");
        assert_int_equal(got.expires_ms, now + hour);
    }
    return good;
}

static void expect_keys(const char *profile) {
    struct error err;
    if (!ask(profile, &err))
        fail_msg("%s", err.message);
}

static void expect_failure(const char *profile, const char *message, const char *hint) {
    struct error err;
    assert_false(ask(profile, &err));
    assert_string_equal(err.message, message);
    assert_string_equal(err.hint, hint);
}

static void a_login_gives_the_keys_of_a_role(void **state) {
    (void)state;
    scratch_write(scratch, cache_name("work"), TOKEN_START ACCESS("2026-09-21T20:00:00Z"));
    scripted_server_say(server, 200, "", ROLE_KEYS);
    expect_keys("prod");
    const char *heard = scripted_server_heard(server);
    assert_true(
        text_starts(heard, "GET /federation/credentials?role_name=Admin%20role&account_id=123456789012 HTTP/1.1\r\n"));
    assert_non_null(strstr(heard, "\r\nx-amz-sso_bearer_token: sso-access-1\r\n"));
    /* The older form keeps its token under the start URL, and some tools wrote the time like this. */
    scratch_write(scratch, cache_name("https://old.awsapps.com/start"), TOKEN_START ACCESS("2026-09-21T20:00:00UTC"));
    scripted_server_say(server, 200, "", ROLE_KEYS);
    expect_keys("old");
    assert_int_equal(scripted_server_reset(server), 2);
}

static void without_a_login_the_command_is_told(void **state) {
    (void)state;
    expect_failure("prod", "profile prod: nobody has logged in", "aws sso login --profile prod");
    scratch_write(scratch, cache_name("work"), "{");
    expect_failure("prod", "profile prod: the login's token cannot be read", "aws sso login --profile prod");
    scratch_write(scratch, cache_name("work"), TOKEN_START ACCESS("2026-09-21T14:13:20Z"));
    expect_failure("prod", "profile prod: the login has expired", "aws sso login --profile prod");
    scratch_write(scratch, cache_name("work"), TOKEN_START ACCESS("whenever"));
    expect_failure("prod", "profile prod: the login has expired", "aws sso login --profile prod");
    assert_int_equal(scripted_server_reset(server), 0);
    scratch_write(scratch, cache_name("work"), TOKEN_START ACCESS("2026-09-21T20:00:00Z"));
    scripted_server_say(server, 401, "", "{\"message\":\"Session token not found or invalid\"}");
    expect_failure("prod", "profile prod: the login has expired or was ended", "aws sso login --profile prod");
    scripted_server_say(server, 403, "", "{\"message\":\"No access\"}");
    expect_failure("prod", "profile prod: IAM Identity Center answered 403 for role Admin role of account 123456789012",
                   "");
    scripted_server_say(server, 200, "", "{}");
    expect_failure("prod", "profile prod: IAM Identity Center gave no access key id", "");
}

static void what_a_profile_lacks_is_told(void **state) {
    (void)state;
    expect_failure("lacks", "profile lacks: sso_role_name is missing", "");
    expect_failure("lost", "profile lost: there is no [sso-session none]", "");
}

static void a_token_near_its_end_is_refreshed_and_written_back(void **state) {
    (void)state;
    const char *name = cache_name("work");
    scratch_write(scratch, name, TOKEN_START REGISTERED ACCESS("2026-09-21T14:18:19Z"));
    scripted_server_say(server, 200, "",
                        "{\"accessToken\":\"sso-access-2\",\"expiresIn\":3600,\"refreshToken\":\"sso-refresh-2\","
                        "\"tokenType\":\"Bearer\"}");
    scripted_server_say(server, 200, "", ROLE_KEYS);
    expect_keys("prod");
    assert_non_null(strstr(scripted_server_heard(server), "\r\nx-amz-sso_bearer_token: sso-access-2\r\n"));
    const char *text = scratch_read(scratch, name);
    JSON_OWNED json_t *token = json_parse(text, strlen(text), NULL);
    assert_string_equal(json_get_text(token, "accessToken", ""), "sso-access-2");
    assert_string_equal(json_get_text(token, "refreshToken", ""), "sso-refresh-2");
    assert_string_equal(json_get_text(token, "expiresAt", ""), "2026-09-21T15:13:20Z");
    assert_string_equal(json_get_text(token, "clientId", ""), "client-1");
    assert_string_equal(json_get_text(token, "startUrl", ""), "https://work.awsapps.com/start");
    struct stat facts;
    assert_int_equal(stat(scratch_path(scratch, name), &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    /* The new one lasts. */
    scripted_server_reset(server);
    scripted_server_say(server, 200, "", ROLE_KEYS);
    expect_keys("prod");
    assert_int_equal(scripted_server_reset(server), 1);
}

static void the_refresh_is_asked_as_the_service_wants_it(void **state) {
    (void)state;
    scratch_write(scratch, cache_name("work"), TOKEN_START REGISTERED ACCESS("2026-09-21T14:00:00Z"));
    scripted_server_say(server, 400, "", "{\"error\":\"invalid_grant\"}");
    expect_failure("prod", "profile prod: the login has expired", "aws sso login --profile prod");
    const char *heard = scripted_server_heard(server);
    assert_true(text_starts(heard, "POST /token HTTP/1.1\r\n"));
    const char *body = strstr(heard, "\r\n\r\n") + 4;
    JSON_OWNED json_t *asked = json_parse(body, strlen(body), NULL);
    assert_string_equal(json_get_text(asked, "clientId", ""), "client-1");
    assert_string_equal(json_get_text(asked, "clientSecret", ""), "sso-client-secret");
    assert_string_equal(json_get_text(asked, "grantType", ""), "refresh_token");
    assert_string_equal(json_get_text(asked, "refreshToken", ""), "sso-refresh-1");
    assert_int_equal(scripted_server_reset(server), 1);
}

static void a_refresh_that_fails_leaves_what_is_still_good(void **state) {
    (void)state;
    const char *name = cache_name("work");
    scratch_write(scratch, name, TOKEN_START REGISTERED ACCESS("2026-09-21T14:18:19Z"));
    scripted_server_say(server, 500, "", "");
    scripted_server_say(server, 200, "", ROLE_KEYS);
    expect_keys("prod");
    assert_non_null(strstr(scripted_server_heard(server), "\r\nx-amz-sso_bearer_token: sso-access-1\r\n"));
    assert_non_null(strstr(scratch_read(scratch, name), "sso-access-1"));
    /* What the service gives is no token. */
    static const char *const odd[] = {"{}", "[]", "{\"accessToken\":\"x\"}", "{\"accessToken\":\"x\",\"expiresIn\":-1}",
                                      "{\"accessToken\":\"x\",\"expiresIn\":9999999999999}"};
    for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
        scripted_server_say(server, 200, "", odd[i]);
        scripted_server_say(server, 200, "", ROLE_KEYS);
        expect_keys("prod");
        assert_non_null(strstr(scripted_server_heard(server), "\r\nx-amz-sso_bearer_token: sso-access-1\r\n"));
    }
    /* A registration that has ended is not asked with. */
    scripted_server_reset(server);
    scratch_write(scratch, name,
                  TOKEN_START "\"clientId\":\"c\",\"clientSecret\":\"s\",\"refreshToken\":\"r\","
                              "\"registrationExpiresAt\":\"2026-09-21T14:00:00Z\"," ACCESS("2026-09-21T14:00:00Z"));
    expect_failure("prod", "profile prod: the login has expired", "aws sso login --profile prod");
    assert_int_equal(scripted_server_reset(server), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_login_gives_the_keys_of_a_role, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_login_the_command_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_profile_lacks_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_near_its_end_is_refreshed_and_written_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_refresh_is_asked_as_the_service_wants_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refresh_that_fails_leaves_what_is_still_good, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
