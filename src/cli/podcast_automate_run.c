/* tidemill podcast automate run: the machine that automate_run works with. The pipeline is a process of its own, the
 * same program: one that is killed or crashes is a failed attempt that somebody is left to write down. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "aws/sns.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/program.h"
#include "base/text.h"
#include "cli/cloud.h"
#include "cli/output.h"
#include "cli/podcast_automate.h"
#include "cli/workspace.h"
#include "podcast/automate_log.h"
#include "podcast/automate_notice.h"
#include "podcast/history_file.h"
#include "podcast/state.h"

#define OWN_NAME "tidemill: "
enum { STEP_MS = 300000, GRACE_MS = 100000, LINES_KEPT = 400, HOST_SIZE = 256, CHANNELS = 3 };

struct run_cli {
    struct automate_cli *cli;
    struct automate_log *log, *errors;
    bool show;      /* what the pipeline says goes to the terminal too */
    bool bad;       /* the last line of its standard error was an error: a hint may follow */
    json_t *lines;  /* for --json */
    char last[512]; /* its last error */
    char host[HOST_SIZE];
    struct http_client *http;
    struct notice_webhook webhook;
    struct notice_topic topic;
    struct notice_mail mail;
    struct automate_channel channels[CHANNELS];
    size_t channel_count;
};

/* ---- what is said ---- */

static void say(void *to, const char *line, bool bad) {
    struct run_cli *run = to;
    automate_log_line(run->log, line);
    if (bad)
        automate_log_line(run->errors, line);
    if (json_array_size(run->lines) < LINES_KEPT)
        json_array_append_new(run->lines, json_string(line));
    if (output_wants_json(run->cli->context))
        return;
    output_safe(line);
    putchar('\n');
    fflush(stdout);
}

/* A line of the pipeline. Its progress and its errors come on standard error: progress is set in by two blanks, as the
 * hint under an error is. */
static void take_line(void *to, bool is_error, const char *line) {
    struct run_cli *run = to;
    automate_log_line(run->log, line);
    bool set_in = text_starts(line, "  ");
    run->bad = is_error && *line && (!set_in || run->bad);
    if (run->bad) {
        automate_log_line(run->errors, line);
        if (!set_in)
            snprintf(run->last, sizeof(run->last), "%s", line + (text_starts(line, OWN_NAME) ? strlen(OWN_NAME) : 0));
    }
    if (run->show) {
        output_safe(line);
        putchar('\n');
        fflush(stdout);
    }
}

/* ---- the pipeline ---- */

/* Who holds the lock of runs, in words; NULL: nobody. */
static const char *busy(void *to) {
    const struct run_cli *run = to;
    struct arena *arena = run->cli->context->arena;
    struct error err = {0};
    if (file_lock_look(file_join(arena, run->cli->data, "run/podcast-run.lock"), &err) || err.code != ERROR_BUSY)
        return NULL;
    return arena_format(arena, "a run is under way already, nothing is done: %s", err.message);
}

static void release(void *value) {
    json_decref(value);
}

/* The number of the newest run that the state knows, 0 for none, and its result record (NULL while it has none). */
static int64_t newest_run(const struct run_cli *run, struct arena *arena, json_t **record) {
    struct podcast_state *state =
        podcast_state_open_readonly(file_join(arena, run->cli->data, "state/podcast.db"), NULL);
    json_t *runs = state ? state_runs_read(state, 1, NULL) : NULL;
    podcast_state_close(state);
    arena_defer(arena, release, runs);
    const json_t *newest = json_array_get(runs, 0);
    json_t *found = json_object_get(newest, "record");
    *record = json_is_object(found) ? found : NULL;
    return json_get_int(newest, "id", 0);
}

static const char *errors_line(struct arena *arena, const json_t *record) {
    size_t count = 0;
    const char *first = NULL;
    const char *first_site = "";
    size_t index;
    const json_t *site;
    json_array_foreach (json_object_get(record, "sites"), index, site) {
        const json_t *errors = json_object_get(site, "errors");
        count += json_array_size(errors);
        if (!first && json_array_size(errors)) {
            first = json_string_value(json_array_get(errors, 0));
            first_site = json_get_text(site, "siteId", "");
        }
    }
    if (!first)
        return "the run had errors";
    return arena_format(arena, "the run had %zu error%s: %s: %.500s", count, count == 1 ? "" : "s", first_site, first);
}

static const char **pipeline_words(const struct automate_cli *cli) {
    const char **words = arena_alloc_array(cli->context->arena, cli->flag_count + 8, sizeof(*words));
    size_t count = 0;
    words[count++] = cli->program;
    words[count++] = "podcast";
    words[count++] = "run";
    words[count++] = "--progress=lines";
    words[count++] = "--color=never";
    for (size_t i = 0; i < cli->flag_count; i++)
        words[count++] = cli->flags[i];
    return words;
}

