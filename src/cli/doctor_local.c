/* What `tidemill doctor` looks at on this machine, whatever its sites are. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/db.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/doctor.h"
#include "cli/media_worker.h"
#include "cli/server_socket.h"
#include "run/worker.h"
#include "speech/ffmpeg.h"
#include "speech/model.h"

#define GB ((uint64_t)1000 * 1000 * 1000)
#define SPACE_WARN (10 * GB)         /* a week of downloads for a few shows */
#define SPACE_LEAST (1 * GB)         /* one long episode, decoded in parts */
#define CLOCK_EARLIEST 1704067200000 /* 2024-01-01: before this program was made */

static const char *data_folder(const struct doctor *doctor) {
    return options_text(doctor->context->options, "data");
}

/* The nearest folder above a path that is there. */
static const char *existing(struct arena *arena, const char *path) {
    char *at = arena_text(arena, path);
    while (!file_is_folder(at)) {
        char *slash = strrchr(at, '/');
        if (!slash)
            return ".";
        slash[slash == at] = '\0';
        if (slash == at)
            return "/";
    }
    return at;
}

void doctor_data_folder(struct doctor *doctor) {
    const char *data = data_folder(doctor);
    const char *there = existing(doctor->context->arena, data);
    struct stat facts;
    if (stat(data, &facts) == 0 && !S_ISDIR(facts.st_mode))
        doctor_say(doctor, DOCTOR_MISSING, NULL, "name another one with --data DIR", "%s is no folder", data);
    else if (access(there, W_OK | X_OK) != 0)
        doctor_say(doctor, DOCTOR_MISSING, NULL,
                   arena_format(doctor->context->arena, "chown \"$USER\" '%s', or --data DIR", there),
                   "%s cannot be written: %s", there, strerror(errno));
    else if (strcmp(there, data) != 0)
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "%s is made by the first command that needs it", data);
    else
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "%s", data);
}

static void say_server(struct doctor *doctor, struct http_client *http) {
    struct http_request request = {
        .url = "http://localhost/healthz", .any_status = true, .deadline_ms = 10000, .cancel = doctor->context->cancel};
    struct http_response response = {0};
    struct error err = {0};
    ARENA_OWNED struct arena *arena = arena_open();
    if (!http_perform(http, arena, &request, &response, &err))
        doctor_say_error(doctor, DOCTOR_WARNING, NULL, "end the process and start the server again", &err);
    else if (response.status != 200)
        doctor_say(doctor, DOCTOR_WARNING, NULL, "its log says more",
                   "a server that says it is not well (/healthz: %d)", response.status);
    else
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "a running server, which is well");
}

/* The process that holds the lock, as the system lists it: taking the lock to find out would be in a starting server's
 * way. 0: nobody, or the system has no such list. */
static uint64_t holder_of(const char *path) {
    struct stat facts;
    FILE *list = stat(path, &facts) == 0 ? fopen("/proc/locks", "re") : NULL;
    uint64_t holder = 0;
    char line[256];
    while (list && !holder && fgets(line, sizeof(line), list)) {
        /* "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF" */
        char *words[6] = {0};
        char *rest = NULL;
        size_t count = 0;
        for (char *word = strtok_r(line, " \n", &rest); word && count < ARRAY_LENGTH(words);
             word = strtok_r(NULL, " \n", &rest))
            words[count++] = word;
        const char *inode = words[5] ? strrchr(words[5], ':') : NULL;
        uint64_t number = 0;
        if (inode && strcmp(words[1], "FLOCK") == 0 && text_to_uint64(inode + 1, &number) && number == facts.st_ino)
            text_to_uint64(words[4], &holder);
    }
    if (list)
        fclose(list);
    return holder;
}

void doctor_owner(struct doctor *doctor) {
    struct http_client *http = server_socket_open(doctor->context);
    uint64_t holder = holder_of(file_join(doctor->context->arena, data_folder(doctor), "run/lock"));
    if (http && holder)
        say_server(doctor, http);
    else if (holder)
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "process %" PRIu64 ", a command that is at work", holder);
    else
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "nobody; each command is for as long as it lasts");
    http_client_close(http);
}

static void say_space(struct doctor *doctor, const char *what, const char *path) {
    const char *there = existing(doctor->context->arena, path);
    struct statvfs facts;
    if (statvfs(there, &facts) != 0) {
        doctor_say(doctor, DOCTOR_MISSING, NULL, NULL, "%s: %s: %s", what, there, strerror(errno));
        return;
    }
    uint64_t free_bytes = (uint64_t)facts.f_bavail * facts.f_frsize;
    bool read_only = facts.f_flag & ST_RDONLY;
    enum doctor_state state = read_only || free_bytes < SPACE_LEAST ? DOCTOR_MISSING
                              : free_bytes < SPACE_WARN             ? DOCTOR_WARNING
                                                                    : DOCTOR_OK;
    const char *mend =
        state == DOCTOR_OK ? NULL
        : read_only        ? "mount it for writing"
                    : "make room, or name another disk: --data DIR for the state, --files DIR for the sites' files";
    doctor_say(doctor, state, NULL, mend, "%s: %.1f GB free%s (%s)", what, (double)free_bytes / (double)GB,
               read_only ? ", but the disk is read-only" : "", there);
}

static bool same_disk(struct arena *arena, const char *a, const char *b) {
    struct stat one;
    struct stat other;
    return stat(existing(arena, a), &one) == 0 && stat(existing(arena, b), &other) == 0 && one.st_dev == other.st_dev;
}

