/* `tidemill serve`: the pages, searches, audio, transcripts and feeds of all sites in a workspace. docs/serve.md has
 * the addresses.
 *
 * It reads and never writes: runs of other processes may change everything meanwhile. */
#ifndef TIDEMILL_HTTP_SITE_SERVER_H
#define TIDEMILL_HTTP_SITE_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "podcast/workspace.h"

struct flow_server;

/* What the last run did, for /metrics. */
struct site_server_run_facts {
    int64_t finished_ms; /* UTC; 0: there was none */
    int64_t duration_ms;
    bool succeeded;
    uint64_t episodes_added, episodes_transcribed, failures;
};

/* All but listen and workspace.data may be 0 or NULL for the default named. Texts are borrowed until the server ends.
 */
struct site_server_settings {
    const char *listen;                  /* "127.0.0.1:8080"; port 0 takes a free one */
    struct workspace_settings workspace; /* where the sites and their files are */
    const char *version;                 /* TIDEMILL_VERSION */
    bool public_metrics;                 /* /metrics for every client; else for those of this machine only */
    uint64_t disk_floor;                 /* /healthz fails below so many free bytes: 256 MiB */
    unsigned threads;                    /* 4 */
    unsigned connections;                /* 512 at a time */
    unsigned connections_per_address;    /* 64 */
    int64_t request_ms;                  /* for a client to get its request across: 15,000 */
    int64_t idle_ms;                     /* 60,000 */
    int64_t grace_ms;                    /* for requests to finish after a cancel: 10,000 */
    const struct clock *clock;           /* clock_system() */
    struct flow_server *flow;            /* the state machines (http/flow_server.h); NULL: none */
    const char *socket;                  /* a second place to listen, for commands: "unix:PATH" */
    /* Called once it answers, with "http://127.0.0.1:8080"; may be NULL. */
    void (*listening)(void *to, const char *address);
    void *listening_to;
    /* The facts of the last run, from any thread; false when they cannot be told. May be NULL. */
    bool (*last_run)(void *to, struct site_server_run_facts *facts);
    void *last_run_to;
};

/* Serves until `cancel` is requested (a signal handler may), then lets requests finish. False when it could not start:
 * ERROR_CONFIG, ERROR_BUSY, ERROR_DENIED, ERROR_IO. */
bool site_server_run(const struct site_server_settings *settings, struct cancel *cancel, struct error *err);

#endif
