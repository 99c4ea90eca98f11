/* What all types of states share: which fields each may have, Next and End, paths, templates. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "flow/definition_compiler.h"

enum {
    PASS = 1 << STATE_PASS,
    TASK = 1 << STATE_TASK,
    CHOICE = 1 << STATE_CHOICE,
    WAIT = 1 << STATE_WAIT,
    SUCCEED = 1 << STATE_SUCCEED,
    FAIL = 1 << STATE_FAIL,
    PARALLEL = 1 << STATE_PARALLEL,
    MAP = 1 << STATE_MAP,
    STEPS = PASS | TASK | WAIT | PARALLEL | MAP, /* have Next or End */
    WORK = TASK | PARALLEL | MAP,                /* may fail and be tried again */
    ALL = STEPS | CHOICE | SUCCEED | FAIL,
};
enum field_language { EITHER, JSONPATH_ONLY, JSONATA_ONLY };

/* Step Functions Developer Guide, the pages of the state types. */
static const struct state_field {
    const char *name;
    unsigned types;
    enum field_language language;
} state_fields[] = {
    {"Type", ALL, EITHER},
    {"Comment", ALL, EITHER},
    {"QueryLanguage", ALL, EITHER},
    {"Next", STEPS, EITHER},
    {"End", STEPS, EITHER},
    {"InputPath", STEPS | CHOICE | SUCCEED, JSONPATH_ONLY},
    {"OutputPath", STEPS | CHOICE | SUCCEED, JSONPATH_ONLY},
    {"Output", STEPS | CHOICE | SUCCEED, JSONATA_ONLY},
    {"Assign", STEPS | CHOICE, EITHER},
    {"Parameters", PASS | WORK, JSONPATH_ONLY},
    {"ResultSelector", WORK, JSONPATH_ONLY},
    {"ResultPath", PASS | WORK, JSONPATH_ONLY},
    {"Retry", WORK, EITHER},
    {"Catch", WORK, EITHER},
    {"Result", PASS, JSONPATH_ONLY},
    {"Resource", TASK, EITHER},
    {"Arguments", TASK | PARALLEL, JSONATA_ONLY},
    {"Credentials", TASK, EITHER},
    {"TimeoutSeconds", TASK, EITHER},
    {"TimeoutSecondsPath", TASK, JSONPATH_ONLY},
    {"HeartbeatSeconds", TASK, EITHER},
    {"HeartbeatSecondsPath", TASK, JSONPATH_ONLY},
    {"Choices", CHOICE, EITHER},
    {"Default", CHOICE, EITHER},
    {"Seconds", WAIT, EITHER},
    {"SecondsPath", WAIT, JSONPATH_ONLY},
    {"Timestamp", WAIT, EITHER},
    {"TimestampPath", WAIT, JSONPATH_ONLY},
    {"Error", FAIL, EITHER},
    {"ErrorPath", FAIL, JSONPATH_ONLY},
    {"Cause", FAIL, EITHER},
    {"CausePath", FAIL, JSONPATH_ONLY},
    {"Branches", PARALLEL, EITHER},
    {"ItemProcessor", MAP, EITHER},
    {"Iterator", MAP, EITHER},
    {"Items", MAP, JSONATA_ONLY},
    {"ItemsPath", MAP, JSONPATH_ONLY},
    {"ItemSelector", MAP, EITHER},
    {"ItemReader", MAP, EITHER},
    {"ItemBatcher", MAP, EITHER},
    {"ResultWriter", MAP, EITHER},
    {"MaxConcurrency", MAP, EITHER},
    {"MaxConcurrencyPath", MAP, JSONPATH_ONLY},
    {"ToleratedFailureCount", MAP, EITHER},
    {"ToleratedFailureCountPath", MAP, JSONPATH_ONLY},
    {"ToleratedFailurePercentage", MAP, EITHER},
    {"ToleratedFailurePercentagePath", MAP, JSONPATH_ONLY},
    {"Label", MAP, EITHER},
};

static const struct state_field *find(const char *name) {
    for (size_t i = 0; i < ARRAY_LENGTH(state_fields); i++) {
        if (strcmp(state_fields[i].name, name) == 0)
            return &state_fields[i];
    }
    return NULL;
}

