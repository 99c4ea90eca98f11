#include "support/unit.h"

#include <string.h>

#include "aws/cloudfront.h"
#include "base/memory.h"
#include "base/text.h"
#include "support/aws_heard.h"
#include "support/aws_world.h"

#define MADE                                                                                                           \
    "<?xml version=\"1.0\"?>\n<Invalidation xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Id>I2J</Id>"    \
    "<Status>InProgress</Status><CreateTime>2026-09-21T14:13:20Z</CreateTime></Invalidation>"

static void say(int status, const char *body) {
    scripted_server_say(world.server, status, "Content-Type: text/xml\r\n", body);
}

static bool create(struct arena *arena, const char *const *paths, size_t count, struct cloudfront_invalidation *made,
                   struct error *err) {
    struct aws_failure failure;
    struct aws_client client = aws_world_client("cloudfront");
    return cloudfront_create_invalidation(arena, &client, "E1ABC", "run <1>", paths, count, made, &failure, err);
}

static void copies_are_dropped(void **state) {
    (void)state;
    static const char *const paths[] = {"/index.html", "/a b/\xc3\xa9.html", "/100%/x&y~#?.js", "/assets/*"};
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct cloudfront_invalidation made;
    struct aws_heard heard;
    aws_world_reset();
    say(201, MADE);
    assert_true(create(arena, paths, ARRAY_LENGTH(paths), &made, &err));
    assert_string_equal(made.id, "I2J");
    assert_string_equal(made.status, "InProgress");
    aws_heard_read(arena, scripted_server_heard(world.server), AWS_WORLD_SECRET, false, &heard);
    assert_string_equal(heard.line, "POST /2020-05-31/distribution/E1ABC/invalidation HTTP/1.1");
    assert_string_equal(heard.body,
                        "<InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Paths>"
                        "<Quantity>4</Quantity><Items><Path>/index.html</Path><Path>/a%20b/%C3%A9.html</Path>"
                        "<Path>/100%25/x&amp;y%7E%23%3F.js</Path><Path>/assets/*</Path></Items></Paths>"
                        "<CallerReference>run &lt;1&gt;</CallerReference></InvalidationBatch>");
    assert_string_equal(heard.claim.region, "us-east-1"); /* whatever the client's is */
    assert_string_equal(heard.claim.service, "cloudfront");
    /* The reference makes it safe to ask again. */
    scripted_server_reset(world.server);
    say(500, "");
    say(201, MADE);
    assert_true(create(arena, paths, 1, &made, &err));
    assert_int_equal(scripted_server_reset(world.server), 2);
}

static void paths_that_cannot_be_are_not_sent(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct cloudfront_invalidation made;
    const char **paths = arena_alloc_array(arena, CLOUDFRONT_PATHS_MOST + 1, sizeof(*paths));
    char *large = arena_alloc(arena, CLOUDFRONT_PATH_BYTES + 2);
    aws_world_reset();
    for (size_t i = 0; i <= CLOUDFRONT_PATHS_MOST; i++)
        paths[i] = i < CLOUDFRONT_WILDCARDS_MOST ? "/x*" : "/x";
    struct error err = {0};
    assert_false(create(arena, paths, CLOUDFRONT_PATHS_MOST + 1, &made, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_false(create(arena, paths, 0, &made, &err));
    say(201, MADE);
    assert_true(create(arena, paths, CLOUDFRONT_PATHS_MOST, &made, &err));
    paths[20] = "/y*";
    assert_false(create(arena, paths, 21, &made, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    paths[0] = "x";
    assert_false(create(arena, paths, 1, &made, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    memset(large, '/', CLOUDFRONT_PATH_BYTES + 1);
    paths[0] = large;
    assert_false(create(arena, paths, 1, &made, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_int_equal(scripted_server_reset(world.server), 1);
}

static void what_the_service_says_is_told(void **state) {
    (void)state;
    static const char *const paths[] = {"/*"};
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    struct aws_heard heard;
    struct cloudfront_invalidation made = {.id = "untouched"};
    const char *domain = "untouched";
    aws_world_reset();
    struct aws_client client = aws_world_client("cloudfront");
    say(404,
        "<ErrorResponse xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Error><Type>Sender</Type><Code>"
        "NoSuchDistribution</Code><Message>The specified distribution does not exist.</Message></Error><RequestId>r"
        "</RequestId></ErrorResponse>");
    assert_false(create(arena, paths, 1, &made, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    assert_non_null(strstr(err.message, "distribution E1ABC: cloudfront answered 404 NoSuchDistribution"));
    say(200, "<Other/>");
    assert_false(create(arena, paths, 1, &made, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    say(200, "<Invalidation/>");
    assert_false(create(arena, paths, 1, &made, &err));
    assert_string_equal(made.id, "untouched");
    say(200, "<Invalidation><Id>I2J</Id><Status>Completed</Status></Invalidation>");
    assert_true(cloudfront_get_invalidation(arena, &client, "E1/..", "I2J", &made, &failure, &err));
    assert_string_equal(made.status, "Completed");
    aws_heard_read(arena, scripted_server_heard(world.server), AWS_WORLD_SECRET, false, &heard);
    assert_string_equal(heard.line, "GET /2020-05-31/distribution/E1%2F../invalidation/I2J HTTP/1.1");
    say(403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>");
    assert_false(cloudfront_get_distribution(arena, &client, "E1ABC", &domain, &failure, &err));
    assert_string_equal(domain, "untouched");
    assert_string_equal(failure.type, "AccessDenied");
    say(200, "<Distribution><Id>E1ABC</Id><DomainName>d1.cloudfront.net</DomainName><DistributionConfig><Aliases>"
             "<Quantity>0</Quantity></Aliases></DistributionConfig></Distribution>");
    assert_true(cloudfront_get_distribution(arena, &client, "E1ABC", &domain, &failure, &err));
    assert_string_equal(domain, "d1.cloudfront.net");
    say(200, "<Distribution><DomainName>d1.cloudfront.net</DomainName><DistributionConfig><Aliases><Quantity>1"
             "</Quantity><Items><CNAME>search.example</CNAME></Items></Aliases></DistributionConfig></Distribution>");
    assert_true(cloudfront_get_distribution(arena, &client, "E1ABC", &domain, &failure, &err));
    assert_string_equal(domain, "search.example");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_are_dropped),
        cmocka_unit_test(paths_that_cannot_be_are_not_sent),
        cmocka_unit_test(what_the_service_says_is_told),
    };
    return cmocka_run_group_tests(tests, aws_world_open, aws_world_close);
}
