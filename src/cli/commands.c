/* The table of commands. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"

#define GLOBAL_OPTIONS "help data workspace files config log.level color progress json"
#define FETCH_OPTIONS                                                                                                  \
    "fetch.jobs fetch.per-host fetch.pause fetch.stall fetch.attempts fetch.backoff "                                  \
    "fetch.largest-audio fetch.allow-private fetch.user-agent"
#define TRANSCRIBE_OPTIONS                                                                                             \
    "transcribe.provider transcribe.model transcribe.language transcribe.jobs transcribe.threads transcribe.part "     \
    "transcribe.stall transcribe.vad openai.base-url openai.key openai.model openai.largest-upload"

/* What cloud_open reads (cloud.h), and what cli_store_open gives new objects in a bucket (sync_store.h). */
#define S3_OPTIONS                                                                                                     \
    "aws.profile flow.region aws.endpoint-url aws.endpoint-s3 aws.endpoint-sts aws.env-automation aws.key-id "         \
    "aws.secret aws.token"
#define AWS_OPTIONS S3_OPTIONS " flow.lambda-endpoint aws.endpoint-cloudfront aws.endpoint-sns fetch.allow-private"
#define ROLE_OPTIONS "aws.role-name"

/* `podcast automate` hands them on to the run. */
#define RUN_OPTIONS                                                                                                    \
    "podcast.sites run.dry-run run.skip-rss-retrieval run.skip-audio-processing run.skip-local-indexing "              \
    "run.force-local-indexing run.reapply-spelling-corrections run.local-run-only run.skip-pre-sync run.skip-s3-sync " \
    "run.skip-cloudfront-invalidation run.sync-folders run.env run.delete-removed run.max-episodes "                   \
    "run.recheck-audio fetch.recheck-days " FETCH_OPTIONS " " TRANSCRIBE_OPTIONS " " AWS_OPTIONS " " ROLE_OPTIONS

#define STORE_OPTIONS                                                                                                  \
    "s3.storage-class s3.sse s3.sse-kms-key-id s3.tags s3.acl s3.path-style s3.checksum s3.bucket-owner s3.part-size"

#define AUTOMATE_OPTIONS                                                                                               \
    "automate.with automate.at automate.every automate.print automate.yes automate.force automate.wait "               \
    "automate.notify-after automate.webhook automate.sns-topic automate.mail-command flow.account"

#define SYNC_OPTIONS                                                                                                   \
    "run.dry-run sync.both sync.delete sync.max-delete sync.conflict sync.compare sync.include sync.exclude "          \
    "sync.memory sync.transfers sync.bandwidth fetch.stall " S3_OPTIONS " " STORE_OPTIONS

/* Where no server runs, a command opens the engine itself. */
#define ENGINE_OPTIONS "flow.region flow.account flow.mock-config flow.virtual-time flow.time-scale"
#define OWNER_OPTIONS "flow.region flow.account"
#define SCHEDULE_OPTIONS                                                                                               \
    "schedule.target input schedule.timezone schedule.group schedule.state schedule.start schedule.end "               \
    "schedule.window schedule.retries schedule.max-age schedule.dead-letter schedule.message-group "                   \
    "schedule.delete-after schedule.description schedule.role " OWNER_OPTIONS