/* What the end of the pipeline's process means. */
static void judge(struct run_cli *run, struct arena *arena, const struct program_end *end,
                  struct automate_result *result) {
    const char *ended = program_end_text(arena, end);
    result->outcome = AUTOMATE_BROKEN;
    if (end->status == EXIT_WELL) {
        result->outcome = AUTOMATE_WELL;
    } else if (end->status == EXIT_SOME_FAILED) {
        result->outcome = AUTOMATE_ERRORS;
        result->line = errors_line(arena, result->record);
    } else if (end->status == EXIT_INTERRUPTED) {
        result->outcome = AUTOMATE_INTERRUPTED;
        result->line = "the run was interrupted; the next one goes on where it was";
    } else if (end->status == EXIT_NOT_STARTED && !result->record && (result->line = busy(run)) != NULL) {
        result->outcome = AUTOMATE_ELSEWHERE;
    } else if (end->status < 0) {
        result->line = arena_format(arena, "the run was killed: %s", ended);
    } else {
        result->line = arena_format(arena, "the run could not start (%s): %s", ended,
                                    run->last[0] ? run->last : "it said nothing");
    }
}

static void start(void *to, struct arena *arena, struct automate_result *result) {
    struct run_cli *run = to;
    const struct automate_cli *cli = run->cli;
    json_t *record = NULL;
    int64_t before = newest_run(run, arena, &record);
    struct program_call call = {.words = pipeline_words(cli),
                                .clock = cli->context->clock,
                                .cancel = cli->context->cancel,
                                .grace_ms = GRACE_MS,
                                .line = take_line,
                                .to = run};
    struct program_end end = {0};
    struct error err = {0};
    bool ended = program_run(arena, &call, &end, &err);
    bool interrupted = !ended && err.code == ERROR_CANCELLED;
    if (newest_run(run, arena, &record) > before)
        result->record = record;
    if (ended) {
        judge(run, arena, &end, result);
    } else {
        result->outcome = interrupted ? AUTOMATE_INTERRUPTED : AUTOMATE_BROKEN;
        result->line =
            interrupted ? "the run was interrupted; the next one goes on where it was" : arena_text(arena, err.message);
    }
}

static void remember(void *to, const json_t *record) {
    struct run_cli *run = to;
    struct error err = {0};
    int64_t now = clock_wall_ms(run->cli->context->clock);
    const char *path = file_join(run->cli->context->arena, run->cli->folder, HISTORY_FILE_NAME);
    if (!history_file_add(path, record, automate_system_offset(NULL, now), &err))
        say(run, err.message, true);
}

static void power(void *to, struct automate_power *power) {
    automate_cli_power(((struct run_cli *)to)->cli, power);
}

static bool network(void *to) {
    return automate_cli_network(((struct run_cli *)to)->cli);
}

/* ---- the ways to people ---- */

static bool publish(void *to, const char *topic_arn, const char *subject, const char *message, struct error *err) {
    struct command_context *context = to;
    struct cloud *cloud = cloud_open(context, err);
    if (!cloud)
        return false;
    /* "arn:aws:sns:REGION:ACCOUNT:NAME": a topic is reached in its own region. */
    const char *region = NULL;
    const char *at = topic_arn;
    for (int i = 0; i < 3 && at; i++) {
        at = strchr(at, ':');
        at = at ? at + 1 : NULL;
    }
    if (at && strcspn(at, ":"))
        region = arena_text_part(context->arena, at, strcspn(at, ":"));
    struct aws_client client = cloud_client(cloud, CLOUD_SNS, cloud_base_credentials(cloud), region);
    const char *id = NULL;
    struct aws_failure failure = {0};
    bool done = sns_publish(context->arena, &client, topic_arn, subject, message, &id, &failure, err);
    cloud_close(cloud);
    return done;
}

static void add_channel(struct run_cli *run, const char *name,
                        bool (*send)(void *to, const struct automate_notice *notice, struct error *err), void *to) {
    run->channels[run->channel_count++] = (struct automate_channel){name, send, to};
}

