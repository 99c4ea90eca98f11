#include "http/server.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "http/connection.h"
#include "http/exchange.h"
#include "http/listen.h"

struct server {
    struct server_options options; /* with defaults filled in; never changed while threads run */
    struct exchange_shared shared;
    struct MHD_Daemon *daemon;
    struct connection_list *connections;
    int listening; /* the socket; the daemon closes it, if there is one */
    bool quiet;    /* no new connections are taken; owner thread */
    char address[LISTEN_ADDRESS_SIZE];
    atomic_size_t busy;
    atomic_bool stopping;
};

static int64_t from_now(const struct server *server, int64_t ms) {
    return clock_monotonic_ms(server->options.clock) + ms;
}

/* ---- what libmicrohttpd calls, on its threads ---- */

static enum MHD_Result on_accept(void *to, const struct sockaddr *address, socklen_t length) {
    struct server *server = to;
    (void)length;
    return connection_allowed(server->connections, address) ? MHD_YES : MHD_NO;
}

static void on_connection(void *to, struct MHD_Connection *handle, void **context,
                          enum MHD_ConnectionNotificationCode code) {
    struct server *server = to;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        int socket = MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        const union MHD_ConnectionInfo *peer = MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        *context = connection_add(server->connections, socket, peer ? peer->client_addr : NULL,
                                  from_now(server, server->options.request_ms));
    } else if (*context) {
        connection_remove(server->connections, *context);
        *context = NULL;
    }
}

static void set_deadline(struct server *server, struct MHD_Connection *handle, int64_t deadline_ms) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(handle, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (info && info->socket_context)
        connection_deadline(server->connections, info->socket_context, deadline_ms);
}

/* The request line is in. */
static void *on_target(void *to, const char *raw, struct MHD_Connection *handle) {
    struct server *server = to;
    set_deadline(server, handle, from_now(server, server->options.request_ms));
    return exchange_open(&server->shared, raw);
}

static enum MHD_Result on_request(void *to, struct MHD_Connection *handle, const char *url, const char *method,
                                  const char *version, const char *data, size_t *length, void **context) {
    struct server *server = to;
    struct exchange *exchange = *context;
    enum exchange_step step;
    (void)url;
    (void)version;
    if (!exchange)
        return MHD_NO;
    exchange->last |= atomic_load(&server->stopping);
    if (!exchange->begun) {
        atomic_fetch_add(&server->busy, 1);
        step = exchange_begin(exchange, handle, method);
        set_deadline(server, handle, step == EXCHANGE_BODY ? from_now(server, server->options.request_ms) : INT64_MAX);
    } else if (*length > 0) {
        step = exchange_take(exchange, data, *length);
        *length = 0;
    } else {
        set_deadline(server, handle, INT64_MAX);
        step = exchange_end(exchange, handle); /* once more after an answer that was waited for */
    }
    return step == EXCHANGE_BROKEN ? MHD_NO : MHD_YES;
}

static void on_completed(void *to, struct MHD_Connection *handle, void **context,
                         enum MHD_RequestTerminationCode code) {
    struct server *server = to;
    struct exchange *exchange = *context;
    *context = NULL;
    set_deadline(server, handle, from_now(server, server->options.idle_ms));
    if (!exchange)
        return;
    if (exchange->begun) {
        bool whole = code == MHD_REQUEST_TERMINATED_COMPLETED_OK;
        struct server_event event = {
            .route = exchange->route,
            .method = exchange->request.head ? "HEAD" : exchange->request.method,
            .path = exchange->request.target.path ? exchange->request.target.path : "",
            .status = exchange->status,
            .bytes = whole ? exchange->bytes : 0,
            .duration_ms = clock_monotonic_ms(server->options.clock) - exchange->started_ms,
            .whole = whole,
        };
        if (server->options.observe)
            server->options.observe(server->options.to, &event);
        atomic_fetch_sub(&server->busy, 1);
    }
    exchange_close(exchange);
}

/* Escapes are read by target_parse, part by part, so libmicrohttpd is to leave them alone. */
static size_t on_unescape(void *to, struct MHD_Connection *handle, char *text) {
    (void)to;
    (void)handle;
    return strlen(text);
}

