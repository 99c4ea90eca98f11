/* tidemill serve. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/machinery.h"
#include "cli/output.h"
#include "cli/workspace.h"
#include "http/flow_server.h"
#include "http/site_server.h"
#include "podcast/state.h"

static void on_listening(void *to, const char *address) {
    (void)to;
    printf("listening on %s\n", address);
    fflush(stdout);
}

struct last_run {
    const char *path; /* of the state database */
};

static void sum_sites(const json_t *record, struct site_server_run_facts *facts) {
    size_t index;
    const json_t *site;
    json_array_foreach (json_object_get(record, "sites"), index, site) {
        facts->episodes_added += (uint64_t)json_get_int(site, "newEpisodes", 0);
        facts->episodes_transcribed += (uint64_t)json_get_int(site, "newEpisodesTranscribed", 0);
        facts->failures += json_array_size(json_object_get(site, "errors"));
    }
}

/* Opened and closed for each question: /metrics is asked once in a while, and a run in another process writes
 * meanwhile. */
static bool read_last_run(void *to, struct site_server_run_facts *facts) {
    const struct last_run *last = to;
    if (!file_size(last->path, NULL, NULL))
        return false;
    struct podcast_state *state = podcast_state_open_readonly(last->path, NULL);
    if (!state)
        return false;
    JSON_OWNED json_t *runs = state_runs_read(state, 1, NULL);
    podcast_state_close(state);
    const json_t *run = json_array_get(runs, 0);
    int64_t started = 0;
    int64_t ended = 0;
    if (!run || !clock_parse_iso(json_get_text(run, "startedAt", ""), &started) ||
        !clock_parse_iso(json_get_text(run, "endedAt", ""), &ended))
        return false;
    *facts = (struct site_server_run_facts){.finished_ms = ended, .duration_ms = ended - started};
    facts->succeeded = strcmp(json_get_text(run, "status", ""), "success") == 0;
    sum_sites(json_object_get(run, "record"), facts);
    return true;
}

static int serve(struct command_context *context, struct flow_server *flow) {
    struct error err = {0};
    const char *data = options_text(context->options, "data");
    /* The same workspace as every other command's, found once. */
    struct workspace workspace = {0};
    if (!cli_workspace_find(context, &workspace, &err))
        return output_fail(&err, EXIT_NOT_STARTED);
    struct last_run last = {file_join(context->arena, data, "state/podcast.db")};
    struct site_server_settings settings = {
        .listen = options_text(context->options, "serve.listen"),
        .workspace = {.data = data,
                      .workspace =
                          file_is_folder(file_join(context->arena, workspace.root, "sites")) ? workspace.root : NULL,
                      .files = workspace.files_root},
        .version = TIDEMILL_VERSION,
        .clock = context->clock,
        .flow = flow,
        .socket = arena_format(context->arena, "unix:%s", machinery_socket(context)),
        .listening = on_listening,
        .last_run = read_last_run,
        .last_run_to = &last,
    };
    if (!site_server_run(&settings, context->cancel, &err))
        return output_fail(&err, EXIT_NOT_STARTED);
    return EXIT_WELL;
}

/* "ID:SECRET" as configured; the texts live in the context's arena. */
static bool read_keys(struct command_context *context, struct aws_auth_settings *auth, struct error *err) {
    size_t count = 0;
    const char *const *list = options_list(context->options, "serve.access-keys", &count);
    struct aws_auth_key *keys = arena_alloc_array(context->arena, count ? count : 1, sizeof(*keys));
    for (size_t i = 0; i < count; i++) {
        char *text = arena_text(context->arena, list[i]);
        char *colon = strchr(text, ':');
        if (!colon || colon == text || !colon[1])
            return error_set(err, ERROR_CONFIG, "serve.access-keys: entry %zu is not ID:SECRET", i + 1);
        *colon = '\0';
        keys[i] = (struct aws_auth_key){.id = text, .secret = colon + 1};
    }
    auth->keys = keys;
    auth->key_count = count;
    auth->clock = context->clock;
    auth->allow_unsigned = options_bool(context->options, "serve.allow-unsigned");
    return true;
}

static struct flow_server *open_flow(struct command_context *context, struct machinery *machinery, struct error *err) {
    struct flow_server_settings settings = {.engine = machinery_engine(machinery),
                                            .schedules = machinery_schedules(machinery)};
    if (!read_keys(context, &settings.auth, err))
        return NULL;
    return flow_server_open(&settings);
}

int command_serve(struct command_context *context) {
    struct error err = {0};
    struct machinery *machinery = machinery_open(context, &err);
    struct flow_server *flow = machinery ? open_flow(context, machinery, &err) : NULL;
    int status = flow ? serve(context, flow) : output_fail(&err, EXIT_NOT_STARTED);
    flow_server_close(flow);
    machinery_close(machinery);
    return status;
}