void doctor_space(struct doctor *doctor) {
    const char *files = doctor->workspace_found ? doctor->workspace.files_root : data_folder(doctor);
    bool one = same_disk(doctor->context->arena, data_folder(doctor), files);
    say_space(doctor, one ? "state and files" : "state", data_folder(doctor));
    if (!one)
        say_space(doctor, "files", files);
}

void doctor_clock(struct doctor *doctor) {
    char now[CLOCK_ISO_SIZE];
    int64_t ms = clock_wall_ms(doctor->context->clock);
    clock_iso(ms, now);
    if (ms < CLOCK_EARLIEST)
        doctor_say(doctor, DOCTOR_MISSING, NULL, "sudo timedatectl set-ntp true", "%s: the clock was not set", now);
    else
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "%s", now);
}

void doctor_sqlite(struct doctor *doctor) {
    struct error err = {0};
    struct db *db = db_open(":memory:", 0, NULL, &err);
    if (db && db_run(db, "create virtual table probe using fts5(words); insert into probe values('tide mill')", &err))
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "SQLite %s with full-text search", sqlite3_libversion());
    else
        doctor_say_error(doctor, DOCTOR_MISSING, NULL, "install an SQLite that was built with FTS5", &err);
    db_close(db);
}

/* ---- the worker ---- */

static bool load_codecs(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)input;
    if (!ffmpeg_load(err))
        return false;
    *output = json_pack("{s:s}", "ffmpeg", AV_STRINGIFY(LIBAVCODEC_VERSION));
    return true;
}

const struct task doctor_media_task = {
    .name = "doctor.media", .lane = TASK_MEDIA, .stall_ms = 30000, .run = load_codecs};

void doctor_worker(struct doctor *doctor) {
    struct task tasks[16];
    struct error err = {0};
    struct worker_settings settings = {
        .scratch = data_folder(doctor), /* the task wants none */
        .tasks = tasks,
        .task_count = cli_media_tasks(tasks, ARRAY_LENGTH(tasks)),
        .clock = doctor->context->clock,
    };
    JSON_OWNED json_t *input = json_object();
    JSON_OWNED json_t *output = NULL;
    struct worker_call call = {.task = doctor_media_task.name, .input = input, .cancel = doctor->context->cancel};
    struct worker *worker = worker_open(&settings, &err);
    if (worker && worker_call(worker, &call, &output, &err))
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "starts, confined; libavcodec %s",
                   json_get_text(output, "ffmpeg", ""));
    else if (err.code == ERROR_UNSUPPORTED)
        doctor_say_error(doctor, DOCTOR_MISSING, NULL, "sudo apt install ffmpeg", &err);
    else
        doctor_say_error(doctor, DOCTOR_MISSING, NULL, NULL, &err);
    worker_close(worker);
}

/* ---- the model ---- */

static void say_service(struct doctor *doctor) {
    const struct options *options = doctor->context->options;
    const char *url = options_text(options, "openai.base-url");
    const char *key = options_text(options, "openai.key");
    if (key && *key)
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "the service at %s transcribes, and a key is set", url);
    else if (options_is_set(options, "openai.base-url"))
        doctor_say(doctor, DOCTOR_WARNING, NULL, "set OPENAI_API_KEY if the service wants one",
                   "the service at %s transcribes, without a key", url);
    else
        doctor_say(doctor, DOCTOR_MISSING, NULL, "set OPENAI_API_KEY in .env or the environment", "no key for %s", url);
}

static void say_model(struct doctor *doctor, const struct model_entry *entry, const char *name, bool needed) {
    const char *mend = arena_format(doctor->context->arena, "tidemill model get %s", name);
    enum model_state state = entry ? entry->state : MODEL_ABSENT;
    if (state == MODEL_ABSENT)
        doctor_say(doctor, needed ? DOCTOR_MISSING : DOCTOR_WARNING, NULL, mend,
                   needed ? "%s is not here" : "%s is not here: silence is transcribed too", name);
    else if (state == MODEL_DAMAGED)
        doctor_say(doctor, DOCTOR_MISSING, NULL, mend, "%s is damaged: it has another size than was published", name);
    else
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "%s is here (%s)", name, model_state_name(state));
}

static const struct model_entry *entry_of(const struct model_entry *entries, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(entries[i].name, name) == 0)
            return &entries[i];
    return NULL;
}

void doctor_model(struct doctor *doctor) {
    const struct options *options = doctor->context->options;
    struct arena *arena = doctor->context->arena;
    struct error err = {0};
    struct model_entry *entries = NULL;
    size_t count = 0;
    if (strcmp(options_text(options, "transcribe.provider"), "openai") == 0) {
        say_service(doctor);
        return;
    }
    const char *name = options_text(options, "transcribe.model");
    if (!model_cpu_check(&err))
        doctor_say_error(doctor, DOCTOR_MISSING, NULL, "--provider openai leaves transcription to a service", &err);
    if (strchr(name, '/')) {
        bool there = file_size(name, NULL, &err);
        doctor_say(doctor, there ? DOCTOR_OK : DOCTOR_MISSING, NULL,
                   there ? NULL : "--model NAME, or the path of a model", "%s is %shere", name, there ? "" : "not ");
        return;
    }
    const struct model *row = model_find(name, NULL);
    if (!model_list(arena, file_join(arena, data_folder(doctor), "models"), &entries, &count, &err)) {
        doctor_say_error(doctor, DOCTOR_MISSING, NULL, NULL, &err);
        return;
    }
    name = row ? row->name : name;
    say_model(doctor, entry_of(entries, count, name), name, true);
    if (options_bool(options, "transcribe.vad"))
        say_model(doctor, entry_of(entries, count, MODEL_VAD_DEFAULT), MODEL_VAD_DEFAULT, false);
}
