#include "support/unit.h"

#include <string.h>
#include <sys/stat.h>

#include "aws/credentials_chain.h"
#include "base/text.h"
#include "support/scratch.h"
#include "support/scripted_server.h"
#include "support/test_clock.h"
#include "support/test_environment.h"

static const int64_t now = INT64_C(1790000000000); /* 2026-09-21T14:13:20Z */
static const int64_t minute = 60000;
static struct scripted_server *server;
static struct scratch *scratch;
static struct http_client *http;
static struct test_clock test_time;
static struct test_environment environment;
static struct aws_chain_settings settings;
static unsigned warnings;
static char warning[512];

static void warn(void *to, const char *text) {
    assert_ptr_equal(to, &warnings);
    warnings++;
    strncpy(warning, text, sizeof(warning) - 1);
}

static int start(void **state) {
    (void)state;
    server = scripted_server_open();
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
    warnings = 0;
    test_clock_open(&test_time, now);
    test_environment_open(&environment, scratch->path);
    test_environment_set(&environment, "AWS_ENDPOINT_URL", scripted_server_url(server));
    test_environment_set(&environment, "AWS_EC2_METADATA_DISABLED", "true");
    settings = (struct aws_chain_settings){.environment = &environment.environment,
                                           .http = http,
                                           .http_local = http,
                                           .clock = &test_time.clock,
                                           .warn = warn,
                                           .warn_to = &warnings};
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    scratch_close(scratch);
    return 0;
}

static void set(const char *name, const char *value) {
    test_environment_set(&environment, name, value);
}

static void config(const char *text) {
    scratch_write(scratch, ".aws/config", text);
}

static void keys(const char *text) {
    const char *path = scratch_write(scratch, ".aws/credentials", text);
    assert_int_equal(chmod(path, 0600), 0);
}

static bool ask(struct arena *arena, struct aws_credentials *got, struct error *err) {
    *err = (struct error){0};
    struct aws_credential_source *chain = aws_chain_open(&settings, err);
    assert_non_null(chain);
    bool good = aws_credentials_get(chain, arena, now, got, err);
    aws_chain_close(chain);
    return good;
}

static void expect(const char *key_id) {
    struct arena *arena ARENA_OWNED = arena_open();
    struct aws_credentials got;
    struct error err;
    if (!ask(arena, &got, &err))
        fail_msg("%s: %s", error_name(err.code), err.message);
    assert_string_equal(got.key_id, key_id);
}

static void expect_failure(enum error_code code, const char *message, const char *hint) {
    struct arena *arena ARENA_OWNED = arena_open();
    struct aws_credentials got;
    struct error err;
    assert_false(ask(arena, &got, &err));
    assert_string_equal(err.message, message);
    assert_int_equal(err.code, code);
    if (hint)
        assert_string_equal(err.hint, hint);
}

/* What STS answers. */
static void say_role(const char *action, const char *key_id) {
    scripted_server_say(
        server, 200, "Content-Type: text/xml\r\n",
        arena_format(scratch->arena,
                     "<%sResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><%sResult><Credentials>"
                     "<AccessKeyId>%s</AccessKeyId><SecretAccessKey>role-secret-%s</SecretAccessKey>"
                     "<SessionToken>role-token-%s</SessionToken><Expiration>2026-09-21T15:13:20Z</Expiration>"
                     "</Credentials></%sResult></%sResponse>",
                     action, action, key_id, key_id, key_id, action, action));
}

static void heard(const char *part) {
    if (!strstr(scripted_server_heard(server), part))
        fail_msg("%s is not in %s", part, scripted_server_heard(server));
}

/* ---- the order ---- */

