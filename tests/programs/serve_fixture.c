/* The site server by itself, for tests: serve_fixture DATA LISTEN [REQUEST_MS IDLE_MS [CONNECTIONS PER_ADDRESS]].
 * Prints its address and serves until SIGTERM. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "http/site_server.h"

static struct cancel cancel;

static void on_signal(int signal) {
    (void)signal;
    cancel_request(&cancel);
}

static void on_listening(void *to, const char *address) {
    (void)to;
    printf("listening on %s\n", address);
    fflush(stdout);
}

static int64_t number(const char *text) {
    int64_t value = 0;
    return text_to_int64(text, &value) ? value : 0;
}

int main(int argc, char **argv) {
    struct error err = {0};
    if (argc < 3)
        return 2;
    struct site_server_settings settings = {
        .listen = argv[2],
        .workspace = {.data = argv[1]},
        .disk_floor = 1,
        .request_ms = argc > 3 ? number(argv[3]) : 0,
        .idle_ms = argc > 4 ? number(argv[4]) : 0,
        .connections = argc > 5 ? (unsigned)number(argv[5]) : 0,
        .connections_per_address = argc > 6 ? (unsigned)number(argv[6]) : 0,
        .grace_ms = 60000,
        .listening = on_listening,
    };
    log_set_level(LOG_INFO);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    if (site_server_run(&settings, &cancel, &err))
        return 0;
    char line[1024];
    fprintf(stderr, "serve: %s\n", error_line(&err, line, sizeof(line)));
    return 3;
}
