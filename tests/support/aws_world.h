/* What tests of the AWS clients stand on: a scripted server, a clock that waits at once, keys, chance that can be set.
 * One at a time. */
#ifndef TIDEMILL_TESTS_SUPPORT_AWS_WORLD_H
#define TIDEMILL_TESTS_SUPPORT_AWS_WORLD_H

#include "aws/client.h"
#include "support/scripted_server.h"
#include "support/test_clock.h"

#define AWS_WORLD_KEY_ID "AKIDEXAMPLE"
#define AWS_WORLD_SECRET "the secret key"
#define AWS_WORLD_TOKEN "the token"

struct aws_world {
    struct scripted_server *server;
    struct test_clock clock; /* 2026-09-21T14:13:20Z at first */
    struct http_client *http;
    struct aws_credential_source source;
    struct random random; /* UINT64_MAX: each back-off is the longest that it may be; `state` changes it */
    struct aws_shared *shared;
};

extern struct aws_world world;

/* For cmocka's groups. The HTTP client has attempts of its own, which must not count. */
int aws_world_open(void **state);
int aws_world_close(void **state);
/* Forgets requests, waits and what calls shared; the clock is as at first. */
void aws_world_reset(void);
struct aws_client aws_world_client(const char *service);

#endif