static bool open_channels(struct run_cli *run, struct error *err) {
    struct command_context *context = run->cli->context;
    const struct options *options = context->options;
    const char *url = options_text(options, "automate.webhook");
    const char *topic = options_text(options, "automate.sns-topic");
    const char *command = options_text(options, "automate.mail-command");
    if (gethostname(run->host, sizeof(run->host)) != 0 || !run->host[0])
        snprintf(run->host, sizeof(run->host), "this machine");
    run->host[sizeof(run->host) - 1] = '\0';
    if (url) {
        run->http = cli_http_open(context, err);
        if (!run->http)
            return false;
        run->webhook = (struct notice_webhook){.http = run->http,
                                               .url = url,
                                               .allow_http = options_bool(options, "fetch.allow-private"),
                                               .host = run->host,
                                               .cancel = context->cancel};
        add_channel(run, "webhook", notice_webhook_send, &run->webhook);
    }
    if (topic) {
        run->topic = (struct notice_topic){topic, run->host, publish, context};
        add_channel(run, "sns", notice_topic_send, &run->topic);
    }
    if (command) {
        run->mail = (struct notice_mail){command, run->host, context->clock, context->cancel};
        add_channel(run, "mail", notice_mail_send, &run->mail);
    }
    return true;
}

/* ---- the command ---- */

static const char *const outcome_names[] = {[AUTOMATE_WELL] = "success",        [AUTOMATE_ERRORS] = "errors",
                                            [AUTOMATE_BROKEN] = "broken",       [AUTOMATE_INTERRUPTED] = "interrupted",
                                            [AUTOMATE_ELSEWHERE] = "elsewhere", [AUTOMATE_POSTPONED] = "postponed",
                                            [AUTOMATE_NOT_DUE] = "not-due",     [AUTOMATE_DISABLED] = "disabled"};

static int finish(struct run_cli *run, enum automate_outcome outcome) {
    if (outcome == AUTOMATE_WELL)
        say(run, "the run went well", false);
    if (output_wants_json(run->cli->context)) {
        JSON_OWNED json_t *told = json_pack("{s:s, s:O}", "outcome", outcome_names[outcome], "lines", run->lines);
        output_json(told);
    }
    return automate_exit_status(outcome);
}

/* The lock is held. */
static int run_held(struct run_cli *run) {
    struct command_context *context = run->cli->context;
    struct error err = {0};
    if (!open_channels(run, &err))
        return output_fail(&err, EXIT_NOT_STARTED);
    struct automate_settings settings = {
        .folder = run->cli->folder,
        .clock = context->clock,
        .cancel = context->cancel,
        .plan = run->cli->plan,
        .force = options_bool(context->options, "automate.force"),
        .wait_ms = options_integer(context->options, "automate.wait"),
        .step_ms = STEP_MS,
        .notify_after = options_integer(context->options, "automate.notify-after"),
        .channels = run->channels,
        .channel_count = run->channel_count,
        .power = power,
        .network = network,
        .busy = busy,
        .start = start,
        .remember = remember,
        .say = say,
        .to = run,
    };
    enum automate_outcome outcome = AUTOMATE_BROKEN;
    if (automate_run(context->arena, &settings, &outcome, &err))
        return finish(run, outcome);
    char line[1200];
    automate_log_line(run->errors, error_line(&err, line, sizeof(line)));
    return output_fail(&err, EXIT_NOT_STARTED);
}

static bool open_logs(struct run_cli *run, struct error *err) {
    const struct automate_cli *cli = run->cli;
    if (!file_make_folders(cli->folder, err))
        return false;
    run->log = automate_log_open(cli->folder, AUTOMATE_LOG_NAME, cli->context->clock, err);
    if (!run->log)
        return false;
    run->errors = automate_log_open(cli->folder, AUTOMATE_ERROR_LOG_NAME, cli->context->clock, err);
    return run->errors != NULL;
}

int automate_command_run(struct automate_cli *cli) {
    struct arena *arena = cli->context->arena;
    struct error err = {0};
    struct run_cli run = {.cli = cli, .lines = json_array()};
    run.show = isatty(STDOUT_FILENO) && !output_wants_json(cli->context);
    const char *folder = file_join(arena, cli->data, "run");
    struct file_lock *lock = NULL;
    int status = EXIT_NOT_STARTED;
    if (!file_make_folders(folder, &err) || !open_logs(&run, &err)) {
        output_fail(&err, status);
    } else if ((lock = file_lock_open(file_join(arena, folder, "podcast-automate.lock"), &err))) {
        status = run_held(&run);
    } else if (err.code == ERROR_BUSY) {
        /* The timer's second start, or a person's: no failure. */
        say(&run, arena_format(arena, "an unattended run is under way already, nothing is done: %s", err.message),
            false);
        status = finish(&run, AUTOMATE_ELSEWHERE);
    } else {
        output_fail(&err, status);
    }
    file_lock_close(lock);
    http_client_close(run.http);
    automate_log_close(run.log);
    automate_log_close(run.errors);
    json_decref(run.lines);
    return status;
}