static void nothing_anywhere_names_every_place(void **state) {
    (void)state;
    expect_failure(
        ERROR_DENIED,
        arena_format(scratch->arena,
                     "there are no AWS credentials: environment (AWS_ACCESS_KEY_ID is not set), "
                     "web identity (AWS_WEB_IDENTITY_TOKEN_FILE is not set), env file (no .env.automation is given), "
                     "profile (no \"default\" in %s/.aws/config and %s/.aws/credentials), "
                     "container (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set), "
                     "instance (AWS_EC2_METADATA_DISABLED is true)",
                     scratch->path, scratch->path),
        "aws configure, or aws sso login, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
}

static void places_are_looked_at_in_their_order(void **state) {
    (void)state;
    set("AWS_EC2_METADATA_DISABLED", NULL);
    set("AWS_EC2_METADATA_SERVICE_ENDPOINT", scripted_server_url(server));
    scripted_server_say(server, 200, "", "token");
    scripted_server_say(server, 200, "", "role");
    scripted_server_say(server, 200, "", "{\"AccessKeyId\":\"INSTANCE\",\"SecretAccessKey\":\"chain-secret\"}");
    expect("INSTANCE");
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI", scripted_server_url(server));
    scripted_server_say(server, 200, "", "{\"AccessKeyId\":\"CONTAINER\",\"SecretAccessKey\":\"chain-secret\"}");
    expect("CONTAINER");
    /* A profile that says nothing of credentials does not end the search. */
    config("[default]\nregion = eu-west-1\n");
    scripted_server_say(server, 200, "", "{\"AccessKeyId\":\"CONTAINER\",\"SecretAccessKey\":\"chain-secret\"}");
    expect("CONTAINER");
    keys("[default]\naws_access_key_id = PROFILE\naws_secret_access_key = chain-secret\n");
    expect("PROFILE");
    settings.env_file = scratch_write(scratch, ".env.automation",
                                      "AWS_ACCESS_KEY_ID=AUTOMATION\nAWS_SECRET_ACCESS_KEY=chain-secret\n"
                                      "AWS_REGION=us-east-1\nSCHEDULED_RUN_MAIN_AWS_PROFILE=main\n");
    expect("AUTOMATION");
    set("AWS_WEB_IDENTITY_TOKEN_FILE", scratch_write(scratch, "token", "the.web.token\n"));
    set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web");
    say_role("AssumeRoleWithWebIdentity", "WEB");
    expect("WEB");
    set("AWS_ACCESS_KEY_ID", "ENVIRONMENT");
    set("AWS_SECRET_ACCESS_KEY", "chain-secret");
    expect("ENVIRONMENT");
    /* Only what is asked for is looked at. */
    settings.places = AWS_PLACE_ENV_FILE;
    expect("AUTOMATION");
    settings.places = 0;
    settings.profile = "default";
    expect("PROFILE");
}

static void a_place_that_is_of_no_use_ends_the_search(void **state) {
    (void)state;
    keys("[default]\naws_access_key_id = PROFILE\naws_secret_access_key = chain-secret\n");
    set("AWS_ACCESS_KEY_ID", "ENVIRONMENT");
    expect_failure(ERROR_CONFIG, "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not", NULL);
    set("AWS_SECRET_ACCESS_KEY", "chain-secret");
    set("AWS_CREDENTIAL_EXPIRATION", "2026-09-21T14:13:20Z");
    expect_failure(ERROR_DENIED, "the environment gave credentials that expired at 2026-09-21T14:13:20.000Z", NULL);
    set("AWS_CREDENTIAL_EXPIRATION", "soon");
    expect_failure(ERROR_CONFIG, "AWS_CREDENTIAL_EXPIRATION is no time like 2026-11-26T05:00:00Z", NULL);
    set("AWS_CREDENTIAL_EXPIRATION", "2026-09-21T15:13:20Z");
    expect("ENVIRONMENT");
    set("AWS_ACCESS_KEY_ID", NULL);
    set("AWS_SECRET_ACCESS_KEY", NULL);
    set("AWS_WEB_IDENTITY_TOKEN_FILE", "/no/such/file");
    expect_failure(ERROR_CONFIG, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not", NULL);
    set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web");
    expect_failure(ERROR_CONFIG, "web identity token: cannot read /no/such/file: No such file or directory", NULL);
    set("AWS_WEB_IDENTITY_TOKEN_FILE", NULL);
    settings.env_file = scratch_write(scratch, "empty", "");
    expect_failure(ERROR_CONFIG,
                   arena_format(scratch->arena,
                                "%s lacks AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, "
                                "SCHEDULED_RUN_MAIN_AWS_PROFILE",
                                settings.env_file),
                   NULL);
    /* One that is not there is an empty place. */
    settings.env_file = scratch_path(scratch, "no such file");
    expect("PROFILE");
    settings.places = AWS_PLACE_ENV_FILE;
    expect_failure(ERROR_DENIED,
                   arena_format(scratch->arena,
                                "there are no AWS credentials: env file (cannot read %s: No such file or directory)",
                                settings.env_file),
                   NULL);
    settings.places = 0;
    settings.env_file = NULL;
    config("what\n");
    expect_failure(ERROR_CONFIG,
                   arena_format(scratch->arena, "%s/.aws/config, line 1: a property stands before the first section",
                                scratch->path),
                   NULL);
}

static void what_a_chain_needs(void **state) {
    (void)state;
    struct error err = {0};
    settings.http = NULL;
    assert_null(aws_chain_open(&settings, &err));
    assert_int_equal(err.code, ERROR_CONFIG);
    settings.http = http;
    settings.places = AWS_PLACE_ENV_FILE;
    assert_null(aws_chain_open(&settings, &err));
    assert_string_equal(err.message, "no .env.automation is given");
    aws_chain_close(NULL);
}

static void a_chain_stays_where_it_found_them(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct aws_credentials got;
    struct error err = {0};
    keys("[default]\naws_access_key_id = ONE\naws_secret_access_key = chain-secret\n");
    struct aws_credential_source *chain = aws_chain_open(&settings, &err);
    assert_string_equal(chain->name, "credential chain");
    assert_true(aws_credentials_get(chain, arena, now, &got, &err));
    assert_string_equal(got.key_id, "ONE");
    /* A key that was changed in the file counts once the service refuses the old one. */
    keys("[default]\naws_access_key_id = TWO\naws_secret_access_key = chain-secret\n");
    assert_true(aws_credentials_get(chain, arena, now, &got, &err));
    assert_string_equal(got.key_id, "ONE");
    assert_true(aws_credentials_expired(chain, "ONE"));
    assert_true(aws_credentials_get(chain, arena, now, &got, &err));
    assert_string_equal(got.key_id, "TWO");
    /* The place is found again elsewhere when it is empty. */
    keys("");
    settings.places = 0;
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI", scripted_server_url(server));
    scripted_server_say(server, 200, "", "{\"AccessKeyId\":\"CONTAINER\",\"SecretAccessKey\":\"chain-secret\"}");
    assert_true(aws_credentials_expired(chain, "TWO"));
    assert_true(aws_credentials_get(chain, arena, now, &got, &err));
    assert_string_equal(got.key_id, "CONTAINER");
    aws_chain_close(chain);
    /* The environment does not change. */
    set("AWS_ACCESS_KEY_ID", "ENVIRONMENT");
    set("AWS_SECRET_ACCESS_KEY", "chain-secret");
    chain = aws_chain_open(&settings, &err);
    assert_true(aws_credentials_get(chain, arena, now, &got, &err));
    assert_false(aws_credentials_expired(chain, "ENVIRONMENT"));
    assert_true(aws_credentials_get(chain, arena, now, &got, &err));
    aws_chain_close(chain);
}

static void files_that_others_can_read_are_told_once(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct aws_credentials got;
    struct error err = {0};
    keys("[default]\naws_access_key_id = ONE\naws_secret_access_key = chain-secret\n");
    expect("ONE");
    assert_int_equal(warnings, 0);
    const char *path = scratch_path(scratch, ".aws/credentials");
    assert_int_equal(chmod(path, 0644), 0);
    struct aws_credential_source *chain = aws_chain_open(&settings, &err);
    for (int i = 0; i < 3; i++) {
        assert_true(aws_credentials_get(chain, arena, now, &got, &err));
        assert_true(aws_credentials_expired(chain, got.key_id));
        scratch_write(
            scratch, ".aws/credentials",
            arena_format(arena, "[default]\naws_access_key_id = KEY%d\naws_secret_access_key = chain-secret\n", i));
        assert_int_equal(chmod(path, 0644), 0);
    }
    aws_chain_close(chain);
    assert_int_equal(warnings, 1);
    assert_string_equal(warning, arena_format(arena,
                                              "%s holds keys and others than its owner can read it; chmod 600 "
                                              "mends that",
                                              path));
}

/* ---- profiles ---- */

static void profiles_that_are_not_there(void **state) {
    (void)state;
    config("[profile prod]\nregion = eu-west-1\n");
    settings.profile = "prd";
    const char *files =
        arena_format(scratch->arena, "%s/.aws/config and %s/.aws/credentials", scratch->path, scratch->path);
    expect_failure(ERROR_CONFIG, arena_format(scratch->arena, "profile prd: it is not in %s", files),
                   "did you mean prod?");
    settings.profile = "prod";
    expect_failure(ERROR_DENIED,
                   "there are no AWS credentials: profile (profile prod: it has neither keys nor sso_session, "
                   "credential_process or role_arn)",
                   "aws configure --profile prod");
    settings.profile = NULL;
    set("AWS_PROFILE", "something else");
    expect_failure(ERROR_CONFIG, arena_format(scratch->arena, "profile something else: it is not in %s", files),
                   "aws configure --profile something else");
}

static void a_profiles_own_keys(void **state) {
    (void)state;
    settings.profile = "a";
    config("[profile a]\naws_access_key_id = CONFIG\naws_secret_access_key = chain-secret\n");
    expect("CONFIG");
    keys("[a]\naws_access_key_id = KEYS\naws_secret_access_key = chain-secret\n");
    expect("KEYS");
    keys("[a]\naws_access_key_id = KEYS\n");
    config("");
    expect_failure(ERROR_CONFIG, "profile a: aws_secret_access_key is missing", NULL);
    config("[profile a]\ncredential_process = printf '{\"Version\":1,\"AccessKeyId\":\"PROCESS\",\"SecretAccessKey\":"
           "\"chain-secret\"}'\n");
    keys("");
    expect("PROCESS");
    config("[profile a]\ncredential_process = /no/such/program\n");
    expect_failure(ERROR_CONFIG,
                   "profile a: credential_process: cannot start /no/such/program: No such file or directory", NULL);
}

static void roles_are_assumed_with_the_keys_of_their_source(void **state) {
    (void)state;
    settings.profile = "top";
    keys("[base]\naws_access_key_id = BASE\naws_secret_access_key = chain-secret\n");
    config("[profile top]\nregion = eu-west-1\nrole_arn = arn:aws:iam::123456789012:role/top\nsource_profile = middle\n"
           "role_session_name = me@here\nexternal_id = x:1\nduration_seconds = 900\n"
           "[profile middle]\nrole_arn = arn:aws:iam::210987654321:role/middle\nsource_profile = base\n");
    say_role("AssumeRole", "MIDDLE");
    say_role("AssumeRole", "TOP");
    expect("TOP");
    heard("RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Ftop");
    heard("RoleSessionName=me%40here");
    heard("ExternalId=x%3A1");
    heard("DurationSeconds=900");
    heard("Credential=MIDDLE/20260921/eu-west-1/sts/aws4_request");
    heard("role-token-MIDDLE");
    assert_int_equal(scripted_server_reset(server), 2);
    say_role("AssumeRole", "MIDDLE");
    settings.profile = "middle";
    expect("MIDDLE");
    heard("Credential=BASE/20260921/us-east-1/sts/aws4_request");
    heard("RoleSessionName=tidemill-1790000000000");
    /* Keys of its own beneath a role. */
    settings.profile = "self";
    keys("[self]\naws_access_key_id = SELF\naws_secret_access_key = chain-secret\n");
    config("[profile self]\nrole_arn = arn:aws:iam::123456789012:role/self\nsource_profile = self\n");
    say_role("AssumeRole", "ROLE");
    expect("ROLE");
    heard("Credential=SELF/");
}

static void roles_of_other_places(void **state) {
    (void)state;
    settings.profile = "a";
    config("[profile a]\nrole_arn = arn:aws:iam::123456789012:role/a\ncredential_source = Environment\n");
    set("AWS_ACCESS_KEY_ID", "ENVIRONMENT");
    set("AWS_SECRET_ACCESS_KEY", "chain-secret");
    say_role("AssumeRole", "ROLE");
    expect("ROLE");
    heard("Credential=ENVIRONMENT/");
    set("AWS_ACCESS_KEY_ID", NULL);
    set("AWS_SECRET_ACCESS_KEY", NULL);
    expect_failure(ERROR_DENIED, "profile a: credential_source Environment: AWS_ACCESS_KEY_ID is not set", NULL);
    config("[profile a]\nrole_arn = arn:aws:iam::123456789012:role/a\ncredential_source = EcsContainer\n");
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI", scripted_server_url(server));
    scripted_server_say(server, 200, "", "{\"AccessKeyId\":\"CONTAINER\",\"SecretAccessKey\":\"chain-secret\"}");
    say_role("AssumeRole", "ROLE");
    expect("ROLE");
    heard("Credential=CONTAINER/");
    config("[profile a]\nrole_arn = arn:aws:iam::123456789012:role/a\ncredential_source = Ec2InstanceMetadata\n");
    expect_failure(ERROR_DENIED, "profile a: credential_source Ec2InstanceMetadata: AWS_EC2_METADATA_DISABLED is true",
                   NULL);
    config("[profile a]\nrole_arn = arn:aws:iam::123456789012:role/a\ncredential_source = Elsewhere\n");
    expect_failure(ERROR_CONFIG,
                   "profile a: credential_source is none of Environment, EcsContainer, Ec2InstanceMetadata", NULL);
    /* A web identity, alone and as the source of another role. */
    const char *token = scratch_write(scratch, "token", "the.web.token");
    config(arena_format(scratch->arena,
                        "[profile a]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = web\n"
                        "[profile web]\nrole_arn = arn:aws:iam::123456789012:role/web\nweb_identity_token_file = %s\n",
                        token));
    scripted_server_reset(server);
    say_role("AssumeRoleWithWebIdentity", "WEB");
    settings.profile = "web";
    expect("WEB");
    heard("WebIdentityToken=the.web.token");
    assert_null(strstr(scripted_server_heard(server), "Authorization"));
    say_role("AssumeRoleWithWebIdentity", "WEB");
    say_role("AssumeRole", "ROLE");
    settings.profile = "a";
    expect("ROLE");
    heard("Credential=WEB/");
}

static void roles_that_cannot_be_assumed(void **state) {
    (void)state;
    static const struct {
        const char *config;
        enum error_code code;
        const char *message;
    } rows[] = {
        {"role_arn = arn:aws:iam::123456789012:role/a", ERROR_CONFIG,
         "role_arn needs one of source_profile, credential_source and web_identity_token_file"},
        {"role_arn = arn:aws:iam::123456789012:role/a\nsource_profile = b\ncredential_source = Environment",
         ERROR_CONFIG, "role_arn needs only one of source_profile, credential_source and web_identity_token_file"},
        {"role_arn = arn:aws:iam::123456789012:role/a\nsource_profile = a", ERROR_CONFIG,
         "source_profile leads in a circle, back to a"},
        {"role_arn = arn:aws:iam::123456789012:role/a\nsource_profile = b\n[profile b]\nsource_profile = a\n"
         "role_arn = arn:aws:iam::123456789012:role/b",
         ERROR_CONFIG, "source_profile leads in a circle, back to a"},
        {"role_arn = nothing\nsource_profile = b", ERROR_CONFIG,
         "\"nothing\" is no ARN of a role (arn:aws:iam::123456789012:role/name)"},
        {"role_arn = arn:aws:iam::123456789012:role/a\nsource_profile = b\nrole_session_name = a b", ERROR_CONFIG,
         "the session name \"a b\" is not 2 to 64 of A-Z a-z 0-9 _ + = , . @ -"},
        {"role_arn = arn:aws:iam::123456789012:role/a\nsource_profile = b\nexternal_id = a b", ERROR_CONFIG,
         "the external id is not 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -"},
        {"role_arn = arn:aws:iam::123456789012:role/a\nsource_profile = b\nduration_seconds = 899", ERROR_CONFIG,
         "a session of 899 s is not within 900 to 43200"},
        {"role_arn = arn:aws:iam::123456789012:role/a\nsource_profile = b\nduration_seconds = long", ERROR_CONFIG,
         "duration_seconds is no number of seconds"},
        {"role_arn = arn:aws:iam::123456789012:role/a\nsource_profile = b\nmfa_serial = arn:aws:iam::1:mfa/me",
         ERROR_UNSUPPORTED, "mfa_serial asks for a code, and nobody is there to type it"},
        {"role_arn = arn:aws:iam::123456789012:role/a\nsource_profile = b\n[profile b]\n", ERROR_DENIED,
         "source_profile b: it has neither keys nor sso_session, credential_process or role_arn"},
        {"role_arn = arn:aws:iam::123456789012:role/a\nsource_profile = b\n[profile b]\nsource_profile = a\n"
         "role_arn = nothing",
         ERROR_CONFIG, "source_profile b: \"nothing\" is no ARN of a role (arn:aws:iam::123456789012:role/name)"},
    };
    settings.profile = "a";
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        config(arena_format(scratch->arena, "[profile a]\n%s\n", rows[i].config));
        expect_failure(rows[i].code, arena_format(scratch->arena, "profile a: %s", rows[i].message), NULL);
    }
    config("[profile a]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = none\n");
    expect_failure(ERROR_CONFIG,
                   arena_format(scratch->arena,
                                "profile a: source_profile none: it is not in %s/.aws/config and %s/.aws/credentials",
                                scratch->path, scratch->path),
                   NULL);
    /* One more role than there may be. */
    struct text text TEXT_SCOPED;
    text_open(&text, 1 << 16);
    for (int i = 0; i < 10; i++)
        text_append_format(&text, "[profile p%d]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = p%d\n",
                           i, i + 1);
    config(text_value(&text));
    settings.profile = "p0";
    expect_failure(ERROR_LIMIT, "profile p0: source_profile leads over more than 8 roles", NULL);
    assert_int_equal(scripted_server_reset(server), 0);
    /* What STS says of it. */
    settings.profile = "a";
    config("[profile a]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = b\n");
    keys("[b]\naws_access_key_id = BASE\naws_secret_access_key = chain-secret\n");
    scripted_server_say(server, 403, "Content-Type: text/xml\r\n",
                        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not "
                        "authorized</Message></Error><RequestId>1</RequestId></ErrorResponse>");
    struct arena *arena ARENA_OWNED = arena_open();
    struct aws_credentials got;
    struct error err;
    assert_false(ask(arena, &got, &err));
    assert_int_equal(err.code, ERROR_DENIED);
    assert_true(text_starts(err.message, "profile a: role arn:aws:iam::123456789012:role/a: "));
    assert_non_null(strstr(err.message, "AccessDenied"));
    assert_non_null(strstr(err.hint, "trust policy"));
}

/* ---- a role's own source ---- */

static void a_role_is_assumed_again_before_it_ends(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct aws_credentials got;
    struct error err = {0};
    struct aws_credential_source base = aws_credentials_fixed("BASE", "chain-secret", NULL);
    const char *name = aws_session_name(arena, "pre-sync", "hardfork", now);
    struct aws_assume_role_settings role = {.http = http,
                                            .clock = &test_time.clock,
                                            .source = &base,
                                            .region = "eu-west-1",
                                            .endpoint = scripted_server_url(server),
                                            .role_arn =
                                                "arn:aws:iam::152849157974:role/browse-dot-show-automation-role",
                                            .session_name = name};
    struct aws_credential_source *source = aws_assume_role_open(&role, &err);
    assert_non_null(source);
    assert_string_equal(source->name, "role arn:aws:iam::152849157974:role/browse-dot-show-automation-role");
    assert_int_equal(scripted_server_reset(server), 0);
    say_role("AssumeRole", "ONE");
    assert_true(aws_credentials_get(source, arena, now, &got, &err));
    assert_string_equal(got.key_id, "ONE");
    heard("RoleSessionName=auto-pre-sync-hardfork-1790000000000");
    assert_true(aws_credentials_get(source, arena, now + 44 * minute, &got, &err));
    assert_string_equal(got.key_id, "ONE");
    assert_int_equal(scripted_server_reset(server), 1);
    say_role("AssumeRole", "TWO");
    assert_true(aws_credentials_get(source, arena, now + 45 * minute, &got, &err));
    assert_string_equal(got.key_id, "TWO");
    /* What the service calls expired is replaced at once. */
    say_role("AssumeRole", "THREE");
    assert_true(aws_credentials_expired(source, "TWO"));
    assert_true(aws_credentials_get(source, arena, now, &got, &err));
    assert_string_equal(got.key_id, "THREE");
    /* A role of a role. */
    struct aws_assume_role_settings next = role;
    next.source = source;
    next.role_arn = "arn:aws:iam::927984855345:role/other";
    struct aws_credential_source *other = aws_assume_role_open(&next, &err);
    say_role("AssumeRole", "FOUR");
    assert_true(aws_credentials_get(other, arena, now, &got, &err));
    assert_string_equal(got.key_id, "FOUR");
    heard("Credential=THREE/20260921/eu-west-1/sts/aws4_request");
    aws_assume_role_close(other);
    aws_assume_role_close(source);
    /* Settings that cannot be right are refused before anybody is asked. */
    role.session_name = "x";
    assert_null(aws_assume_role_open(&role, &err));
    assert_int_equal(err.code, ERROR_CONFIG);
    role.session_name = NULL;
    role.region = "eu west";
    assert_null(aws_assume_role_open(&role, &err));
    role.region = NULL;
    role.source = NULL;
    assert_null(aws_assume_role_open(&role, &err));
    aws_assume_role_close(NULL);
}

static void session_names_fit(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    static const struct {
        const char *suffix, *site, *name;
    } rows[] = {
        {"pre-sync", "hardfork", "auto-pre-sync-hardfork-1790000000000"},
        {"cf", "a b/c", "auto-cf-a-b-c-1790000000000"},
        {"episode-manifest-sync", "exactly-twenty-three-ch",
         "auto-episode-manifest-sync-exactly-twenty-three-ch-1790000000000"},
        {"episode-manifest-sync", "exactly-twenty-four-char",
         "auto-episode-manifest-sync-exactly-twe..-four-char-1790000000000"},
        {"comprehensive-sync", "the-longest-name-of-a-site-32-ch",
         "auto-comprehensive-sync-the-longest-..a-site-32-ch-1790000000000"},
        {"a-suffix-that-is-longer-than-everything-that-has-room", "site",
         "auto-a-suffix-that-is-lo..thing-that-has-room-site-1790000000000"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *name = aws_session_name(arena, rows[i].suffix, rows[i].site, now);
        assert_string_equal(name, rows[i].name);
        assert_true(strlen(name) <= AWS_SESSION_NAME_MOST);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_anywhere_names_every_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(places_are_looked_at_in_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_place_that_is_of_no_use_ends_the_search, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_chain_needs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_chain_stays_where_it_found_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_that_others_can_read_are_told_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(profiles_that_are_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_profiles_own_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(roles_are_assumed_with_the_keys_of_their_source, set_up, tear_down),
        cmocka_unit_test_setup_teardown(roles_of_other_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(roles_that_cannot_be_assumed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_role_is_assumed_again_before_it_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(session_names_fit, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