static const struct command table[] = {
    {"podcast", "add", "FEED_URL", 1, 1, "make a site from a feed, or add a podcast to a site",
     "add.site add.domain " FETCH_OPTIONS, "tidemill podcast add https://example.org/feed.xml", command_podcast_add,
     false},
    {"podcast", "list", "", 0, 0, "list the sites with their podcasts and episodes", "podcast.sites",
     "tidemill podcast list --json", command_podcast_list, false},
    {"podcast", "run", "", 0, 0, "fetch, transcribe and index what is new, for all sites", RUN_OPTIONS,
     "tidemill podcast run --sites hardfork,naddpod --jobs 2", command_podcast_run, false},
    {"podcast", "gap", "", 0, 0, "show what each site has here and in the cloud, and what differs",
     "podcast.sites run.sync-folders " AWS_OPTIONS " " ROLE_OPTIONS, "tidemill podcast gap --sites hardfork --json",
     command_podcast_gap, false},
    {"podcast", "account", "[set SITE]", 0, 2, "list the accounts that the sites live in, or set a site's",
     "account.id account.bucket account.distribution",
     "tidemill podcast account set hardfork --account-id 123456789012", command_podcast_account, false},
    {"podcast", "check", "", 0, 0, "check configuration, files, transcripts and index of the sites",
     "podcast.sites add.site check.all check.format check.verbose check.deep",
     "tidemill podcast check --sites hardfork", command_podcast_check, false},
    {"podcast", "validate", "roles|access", 1, 1,
     "check who makes the automation roles, or that each site's account lets the automation in",
     "podcast.sites " AWS_OPTIONS " " ROLE_OPTIONS, "tidemill podcast validate access --sites hardfork",
     command_podcast_validate, false},
    {"podcast", "search", "WORDS...", 1, 64, "search what was said",
     "podcast.sites search.limit search.offset search.sort search.from search.to search.podcasts",
     "tidemill podcast search '\"ask not\" country' --sort newest", command_podcast_search, false},
    {"podcast", "respell", "", 0, 0, "apply the spelling corrections to the transcripts that are there",
     "podcast.sites run.dry-run", "tidemill podcast respell --sites hardfork", command_podcast_respell, false},
    {"podcast", "index", "", 0, 0, "bring search entries and index up to date",
     "podcast.sites run.force-local-indexing", "tidemill podcast index --sites hardfork", command_podcast_index, false},
    {"podcast", "automate", "install|status|run|remove|enable|disable", 1, 1,
     "have the run started every night, and look after it", AUTOMATE_OPTIONS " " RUN_OPTIONS,
     "tidemill podcast automate install --at 03:00", command_podcast_automate, false},
    {"podcast", "history", "", 0, 0, "show the last runs", "history.limit", "tidemill podcast history --last 5",
     command_podcast_history, false},
    {"sync", NULL, "SOURCE TARGET", 2, 2, "make two places the same: folders, or s3://bucket/prefix", SYNC_OPTIONS,
     "tidemill sync ./site s3://example-bucket/site --both --dry-run", command_sync, false},
    {"model", "list", "", 0, 0, "list the speech models and which of them are here", "", "tidemill model list",
     command_model_list, false},
    {"model", "get", "NAME", 1, 1, "fetch and verify a model", "model.from model.unverified " FETCH_OPTIONS,
     "tidemill model get base.en", command_model_get, false},
    {"model", "check", "[NAME]", 0, 1, "verify the models that are here", "", "tidemill model check",
     command_model_check, false},
    {"model", "remove", "NAME", 1, 1, "remove a model", "", "tidemill model remove base.en", command_model_remove,
     false},
    {"flow", "check", "FILE...", 1, 10000, "check definitions of state machines", "flow.express",
     "tidemill flow check machines/podcast-run.asl.json", command_flow_check, false},
    {"flow", "create", "NAME FILE", 2, 2, "make a state machine, or bring it up to date",
     "flow.express " ENGINE_OPTIONS, "tidemill flow create hello hello.asl.json", command_flow_create, false},
    {"flow", "start", "MACHINE", 1, 1, "start an execution", "input flow.name flow.wait " ENGINE_OPTIONS,
     "tidemill flow start hello --input '{\"who\": \"you\"}' --wait", command_flow_start, false},
    {"flow", "list", "[MACHINE]", 0, 1, "list the state machines, or a machine's executions",
     "flow.status history.limit " ENGINE_OPTIONS, "tidemill flow list hello --status FAILED", command_flow_list, false},
    {"flow", "show", "MACHINE|EXECUTION", 1, 1, "show a state machine or an execution", ENGINE_OPTIONS,
     "tidemill flow show hello/first", command_flow_show, false},
    {"flow", "history", "EXECUTION", 1, 1, "print what happened in an execution", "flow.reverse " ENGINE_OPTIONS,
     "tidemill flow history hello/first", command_flow_history, false},
    {"flow", "wait", "EXECUTION", 1, 1, "wait for the end of an execution and print its output", ENGINE_OPTIONS,
     "tidemill flow wait hello/first", command_flow_wait, false},
    {"flow", "stop", "EXECUTION", 1, 1, "stop an execution", "flow.error flow.cause " ENGINE_OPTIONS,
     "tidemill flow stop hello/first --cause 'no longer wanted'", command_flow_stop, false},
    {"flow", "redrive", "EXECUTION", 1, 1, "go on with a failed execution from the state that failed",
     "flow.wait " ENGINE_OPTIONS, "tidemill flow redrive hello/first", command_flow_redrive, false},
    {"flow", "test", "FILE [STATE]", 1, 2, "try one state, its task mocked or carried out",
     "input flow.mock flow.context flow.variables flow.retries " ENGINE_OPTIONS,
     "tidemill flow test hello.asl.json Greet --input '{\"who\": \"you\"}'", command_flow_test, false},
    {"flow", "draw", "FILE", 1, 1, "draw a definition: a tree, a picture (--svg), or its layout (--json)", "flow.svg",
     "tidemill flow draw machines/podcast-run.asl.json --svg > run.svg", command_flow_draw, false},
    {"schedule", "next", "EXPRESSION", 1, 1, "print when an expression comes next",
     "schedule.timezone schedule.after schedule.count",
     "tidemill schedule next 'cron(30 8 ? * MON-FRI *)' --timezone Europe/Berlin", command_schedule_next, false},
    {"schedule", "create", "NAME EXPRESSION", 2, 2, "start something again and again, or once at a time",
     SCHEDULE_OPTIONS,
     "tidemill schedule create nightly 'cron(0 3 * * ? *)' --target task:podcast.run --timezone Europe/Berlin",
     command_schedule_create, false},
    {"schedule", "update", "NAME [EXPRESSION]", 1, 2, "change a schedule; what is not named stays", SCHEDULE_OPTIONS,
     "tidemill schedule update nightly --state DISABLED", command_schedule_update, false},
    {"schedule", "list", "", 0, 0, "list the schedules and when each comes next",
     "schedule.group schedule.prefix schedule.state " OWNER_OPTIONS, "tidemill schedule list --state ENABLED",
     command_schedule_list, false},
    {"schedule", "show", "NAME", 1, 1, "show a schedule and when it comes next", "schedule.group " OWNER_OPTIONS,
     "tidemill schedule show nightly", command_schedule_show, false},
    {"schedule", "delete", "NAME", 1, 1, "delete a schedule", "schedule.group " OWNER_OPTIONS,
     "tidemill schedule delete nightly", command_schedule_delete, false},
    {"schedule", "groups", "[create|delete NAME]", 0, 2, "list, make and delete groups of schedules", OWNER_OPTIONS,
     "tidemill schedule groups create shows", command_schedule_groups, false},
    {"serve", NULL, "", 0, 0, "serve the sites, the state machines and the console",
     "serve.listen serve.allow-unsigned serve.access-keys flow.region flow.account flow.mock-config flow.virtual-time "
     "flow.time-scale flow.lambda-endpoint flow.sqs-endpoint flow.connections aws.key-id aws.secret aws.token",
     "tidemill serve --data ~/podcasts --listen 127.0.0.1:8787", command_serve, false},
    {"doctor", NULL, "", 0, 0, "say what is missing, and the command that mends it",
     "podcast.sites transcribe.provider transcribe.model transcribe.vad openai.base-url openai.key " AWS_OPTIONS
     " " ROLE_OPTIONS,
     "tidemill doctor --sites hardfork", command_doctor, false},
    {"config", NULL, "[NAME]", 0, 1, "print each setting, its value and where it came from", "*",
     "tidemill config transcribe.model", command_config, false},
    {"completion", NULL, "SHELL", 1, 1, "print completions for bash, zsh or fish", "", "tidemill completion bash",
     command_completion, false},
    {"manual", NULL, "", 0, 0, "print the man page", "", "tidemill manual | man -l -", command_manual, false},
    {"version", NULL, "", 0, 0, "print the version", "", "tidemill version", command_version, false},
    {"media-worker", NULL, "", 0, 0, "the worker process for codecs and models", "", "", command_media_worker, true},
};

const struct command *command_table(size_t *count) {
    *count = ARRAY_LENGTH(table);
    return table;
}

const struct command *command_find(const char *noun, const char *verb) {
    for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
        if (strcmp(table[i].noun, noun) == 0 && (!table[i].verb || (verb && strcmp(table[i].verb, verb) == 0)))
            return &table[i];
    }
    return NULL;
}

static bool names(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; *at;) {
        size_t size = strcspn(at, " ");
        if (size == length && strncmp(at, name, size) == 0)
            return true;
        at += size + (at[size] == ' ');
    }
    return false;
}

bool command_takes(const struct command *command, const struct option_row *row) {
    if (names(GLOBAL_OPTIONS, row->name))
        return true;
    return command && (strcmp(command->options, "*") == 0 || names(command->options, row->name));
}
