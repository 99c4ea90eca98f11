#include "flow/resource.h"

#include <ctype.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum {
    RR = 1 << RESOURCE_REQUEST_RESPONSE,
    SYNC = 1 << RESOURCE_SYNC,
    SYNC2 = 1 << RESOURCE_SYNC_2,
    TOKEN = 1 << RESOURCE_TOKEN
};

static const struct integration {
    const char *service, *action;
    unsigned patterns;
    const char *required; /* fields of Parameters */
} integrations[] = {
    {"apigateway", "invoke", RR | TOKEN, NULL},
    {"athena", "getQueryExecution", RR, NULL},
    {"athena", "getQueryResults", RR, NULL},
    {"athena", "startQueryExecution", RR | SYNC, NULL},
    {"athena", "stopQueryExecution", RR, NULL},
    {"batch", "submitJob", RR | SYNC, NULL},
    {"bedrock", "createModelCustomizationJob", RR | SYNC, NULL},
    {"bedrock", "invokeModel", RR, NULL},
    {"codebuild", "batchDeleteBuilds", RR, NULL},
    {"codebuild", "batchGetReports", RR, NULL},
    {"codebuild", "deleteBuildBatch", RR, NULL},
    {"codebuild", "retryBuildBatch", RR | SYNC, NULL},
    {"codebuild", "startBuild", RR | SYNC, NULL},
    {"codebuild", "startBuildBatch", RR | SYNC, NULL},
    {"codebuild", "stopBuild", RR, NULL},
    {"codebuild", "stopBuildBatch", RR, NULL},
    {"databrew", "startJobRun", RR | SYNC, NULL},
    {"dynamodb", "deleteItem", RR, "TableName Key"},
    {"dynamodb", "getItem", RR, "TableName Key"},
    {"dynamodb", "putItem", RR, "TableName Item"},
    {"dynamodb", "updateItem", RR, "TableName Key"},
    {"ecs", "runTask", RR | SYNC | TOKEN, "TaskDefinition"},
    {"eks", "call", RR, NULL},
    {"eks", "createCluster", RR | SYNC, NULL},
    {"eks", "createFargateProfile", RR | SYNC, NULL},
    {"eks", "createNodegroup", RR | SYNC, NULL},
    {"eks", "deleteCluster", RR | SYNC, NULL},
    {"eks", "deleteFargateProfile", RR | SYNC, NULL},
    {"eks", "deleteNodegroup", RR | SYNC, NULL},
    {"eks", "runJob", RR | SYNC, NULL},
    {"elasticmapreduce", "addStep", RR | SYNC, NULL},
    {"elasticmapreduce", "cancelStep", RR, NULL},
    {"elasticmapreduce", "createCluster", RR | SYNC, NULL},
    {"elasticmapreduce", "modifyInstanceFleetByName", RR, NULL},
    {"elasticmapreduce", "modifyInstanceGroupByName", RR, NULL},
    {"elasticmapreduce", "setClusterTerminationProtection", RR, NULL},
    {"elasticmapreduce", "terminateCluster", RR | SYNC, NULL},
    {"emr-containers", "createVirtualCluster", RR, NULL},
    {"emr-containers", "deleteVirtualCluster", RR | SYNC, NULL},
    {"emr-containers", "startJobRun", RR | SYNC, NULL},
    {"emr-serverless", "cancelJobRun", RR | SYNC, NULL},
    {"emr-serverless", "createApplication", RR | SYNC, NULL},
    {"emr-serverless", "deleteApplication", RR | SYNC, NULL},
    {"emr-serverless", "startApplication", RR | SYNC, NULL},
    {"emr-serverless", "startJobRun", RR | SYNC, NULL},
    {"emr-serverless", "stopApplication", RR | SYNC, NULL},
    {"events", "putEvents", RR | TOKEN, "Entries"},
    {"glue", "startJobRun", RR | SYNC, "JobName"},
    {"http", "invoke", RR, "ApiEndpoint Method"},
    {"lambda", "invoke", RR | TOKEN, "FunctionName"},
    {"mediaconvert", "createJob", RR | SYNC, NULL},
    {"sagemaker", "createEndpoint", RR, NULL},
    {"sagemaker", "createEndpointConfig", RR, NULL},
    {"sagemaker", "createHyperParameterTuningJob", RR | SYNC, NULL},
    {"sagemaker", "createLabelingJob", RR | SYNC, NULL},
    {"sagemaker", "createModel", RR, NULL},
    {"sagemaker", "createProcessingJob", RR | SYNC, NULL},
    {"sagemaker", "createTrainingJob", RR | SYNC, NULL},
    {"sagemaker", "createTransformJob", RR | SYNC, NULL},
    {"sagemaker", "updateEndpoint", RR, NULL},
    {"sns", "publish", RR | TOKEN, "Message"},
    {"sqs", "sendMessage", RR | TOKEN, "QueueUrl MessageBody"},
    {"states", "startExecution", RR | SYNC | SYNC2 | TOKEN, "StateMachineArn"},
};

static const struct {
    const char *suffix;
    enum resource_pattern pattern;
} suffixes[] = {
    {".sync", RESOURCE_SYNC},
    {".sync:2", RESOURCE_SYNC_2},
    {".waitForTaskToken", RESOURCE_TOKEN},
};

static const struct integration *find(const char *service, const char *action, size_t action_length) {
    for (size_t i = 0; i < ARRAY_LENGTH(integrations); i++) {
        const struct integration *row = &integrations[i];
        if (strcmp(row->service, service) == 0 && strlen(row->action) == action_length &&
            memcmp(row->action, action, action_length) == 0)
            return row;
    }
    return NULL;
}

