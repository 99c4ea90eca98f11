/* The fields of the operations that the loop carries out: executions, activities' workers, task tokens. */
#include "flow/field.h"

#include <string.h>

#include "base/text.h"
#include "flow/engine_inside.h"

enum { DATA_MOST = 262144, CAUSE_MOST = 32768, TOKEN_MOST = 2048, TRACE_MOST = 256 };

static bool is_ascii(const char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text >= 0x80)
            return false;
    }
    return true;
}

static bool is_printable(const char *text) {
    for (; *text; text++) {
        if (*text < '!' || *text > '~')
            return false;
    }
    return true;
}

#define FIELD_TRACE                                                                                                    \
    { .name = "traceHeader", .kind = FIELD_TEXT, .most = TRACE_MOST, .matches = is_ascii, .pattern = "\\p{ASCII}*" }
#define FIELD_TOKEN                                                                                                    \
    { .name = "taskToken", .kind = FIELD_TEXT, .required = true, .least = 1, .most = TOKEN_MOST }
#define FIELD_FAILURE                                                                                                  \
    {.name = "error", .kind = FIELD_TEXT, .most = 256}, {                                                              \
        .name = "cause", .kind = FIELD_TEXT, .most = CAUSE_MOST                                                        \
    }

static const struct field start[] = {FIELD_ARN("stateMachineArn", true),
                                     FIELD_NAME("name", false),
                                     {.name = "input", .kind = FIELD_TEXT, .most = DATA_MOST},
                                     FIELD_TRACE,
                                     FIELD_END};
static const struct field start_sync[] = {FIELD_ARN("stateMachineArn", true),
                                          FIELD_NAME("name", false),
                                          {.name = "input", .kind = FIELD_TEXT, .most = DATA_MOST},
                                          FIELD_TRACE,
                                          FIELD_DATA,
                                          FIELD_END};
static const struct field stop[] = {FIELD_ARN("executionArn", true), FIELD_FAILURE, FIELD_END};
static const struct field redrive[] = {
    FIELD_ARN("executionArn", true),
    {.name = "clientToken", .kind = FIELD_TEXT, .least = 1, .most = 64, .matches = is_printable, .pattern = "[!-~]+"},
    FIELD_END};
static const struct field update_run[] = {FIELD_LONG_ARN("mapRunArn", true),
                                          {.name = "maxConcurrency", .kind = FIELD_INT},
                                          {.name = "toleratedFailurePercentage", .kind = FIELD_REAL, .most = 100},
                                          {.name = "toleratedFailureCount", .kind = FIELD_INT},
                                          FIELD_END};
static const struct field success[] = {
    FIELD_TOKEN, {.name = "output", .kind = FIELD_TEXT, .required = true, .most = DATA_MOST}, FIELD_END};
static const struct field failure[] = {FIELD_TOKEN, FIELD_FAILURE, FIELD_END};
static const struct field heartbeat[] = {FIELD_TOKEN, FIELD_END};
static const struct field poll[] = {FIELD_ARN("activityArn", true), FIELD_NAME("workerName", false), FIELD_END};

static const struct {
    const char *operation;
    const struct field *fields;
} tables[] = {
    {"StartExecution", start},     {"StartSyncExecution", start_sync}, {"StopExecution", stop},
    {"RedriveExecution", redrive}, {"UpdateMapRun", update_run},       {"SendTaskSuccess", success},
    {"SendTaskFailure", failure},  {"SendTaskHeartbeat", heartbeat},   {"GetActivityTask", poll},
};

bool operation_fields_check(struct arena *arena, const char *operation, const json_t *request,
                            struct api_error *error) {
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        if (text_equal(tables[i].operation, operation))
            return field_check(arena, tables[i].fields, request, error);
    }
    return true;
}
