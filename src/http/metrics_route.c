/* /metrics: what was counted, and what there is now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "flow/engine.h"
#include "http/app.h"
#include "http/flow_server.h"
#include "http/handlers.h"
#include "http/reply.h"
#include "http/server.h"

/* Resident bytes of this process (proc(5), statm: the second number, in pages); 0 where that cannot be read. */
static double resident_bytes(void) {
    char line[128] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    char *got = fgets(line, sizeof(line), file);
    fclose(file);
    const char *second = got ? strchr(line, ' ') : NULL;
    return second ? (double)strtoull(second, NULL, 10) * (double)sysconf(_SC_PAGESIZE) : 0;
}

static void write_sites(const struct catalog_view *view, struct text *out) {
    uint64_t episodes = 0, passages = 0;
    for (size_t i = 0; i < view->count; i++) {
        struct catalog_facts facts = {0};
        uint64_t indexed = 0;
        catalog_facts(&view->entries[i], &facts, NULL);
        catalog_index_look(view->entries[i].live, &indexed, NULL);
        episodes += facts.episodes;
        passages += indexed;
    }
    metrics_value(out, "tidemill_sites", "gauge", "Sites that are served.", (double)view->count);
    metrics_value(out, "tidemill_sites_broken", "gauge", "Folders that are no readable site.",
                  (double)view->failure_count);
    metrics_value(out, "tidemill_episodes", "gauge", "Episodes of all sites.", (double)episodes);
    metrics_value(out, "tidemill_passages", "gauge", "Passages in all indexes.", (double)passages);
}

static void write_last_run(const struct site_app *app, struct text *out) {
    struct site_server_run_facts run = {0};
    if (!app->settings->last_run || !app->settings->last_run(app->settings->last_run_to, &run) || !run.finished_ms)
        return;
    metrics_value(out, "tidemill_last_run_timestamp_seconds", "gauge", "When the last run ended.",
                  (double)run.finished_ms / 1e3);
    metrics_value(out, "tidemill_last_run_duration_seconds", "gauge", "How long it took.",
                  (double)run.duration_ms / 1e3);
    metrics_value(out, "tidemill_last_run_success", "gauge", "1 if all went well.", run.succeeded ? 1 : 0);
    metrics_value(out, "tidemill_last_run_episodes_added", "gauge", "Episodes it found.", (double)run.episodes_added);
    metrics_value(out, "tidemill_last_run_episodes_transcribed", "gauge", "Episodes it transcribed.",
                  (double)run.episodes_transcribed);
    metrics_value(out, "tidemill_last_run_failures", "gauge", "What went wrong in it.", (double)run.failures);
}

static void write_engine(const struct site_app *app, struct text *out) {
    struct engine_numbers numbers = {0};
    if (!app->settings->flow)
        return;
    flow_server_numbers(app->settings->flow, &numbers);
    metrics_value(out, "tidemill_flow_transitions_total", "counter", "States entered.", (double)numbers.transitions);
    metrics_value(out, "tidemill_flow_executions_started_total", "counter", "Executions started.",
                  (double)numbers.executions_started);
    metrics_value(out, "tidemill_flow_executions_ended_total", "counter", "Executions ended.",
                  (double)numbers.executions_ended);
    metrics_value(out, "tidemill_flow_tasks_started_total", "counter", "Tasks handed to the pool.",
                  (double)numbers.tasks_started);
    metrics_value(out, "tidemill_flow_commits_total", "counter", "Commits of the engine's database.",
                  (double)numbers.commits);
    metrics_value(out, "tidemill_flow_executions_in_memory", "gauge", "Open executions that are held in memory.",
                  (double)numbers.open_in_memory);
    metrics_value(out, "tidemill_flow_healthy", "gauge", "1 if the engine can write.",
                  flow_server_healthy(app->settings->flow, NULL) ? 1 : 0);
}

void metrics_page(void *to, const struct server_request *request, struct server_response *response) {
    struct site_app *app = to;
    if (!app->settings->public_metrics && !request->local) {
        reply_absent(request, response);
        return;
    }
    struct hold *hold = hold_open(app, request, response);
    struct text out;
    text_open(&out, 1 * MIB);
    metrics_write(app->metrics, &out);
    struct server *server = app->server;
    if (server)
        metrics_value(&out, "tidemill_http_connections", "gauge", "Open connections.",
                      (double)server_connections(server));
    write_sites(hold->view, &out);
    write_last_run(app, &out);
    write_engine(app, &out);
    metrics_value(&out, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
    metrics_value(&out, "tidemill_uptime_seconds", "counter", "Since the server started.",
                  (double)(clock_monotonic_ms(app->clock) - app->started_ms) / 1e3);
    reply_text(request, response, "text/plain; version=0.0.4; charset=utf-8",
               arena_text_part(request->arena, text_value(&out), out.length), out.length, NULL);
    text_close(&out);
}