/* The length of the action without the pattern behind it. */
static size_t split_pattern(const char *action, enum resource_pattern *pattern) {
    *pattern = RESOURCE_REQUEST_RESPONSE;
    for (size_t i = 0; i < ARRAY_LENGTH(suffixes); i++) {
        if (text_ends(action, suffixes[i].suffix)) {
            *pattern = suffixes[i].pattern;
            return strlen(action) - strlen(suffixes[i].suffix);
        }
    }
    return strlen(action);
}

static bool is_name(const char *text, size_t length, bool service) {
    if (length == 0 || !islower((unsigned char)text[0]))
        return false;
    for (size_t i = 1; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (service ? !islower(c) && !isdigit(c) && c != '-' : !isalnum(c))
            return false;
    }
    return true;
}

/* "SERVICE:ACTION[.pattern]", "aws-sdk:SERVICE:ACTION[.waitForTaskToken]". */
static bool parse_integration(struct arena *arena, const char *rest, struct resource *resource) {
    bool sdk = text_starts(rest, "aws-sdk:");
    const char *service = sdk ? rest + strlen("aws-sdk:") : rest;
    const char *colon = strchr(service, ':');
    if (!colon)
        return false;
    resource->kind = RESOURCE_INTEGRATION;
    resource->type = arena_text_part(arena, rest, (size_t)(colon - rest));
    resource->action = arena_text(arena, colon + 1);
    size_t length = split_pattern(resource->action, &resource->pattern);
    if (sdk)
        return is_name(service, (size_t)(colon - service), true) && is_name(resource->action, length, false) &&
               (resource->pattern == RESOURCE_REQUEST_RESPONSE || resource->pattern == RESOURCE_TOKEN);
    const struct integration *found = find(resource->type, resource->action, length);
    return found && (found->patterns & 1u << resource->pattern);
}

static bool take_name(struct arena *arena, const char *rest, const char *prefix, enum resource_kind kind,
                      struct resource *resource) {
    if (!text_starts(rest, prefix) || !rest[strlen(prefix)])
        return false;
    resource->kind = kind;
    resource->name = arena_text(arena, rest + strlen(prefix));
    return true;
}

/* The parts of "arn:PARTITION:SERVICE:REGION:ACCOUNT:REST". A part may hold "${AWS::Region}" and the like. */
static bool split_arn(struct arena *arena, const char *text, const char *parts[5]) {
    if (!text_starts(text, "arn:"))
        return false;
    const char *at = text + strlen("arn:");
    for (size_t i = 0; i < 5; i++) {
        const char *end = at;
        bool variable = false;
        while (*end && (*end != ':' || variable) && i < 4) {
            variable = text_starts(end, "${") || (variable && *end != '}');
            end++;
        }
        if (i < 4 && !*end)
            return false;
        parts[i] = i < 4 ? arena_text_part(arena, at, (size_t)(end - at)) : at;
        at = end + 1;
    }
    return true;
}

static bool parse_arn(struct arena *arena, const char *const parts[5], struct resource *resource) {
    const char *service = parts[1], *rest = parts[4];
    if (strcmp(service, "lambda") == 0) {
        if (!take_name(arena, rest, "function:", RESOURCE_LAMBDA, resource))
            return false;
        char *name = arena_text(arena, resource->name), *colon = strchr(name, ':');
        if (colon)
            *colon = '\0';
        resource->name = name;
        if (colon && (!colon[1] || strchr(colon + 1, ':'))) /* behind the name a qualifier and no more */
            return false;
        return *name != '\0';
    }
    if (strcmp(service, "states") != 0)
        return false;
    if (take_name(arena, rest, "tidemill:", RESOURCE_TASK, resource))
        return true;
    if (*parts[2] || *parts[3])
        return take_name(arena, rest, "activity:", RESOURCE_ACTIVITY, resource);
    return parse_integration(arena, rest, resource);
}

/* "${podcast_transcribe}": the first underscore stands for the dot of a task's name, for which a template variable has
 * no place. */
static const char *variable_name(struct arena *arena, const char *text) {
    size_t length = strlen(text);
    if (length < 4 || !text_starts(text, "${") || strchr(text, '}') != text + length - 1)
        return NULL;
    char *name = arena_text_part(arena, text + 2, length - 3);
    char *underscore = strchr(name, '_');
    if (underscore)
        *underscore = '.';
    return name;
}

enum resource_fault resource_parse(struct arena *arena, const char *text, struct resource *resource) {
    struct resource made = {.kind = RESOURCE_TASK, .text = text, .name = variable_name(arena, text)};
    const char *parts[5];
    if (!made.name && !take_name(arena, text, "arn:tidemill:task:", RESOURCE_TASK, &made)) {
        if (!split_arn(arena, text, parts))
            return RESOURCE_NO_ARN;
        if (!parse_arn(arena, parts, &made))
            return RESOURCE_UNRECOGNIZED;
    }
    *resource = made;
    return RESOURCE_FINE;
}

const char *resource_required_fields(const struct resource *resource) {
    if (resource->kind != RESOURCE_INTEGRATION || text_starts(resource->type, "aws-sdk:"))
        return NULL;
    enum resource_pattern pattern;
    const struct integration *found = find(resource->type, resource->action, split_pattern(resource->action, &pattern));
    return found ? found->required : NULL;
}
