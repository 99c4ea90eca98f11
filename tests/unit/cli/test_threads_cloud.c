/* Many threads that want the role of one site at a time: it is taken once. */
#include "support/unit.h"

#include <pthread.h>

#include "base/memory.h"
#include "cli/cloud.h"
#include "support/scratch.h"
#include "support/scripted_server.h"
#include "support/test_clock.h"

enum { THREADS = 8, ROUNDS = 20 };

static const char *no_environment(const char *name) {
    (void)name;
    return NULL;
}

static void *take(void *to) {
    struct cloud *cloud = to;
    const struct aws_credential_source *first = NULL;
    for (int i = 0; i < ROUNDS; i++) {
        const struct aws_credential_source *source =
            cloud_site_credentials(cloud, "152849157974", "hardfork", "pre-sync", NULL);
        if (!source || (first && source != first))
            return NULL;
        first = source;
    }
    return (void *)(uintptr_t)first;
}

static void one_role_for_all(void **state) {
    (void)state;
    size_t count = 0;
    const struct option_row *rows = option_table(&count);
    struct scripted_server *server = scripted_server_open();
    struct scratch *scratch = scratch_open();
    struct test_clock clock;
    test_clock_open(&clock, 1767323045000);
    struct command_context context = {.arena = arena_open(),
                                      .options = options_open(rows, count, NULL),
                                      .clock = &clock.clock,
                                      .environment = no_environment};
    options_set(context.options, "data", scratch->path, ORIGIN_FLAG, "flag", NULL);
    options_set(context.options, "aws.endpoint-url", scripted_server_url(server), ORIGIN_FLAG, "flag", NULL);
    options_set(context.options, "aws.key-id", "AKIABASE", ORIGIN_FLAG, "flag", NULL);
    options_set(context.options, "aws.secret", "base-secret", ORIGIN_FLAG, "flag", NULL);
    scripted_server_say(server, 200, "",
                        "<R><GetCallerIdentityResult><Arn>arn:aws:iam::297202224084:user/a</Arn><UserId>U</UserId>"
                        "<Account>297202224084</Account></GetCallerIdentityResult></R>");
    scripted_server_say(server, 200, "",
                        "<R><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s"
                        "</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2026-01-02T04:04:05Z</Expiration>"
                        "</Credentials></AssumeRoleResult></R>");
    struct cloud *cloud = cloud_open(&context, NULL);
    assert_non_null(cloud);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take, cloud), 0);
    void *first = NULL;
    for (size_t i = 0; i < THREADS; i++) {
        void *taken = NULL;
        pthread_join(threads[i], &taken);
        assert_non_null(taken);
        assert_true(!first || taken == first);
        first = taken;
    }
    assert_int_equal(scripted_server_reset(server), 2);
    cloud_close(cloud);
    options_close(context.options);
    arena_close(context.arena);
    scratch_close(scratch);
    scripted_server_close(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_role_for_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