static void on_log(void *to, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
static void on_log(void *to, const char *format, va_list arguments) {
    char line[512];
    (void)to;
    if (log_level() > LOG_DEBUG)
        return;
    vsnprintf(line, sizeof(line), format, arguments);
    line[strcspn(line, "\n")] = 0;
    log_debug("http", "%s", line);
}

/* ---- the owner's side ---- */

static void fill_defaults(struct server_options *options) {
    if (!options->clock)
        options->clock = clock_system();
    if (!options->threads)
        options->threads = 4;
    if (!options->connections)
        options->connections = LIMIT_SERVER_CONNECTIONS;
    if (!options->connections_per_address)
        options->connections_per_address = LIMIT_SERVER_PER_ADDRESS;
    if (options->request_ms <= 0)
        options->request_ms = 15000;
    if (options->idle_ms <= 0)
        options->idle_ms = 60000;
}

static bool start(struct server *server, struct error *err) {
    const struct server_options *options = &server->options;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    server->daemon = MHD_start_daemon(flags, 0, on_accept, server, on_request, server, MHD_OPTION_EXTERNAL_LOGGER,
                                      on_log, server, /* first, to hear of the rest */
                                      MHD_OPTION_LISTEN_SOCKET, server->listening, MHD_OPTION_THREAD_POOL_SIZE,
                                      options->threads, MHD_OPTION_THREAD_STACK_SIZE, (size_t)LIMIT_SERVER_STACK_BYTES,
                                      MHD_OPTION_CONNECTION_LIMIT, options->connections, MHD_OPTION_CONNECTION_TIMEOUT,
                                      (unsigned)((options->idle_ms + 999) / 1000), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                      (size_t)LIMIT_SERVER_HEAD_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1,
                                      MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_NOTIFY_COMPLETED,
                                      on_completed, server, MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
                                      MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, server, MHD_OPTION_END);
    if (!server->daemon)
        return error_set_os(err, errno, "cannot start the server's threads");
    return true;
}

struct server *server_open(const struct server_options *options, struct error *err) {
    int listening = listen_open(options->listen, err);
    if (listening < 0)
        return NULL;
    struct server *server = memory_alloc(sizeof(*server));
    server->options = *options;
    server->listening = listening;
    fill_defaults(&server->options);
    server->connections = connection_list_open(server->options.connections_per_address);
    server->shared.options = &server->options;
    server->shared.deferrals = deferral_list_open(server->options.connections / 2);
    if (!listen_address(listening, server->address, err) || !start(server, err)) {
        server_close(server);
        return NULL;
    }
    return server;
}

const char *server_address(const struct server *server) {
    return server->address;
}

void server_tick(struct server *server) {
    size_t dropped = connection_drop_late(server->connections, clock_monotonic_ms(server->options.clock));
    if (dropped)
        log_debug("http", "dropped %zu slow clients", dropped);
    size_t gone = deferral_list_drop_gone(server->shared.deferrals);
    if (gone)
        log_debug("http", "%zu clients went away while they waited", gone);
}

size_t server_busy(struct server *server) {
    return atomic_load(&server->busy);
}

size_t server_waiting(struct server *server) {
    return deferral_list_count(server->shared.deferrals);
}

size_t server_connections(struct server *server) {
    return connection_count(server->connections);
}

/* New clients are refused. MHD_quiesce_daemon is not used: it and the daemon's threads both take the listening socket
 * out of the same epoll set, and libmicrohttpd 0.9.75 ends the program when one comes second. Putting a descriptor that
 * never stirs in the socket's place closes the socket, which leaves the sets by itself. */
static void refuse_new(struct server *server) {
    int nothing = eventfd(0, EFD_CLOEXEC);
    if (nothing < 0 || dup3(nothing, server->listening, O_CLOEXEC) < 0)
        shutdown(server->listening, SHUT_RDWR);
    if (nothing >= 0)
        close(nothing);
}

void server_stop(struct server *server, int64_t grace_ms) {
    atomic_store(&server->stopping, true);
    if (!server->quiet)
        refuse_new(server);
    server->quiet = true;
    deferral_list_end(server->shared.deferrals, false);
    int64_t end = from_now(server, grace_ms);
    while (server_busy(server) > 0 && clock_monotonic_ms(server->options.clock) < end)
        clock_wait(server->options.clock, 20, NULL);
}

void server_close(struct server *server) {
    if (!server)
        return;
    if (server->shared.deferrals)
        deferral_list_end(server->shared.deferrals, true); /* a daemon with suspended connections cannot stop */
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    deferral_list_close(server->shared.deferrals);
    if (server->listening >= 0 && !server->daemon)
        close(server->listening); /* else the daemon did */
    connection_list_close(server->connections);
    free(server);
}