static void check_fields(const struct fields *fields, enum state_type type) {
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)fields->object, key, value) {
        const struct state_field *field = find(key);
        const char *const name[] = {key, NULL}, *const none[] = {NULL};
        if (!field || !(field->types & 1u << type))
            fault_field(fields, key, "Field '%s' is not supported", key);
        else if (field->language != EITHER)
            fields_language(fields, field->language == JSONPATH_ONLY ? name : none,
                            field->language == JSONATA_ONLY ? name : none);
    }
}

/* -1: it has none. The service gives the types in this order. */
static int read_type(const struct fields *fields) {
    static const enum state_type order[] = {STATE_TASK, STATE_WAIT,   STATE_PASS,     STATE_SUCCEED,
                                            STATE_FAIL, STATE_CHOICE, STATE_PARALLEL, STATE_MAP};
    static const char *const required[] = {"Type", NULL};
    const char *name = NULL;
    fields_require(fields, required);
    if (!field_text(fields, "Type", &name))
        return -1;
    TEXT_SCOPED struct text list;
    text_open(&list, 1024);
    for (size_t i = 0; i < ARRAY_LENGTH(order); i++) {
        if (strcmp(name, state_type_name(order[i])) == 0)
            return (int)order[i];
        text_append_format(&list, "%s%s", i ? ", " : "", state_type_name(order[i]));
    }
    struct place place = {fields->place, "Type", 0};
    fault(fields->compiler, CODE_SCHEMA, &place, "The field 'Type' should have one of these values: [%s]", list.data);
    return -1;
}

static void read_language(struct fields *fields, struct state *state) {
    struct compiler *compiler = fields->compiler;
    state->language = language_compile(fields, compiler->language);
    fields->language = state->language;
    if (compiler->language == QUERY_JSONATA && state->language == QUERY_JSONPATH)
        fault(compiler, CODE_SCHEMA, fields->place,
              "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine");
}

static void read_next(const struct fields *fields, struct state *state) {
    static const char *const either[] = {"Next", "End", NULL};
    field_flag(fields, "End", &state->end);
    bool next = field_get(fields, "Next") != NULL;
    if (next && state->end)
        fields_one_of(fields, either, true);
    else if (!next && !state->end)
        fault(fields->compiler, CODE_SCHEMA, fields->place,
              "This object should have only one of the following fields: [Next, End]");
    transition_add(fields, "Next", state, &state->next);
}

static void read_data(const struct fields *fields, struct state *state, unsigned type) {
    state->input_path = field_path(fields, "InputPath", PATH_ANY, false, &state->input_discarded);
    state->output_path = field_path(fields, "OutputPath", PATH_ANY, false, &state->output_discarded);
    if (type & (PASS | WORK))
        state->result_path = field_path(fields, "ResultPath", PATH_REFERENCE, false, &state->result_discarded);
    if (type & (PASS | TASK | PARALLEL))
        state->parameters = field_template(fields, "Parameters");
    if (type & WORK)
        state->result_selector = field_template(fields, "ResultSelector");
    if (type & (STEPS | CHOICE))
        state->assign = field_assign(fields);
}

void state_compile(struct compiler *compiler, const json_t *source, const struct place *place, struct state *state) {
    static void (*const own[])(const struct fields *, struct state *) = {
        [STATE_PASS] = state_compile_pass,     [STATE_TASK] = state_compile_task,
        [STATE_CHOICE] = state_compile_choice, [STATE_WAIT] = state_compile_wait,
        [STATE_FAIL] = state_compile_fail,     [STATE_PARALLEL] = state_compile_parallel,
        [STATE_MAP] = state_compile_map,       [STATE_SUCCEED] = NULL,
    };
    struct fields fields = {compiler, source, place, compiler->language};
    const char *comment = NULL;
    int type = read_type(&fields);
    if (type < 0) { /* its fields cannot be judged, but where it leads to can */
        transition_add(&fields, "Next", state, &state->next);
        return;
    }
    state->type = (enum state_type)type;
    read_language(&fields, state);
    check_fields(&fields, state->type);
    field_text(&fields, "Comment", &comment);
    if (1u << type & STEPS)
        read_next(&fields, state);
    if (1u << type & ~(unsigned)FAIL)
        read_data(&fields, state, 1u << type);
    if (1u << type & WORK) {
        state_compile_retry(&fields, state);
        state_compile_catch(&fields, state);
    }
    if (own[type])
        own[type](&fields, state);
}
