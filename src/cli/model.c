/* tidemill model list, get, check, remove. */
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/workspace.h"
#include "speech/model.h"

static const char *models_folder(struct command_context *context) {
    return file_join(context->arena, options_text(context->options, "data"), "models");
}

static json_t *entry_json(const struct model_entry *entry) {
    const struct model *row = entry->row;
    return json_pack("{s:s, s:s, s:I, s:s, s:s?, s:s?, s:I}", "name", entry->name, "state",
                     model_state_name(entry->state), "bytes", (json_int_t)entry->bytes, "path", entry->path,
                     "languages", row ? row->languages : NULL, "licence", row ? row->licence : NULL, "memoryMb",
                     (json_int_t)(row ? row->memory_mb : 0));
}

int command_model_list(struct command_context *context) {
    struct error err = {0};
    struct model_entry *entries = NULL;
    size_t count = 0;
    if (!model_list(context->arena, models_folder(context), &entries, &count, &err))
        return output_fail(&err, EXIT_NOT_STARTED);
    JSON_OWNED json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct model_entry *entry = &entries[i];
        if (output_wants_json(context))
            json_array_append_new(list, entry_json(entry));
        else
            printf("%-18s %-11s %7.1f MB  %s\n", entry->name, model_state_name(entry->state),
                   (double)entry->bytes / 1e6, entry->row ? entry->row->languages : "not in the table");
    }
    if (output_wants_json(context))
        output_json(list);
    return EXIT_WELL;
}

static void on_bytes(void *to, uint64_t done, uint64_t total) {
    progress_update(to, done, total);
}

/* One model, from the user's file or from its publisher. */
static bool get_model(struct command_context *context, struct http_client *client, const char *name, const char *from,
                      const char **path, struct error *err) {
    struct progress *progress = progress_open(context->progress, name, "bytes", 0);
    struct model_source source = {
        .folder = models_folder(context),
        .name = name,
        .allow_unknown = options_bool(context->options, "model.unverified"),
        .progress = on_bytes,
        .to = progress,
        .cancel = context->cancel,
    };
    bool done = from ? model_install(context->arena, &source, from, path, err)
                     : model_fetch(context->arena, client, &source, path, err);
    progress_close(progress);
    return done;
}

static void say_got(struct command_context *context, const char *name, const char *path) {
    if (!output_wants_json(context))
        printf("%s: %s\n", name, path);
}

int command_model_get(struct command_context *context) {
    struct error err = {0};
    const char *name = context->words[0];
    const char *from = options_text(context->options, "model.from");
    const struct model *row = model_find(name, &err);
    if (!row && !options_bool(context->options, "model.unverified"))
        return output_fail(&err, EXIT_USAGE);
    struct http_client *client = from ? NULL : cli_http_open(context, &err);
    if (!from && !client)
        return output_fail(&err, EXIT_NOT_STARTED);
    const char *path = NULL;
    bool done = get_model(context, client, row ? row->name : name, from, &path, &err);
    if (done)
        say_got(context, name, path);
    /* A speech model is used together with the voice detector, so fetching one brings the other. */
    if (done && !from && row && row->kind == MODEL_SPEECH) {
        done = get_model(context, client, MODEL_VAD_DEFAULT, NULL, &path, &err);
        if (done)
            say_got(context, MODEL_VAD_DEFAULT, path);
    }
    http_client_close(client);
    if (!done) {
        error_hint(&err, "--from FILE takes a file that you have");
        return output_fail(&err, EXIT_SOME_FAILED);
    }
    if (output_wants_json(context)) {
        JSON_OWNED json_t *value = json_pack("{s:s, s:s}", "name", name, "path", path);
        output_json(value);
    }
    return EXIT_WELL;
}

static bool check_model(const char *folder, const char *name) {
    struct error err = {0};
    if (model_verify(folder, name, &err)) {
        printf("%s: good\n", name);
        return true;
    }
    output_error(&err);
    return false;
}

int command_model_check(struct command_context *context) {
    const char *folder = models_folder(context);
    if (context->word_count)
        return check_model(folder, context->words[0]) ? EXIT_WELL : EXIT_SOME_FAILED;
    struct error err = {0};
    struct model_entry *entries = NULL;
    size_t count = 0;
    if (!model_list(context->arena, folder, &entries, &count, &err))
        return output_fail(&err, EXIT_NOT_STARTED);
    int status = EXIT_WELL;
    size_t checked = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].state == MODEL_ABSENT)
            continue;
        checked++;
        if (!check_model(folder, entries[i].name))
            status = EXIT_SOME_FAILED;
    }
    if (!checked)
        puts("no models here; `tidemill model get base` fetches one");
    return status;
}

int command_model_remove(struct command_context *context) {
    struct error err = {0};
    bool removed = false;
    if (!model_remove(models_folder(context), context->words[0], &removed, &err))
        return output_fail(&err, EXIT_SOME_FAILED);
    printf("%s: %s\n", context->words[0], removed ? "removed" : "was not here");
    return EXIT_WELL;
}
