/* The engine behind its protocol and nothing else, for tests: speaks as `tidemill serve` does.
 *
 *   flow_fixture serve --listen ADDRESS --data DIR [--allow-unsigned] [--virtual-time] [--mock-config FILE]
 *
 * Buckets are the folders of DIR/objects. Prints its address and serves until SIGTERM. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "flow/engine.h"
#include "flow/tasks.h"
#include "http/aws_auth.h"
#include "http/aws_json.h"
#include "http/server.h"
#include "run/pool.h"
#include "store/object/directory.h"

static struct cancel cancel;
static struct aws_json *front;

static struct {
    const char *listen, *data, *mocks;
    bool unsigned_too, virtual_time;
} given = {.listen = "127.0.0.1:0", .data = "."};

static void on_signal(int signal) {
    (void)signal;
    cancel_request(&cancel);
}

static void read_options(int argc, char **argv) {
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'},      {"data", required_argument, NULL, 'd'},
        {"mock-config", required_argument, NULL, 'm'}, {"allow-unsigned", no_argument, NULL, 'u'},
        {"virtual-time", no_argument, NULL, 'v'},      {NULL, 0, NULL, 0},
    };
    int letter;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (letter) {
        case 'l':
            given.listen = optarg;
            break;
        case 'd':
            given.data = optarg;
            break;
        case 'm':
            given.mocks = optarg;
            break;
        case 'u':
            given.unsigned_too = true;
            break;
        case 'v':
            given.virtual_time = true;
            break;
        default:
            exit(2);
        }
    }
}

static void die(const struct error *err) {
    char line[1024];
    fprintf(stderr, "flow_fixture: %s\n", error_line(err, line, sizeof(line)));
    exit(3);
}

static struct object_store *bucket_open(void *to, const char *bucket, struct error *err) {
    (void)to;
    char path[4096];
    snprintf(path, sizeof(path), "%s/objects/%s", given.data, bucket);
    return directory_store_open(path, err);
}

/* The small tasks and the engine's own, in one table. */
static struct pool *tasks_open(struct task **table, struct error *err) {
    static struct flow_buckets buckets = {.open = bucket_open};
    size_t small_count;
    size_t own_count;
    const struct task *small = tasks_built_in(&small_count);
    struct task *own = flow_tasks(&buckets, &own_count);
    *table = memory_alloc((small_count + own_count) * sizeof(**table));
    memcpy(*table, small, small_count * sizeof(**table));
    memcpy(*table + small_count, own, own_count * sizeof(**table));
    free(own);
    struct pool_settings settings = {.tasks = *table, .task_count = small_count + own_count, .scratch = given.data};
    return pool_open(&settings, err);
}

static void flow_start(void *to, const char *operation, const json_t *request, aws_json_done *done, void *done_to) {
    engine_call(to, operation, request, done, done_to);
}

static void answer(void *to, const struct server_request *request, struct server_response *response) {
    (void)to;
    aws_json_answer(front, request, response);
}

static void serve(struct engine *engine, struct error *err) {
    static const struct server_route routes[] = {{"POST", "/", "aws", ROUTE_BODY | ROUTE_LARGE | ROUTE_API, answer}};
    static const char *const slow[] = {"GetActivityTask", "StartSyncExecution", NULL};
    struct aws_json_service service = {.target = "AWSStepFunctions",
                                       .signing_name = "states",
                                       .operations = engine_operations(),
                                       .slow = slow,
                                       .start = flow_start,
                                       .to = engine};
    struct aws_auth *auth = aws_auth_open(&(struct aws_auth_settings){.allow_unsigned = given.unsigned_too});
    front = aws_json_open(&(struct aws_json_settings){.services = &service, .service_count = 1, .auth = auth});
    struct server_options options = {.listen = given.listen, .routes = routes, .route_count = 1};
    struct server *server = server_open(&options, err);
    if (!server)
        die(err);
    printf("listening on %s\n", server_address(server));
    fflush(stdout);
    while (clock_wait(clock_system(), 200, &cancel))
        server_tick(server);
    server_stop(server, 1000);
    server_close(server);
    aws_json_close(front);
    aws_auth_close(auth);
}

int main(int argc, char **argv) {
    struct error err = {0};
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        puts("tidemill (engine)");
        return 0;
    }
    read_options(argc, argv);
    log_set_level(LOG_INFO);
    signal(SIGTERM, on_signal);
    struct task *table;
    struct pool *pool = tasks_open(&table, &err);
    if (!pool)
        die(&err);
    JSON_OWNED json_t *mocks = given.mocks ? json_read(given.mocks, 64 << 20, &err) : NULL;
    if (given.mocks && !mocks)
        die(&err);
    struct engine_settings settings = {.folder = given.data,
                                       .pool = pool,
                                       .time = given.virtual_time ? ENGINE_TIME_VIRTUAL : ENGINE_TIME_REAL,
                                       .mocks = mocks};
    struct engine *engine = engine_open(&settings, &err);
    if (!engine)
        die(&err);
    serve(engine, &err);
    engine_close(engine);
    pool_close(pool);
    free(table);
    return 0;
}
