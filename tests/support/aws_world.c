#include "support/aws_world.h"

#define STARTS_MS INT64_C(1790000000000)

struct aws_world world;

static uint64_t as_set(struct random *random) {
    return random->state;
}

int aws_world_open(void **state) {
    (void)state;
    world.server = scripted_server_open();
    world.http = http_client_open(&(struct http_client_settings){.allow_private = true, .attempts = 5}, NULL);
    aws_world_reset();
    return 0;
}

int aws_world_close(void **state) {
    (void)state;
    aws_shared_close(world.shared);
    http_client_close(world.http);
    scripted_server_close(world.server);
    return 0;
}

void aws_world_reset(void) {
    scripted_server_reset(world.server);
    test_clock_open(&world.clock, STARTS_MS);
    world.random = (struct random){.next = as_set, .state = UINT64_MAX};
    world.source = aws_credentials_fixed(AWS_WORLD_KEY_ID, AWS_WORLD_SECRET, AWS_WORLD_TOKEN);
    aws_shared_close(world.shared);
    world.shared = aws_shared_open();
}

struct aws_client aws_world_client(const char *service) {
    return (struct aws_client){.http = world.http,
                               .credentials = &world.source,
                               .clock = &world.clock.clock,
                               .random = &world.random,
                               .shared = world.shared,
                               .service = service,
                               .region = "eu-west-1",
                               .endpoint = scripted_server_url(world.server)};
}
