/* The schedules of the data directory, opened here under the owner's lock. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/schedule.h"

#define LOCAL_REGION "us-east-1"
#define LOCAL_ACCOUNT "000000000000"

struct schedule_client {
    struct file_lock *lock;
    struct schedules *schedules;
};

struct schedule_client *schedule_client_open(struct command_context *context, struct error *err) {
    struct arena *arena = context->arena;
    const char *data = options_text(context->options, "data");
    const char *state = file_join(arena, data, "state");
    const char *run = file_join(arena, data, "run");
    if (!file_make_folders(state, err) || !file_make_folders(run, err))
        return NULL;
    struct file_lock *lock = file_lock_open(file_join(arena, run, "owner.lock"), err);
    if (!lock) {
        error_context(err, "schedules of %s", data);
        return NULL;
    }
    struct schedule_settings settings = {
        .path = file_join(arena, state, "schedules.db"),
        .clock = context->clock,
        .random = context->random,
        .region = LOCAL_REGION,
        .account = LOCAL_ACCOUNT,
    };
    struct schedules *schedules = schedules_open(&settings, err);
    if (!schedules) {
        file_lock_close(lock);
        return NULL;
    }
    struct schedule_client *client = memory_alloc(sizeof(*client));
    *client = (struct schedule_client){lock, schedules};
    return client;
}

void schedule_client_close(struct schedule_client *client) {
    if (!client)
        return;
    schedules_close(client->schedules);
    file_lock_close(client->lock);
    free(client);
}

bool schedule_client_call(struct schedule_client *client, const struct schedule_request *request, json_t **answer,
                          struct error *err) {
    static const struct {
        const char *type;
        enum error_code code;
    } codes[] = {{"ResourceNotFoundException", ERROR_ABSENT},
                 {"ConflictException", ERROR_EXISTS},
                 {"ServiceQuotaExceededException", ERROR_LIMIT},
                 {"InternalServerException", ERROR_IO}};
    API_ERROR_SCOPED struct api_error error = {0};
    int status = 0;
    if (schedule_api_call(client->schedules, request, &status, answer, &error))
        return true;
    enum error_code code = ERROR_INVALID;
    for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
        if (strcmp(error.type, codes[i].type) == 0)
            code = codes[i].code;
    }
    return error_set(err, code, "%s", api_error_message(&error));
}
