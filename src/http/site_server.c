#include "http/site_server.h"

#include <malloc.h>

#include "base/log.h"
#include "http/app.h"
#include "http/handlers.h"
#include "http/server.h"

enum { TICK_MS = 1000 };

static const char *host_site(void *to, struct arena *arena, const char *host) {
    struct site_app *app = to;
    const struct catalog_view *view = catalog_view_take(app->catalog);
    const struct catalog_entry *entry = catalog_find_domain(view, host);
    const char *id = entry ? arena_text(arena, entry->site->id) : NULL;
    catalog_view_give(view);
    return id;
}

/* The access log: what was asked for, never what was searched for. */
static void observe(void *to, const struct server_event *event) {
    struct site_app *app = to;
    metrics_count(app->metrics, event);
    log_info("http", "%s %.512s %d %llu bytes %lld ms%s", event->method, event->path, event->status,
             (unsigned long long)event->bytes, (long long)event->duration_ms,
             event->whole ? "" : " (client went away)");
}

static struct site_server_settings with_defaults(const struct site_server_settings *settings) {
    struct site_server_settings made = *settings;
    if (!made.clock)
        made.clock = clock_system();
    if (!made.version)
        made.version = TIDEMILL_VERSION;
    if (!made.disk_floor)
        made.disk_floor = (uint64_t)256 * 1024 * 1024;
    if (made.grace_ms <= 0)
        made.grace_ms = 10000;
    return made;
}

static struct server *start(struct site_app *app, const char *listen, struct error *err) {
    const struct site_server_settings *settings = app->settings;
    struct server_options options = {
        .listen = listen,
        .routes = site_route_table,
        .route_count = site_route_count,
        .to = app,
        .host_site = host_site,
        .observe = observe,
        .names_below = "tags",
        .clock = app->clock,
        .threads = settings->threads,
        .connections = settings->connections,
        .connections_per_address = settings->connections_per_address,
        .request_ms = settings->request_ms,
        .idle_ms = settings->idle_ms,
    };
    return server_open(&options, err);
}

/* Once a second: slow clients are dropped, new or changed sites seen, what is not in use let go. A failing look is
 * logged once, not every second. */
static void serve_until(struct site_app *app, struct server *server, struct server *second, struct cancel *cancel) {
    bool failing = false;
    while (clock_wait(app->clock, TICK_MS, cancel)) {
        struct error err = {0};
        server_tick(server);
        if (second)
            server_tick(second);
        bool good = catalog_refresh(app->catalog, &err);
        if (!good && !failing)
            log_error("http", "the sites cannot be looked for; those known are served on: %s", err.message);
        failing = !good;
        if (catalog_trim(app->catalog))
            malloc_trim(0); /* what is free goes back to the system */
    }
}

bool site_server_run(const struct site_server_settings *settings, struct cancel *cancel, struct error *err) {
    struct site_server_settings all = with_defaults(settings);
    struct site_app app = {.settings = &all, .clock = all.clock};
    app.catalog = catalog_open(&all.workspace, err);
    if (!app.catalog)
        return false;
    app.metrics = metrics_open(site_route_table, site_route_count);
    app.started_ms = clock_monotonic_ms(app.clock);
    struct server *server = start(&app, all.listen, err);
    struct server *second = NULL;
    if (server && all.socket && !(second = start(&app, all.socket, err))) {
        server_close(server);
        server = NULL;
    }
    if (server) {
        app.server = server;
        if (all.listening)
            all.listening(all.listening_to, server_address(server));
        serve_until(&app, server, second, cancel);
        server_stop(server, all.grace_ms);
        if (second)
            server_stop(second, all.grace_ms);
    }
    server_close(second);
    server_close(server);
    metrics_close(app.metrics);
    catalog_close(app.catalog);
    return server != NULL;
}
