/* Requests of strangers to the Step Functions API: the first line names the operation, the rest is its request. Each is
 * answered or refused with a reason; none breaks the engine. Operations that run executions or wait are left out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/api_error.h"
#include "base/file.h"
#include "flow/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/tidemill-fuzz-XXXXXX";
static struct engine *engine;

static void require(bool held) {
    if (!held)
        abort();
}

static void close_engine(void) {
    engine_close(engine);
    engine = NULL;
    file_remove_tree(folder, NULL);
}

static void call(const char *operation, const json_t *request) {
    json_t *answer = NULL;
    API_ERROR_SCOPED struct api_error error = {0};
    bool well = engine_call_wait(engine, operation, request, &answer, &error);
    require(well == json_is_object(answer));
    require(well || (error.type[0] && error.status >= 400 && error.status < 500 && error.message));
    json_decref(answer);
}

static void open_engine(void) {
    struct error err = {0};
    require(mkdtemp(folder) != NULL);
    struct engine_settings settings = {.folder = folder, .time = ENGINE_TIME_VIRTUAL};
    engine = engine_open(&settings, &err);
    require(engine != NULL);
    atexit(close_engine);
    /* Something to ask for: a machine with a version and an alias, an ended execution. */
    json_t *machine = json_pack("{s:s, s:s, s:s, s:b}", "name", "m", "definition",
                                "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\",\"End\":true}}}", "roleArn",
                                "arn:aws:iam::000000000000:role/r", "publish", 1);
    json_t *execution =
        json_pack("{s:s, s:s}", "stateMachineArn", "arn:aws:states:us-east-1:000000000000:stateMachine:m", "name", "e");
    call("CreateStateMachine", machine);
    call("StartExecution", execution);
    json_decref(machine);
    json_decref(execution);
}

static bool is_left_out(const char *operation) {
    static const char *const names[] = {"StartExecution", "StartSyncExecution", "RedriveExecution", "GetActivityTask",
                                        NULL};
    for (size_t i = 0; names[i]; i++) {
        if (strcmp(names[i], operation) == 0)
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!engine)
        open_engine();
    const uint8_t *line = memchr(data, '\n', size);
    size_t length = line ? (size_t)(line - data) : 0;
    char operation[64] = "";
    if (!line || length >= sizeof(operation))
        return 0;
    memcpy(operation, data, length);
    json_t *request = json_parse((const char *)line + 1, size - length - 1, NULL);
    if (json_is_object(request) && !is_left_out(operation))
        call(operation, request);
    json_decref(request);
    return 0;
}
