/* Map: its processor, its numbers, and what a distributed one reads and writes. */
#include <ctype.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/definition_compiler.h"

/* ---- the processor ---- */

enum { MODE_INLINE, MODE_DISTRIBUTED };
static const char *const modes[] = {"INLINE", "DISTRIBUTED", NULL};
static const char *const execution_types[] = {"STANDARD", "EXPRESS", NULL};

static void read_config(const struct fields *fields, struct map_fields *map) {
    static const char *const known[] = {"Mode", "ExecutionType", NULL}, *const required[] = {"ExecutionType", NULL};
    struct place place = {fields->place, "Mode", 0};
    fields_allow(fields, known);
    map->distributed = field_choice(fields, "Mode", modes) == MODE_DISTRIBUTED;
    if (map->distributed) {
        fields_require(fields, required);
        map->express = field_choice(fields, "ExecutionType", execution_types) == 1;
    } else if (field_get(fields, "ExecutionType")) {
        fault_field(fields, "ExecutionType", "Field 'ExecutionType' is not supported");
    }
    if (map->distributed && fields->compiler->express)
        fault(fields->compiler, CODE_SCHEMA, &place,
              "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines");
}

static void read_processor(const struct fields *fields, struct state *state) {
    static const char *const forms[] = {"ItemProcessor", "Iterator", NULL};
    static const char *const known[] = {"ProcessorConfig", "StartAt", "States", "Comment", NULL};
    struct compiler *compiler = fields->compiler;
    struct map_fields *map = &state->map;
    fields_one_of(fields, forms, true);
    map->legacy = !field_get(fields, "ItemProcessor");
    const char *name = forms[map->legacy];
    const json_t *processor = field_object(fields, name);
    if (!processor)
        return;
    struct fields inner = {compiler, processor, place_keep(compiler, fields->place, name, 0), fields->language};
    fields_allow(&inner, known);
    const json_t *config = field_object(&inner, "ProcessorConfig");
    struct place place = {inner.place, "ProcessorConfig", 0};
    struct fields config_fields = {compiler, config, &place, fields->language};
    if (config)
        read_config(&config_fields, map);
    bool express = compiler->express;
    compiler->express = express || (map->distributed && map->express);
    map->processor = list_compile(&inner, state);
    compiler->express = express;
}

/* ---- Label ---- */

static bool label_allowed(const char *label) {
    for (const char *at = label; *at; at++) {
        unsigned char c = (unsigned char)*at;
        if (c <= ' ' || c == 0x7F || strchr("?*<>{}[]:;,\\|^~$#%&`\"", c))
            return false;
    }
    return true;
}

static void read_label(const struct fields *fields, struct map_fields *map) {
    struct compiler *compiler = fields->compiler;
    struct place place = {fields->place, "Label", 0};
    if (!field_text(fields, "Label", &map->label))
        return;
    size_t characters = 0;
    for (const char *at = map->label; *at; at++)
        characters += ((unsigned char)*at & 0xC0) != 0x80;
    if (characters > LIMIT_FLOW_LABEL)
        fault(compiler, CODE_LABEL, &place,
              "Invalid Label name: %s exceeds the %d-character limit allowed by the service", map->label,
              LIMIT_FLOW_LABEL);
    else if (characters == 0 || !label_allowed(map->label))
        fault(compiler, CODE_LABEL, &place, "Invalid Label name: %s", map->label);
    else if (json_object_get(compiler->labels, map->label))
        fault(compiler, CODE_DUPLICATE_LABEL, &place, "Duplicate Label name: %s", map->label);
    else
        json_object_set_new(compiler->labels, map->label, json_true());
}

/* ---- the state ---- */

static void read_distributed(const struct fields *fields, struct map_fields *map) {
    static const char *const distributed[] = {"ItemReader", "ItemBatcher", "ResultWriter", "Label"};
    for (size_t i = 0; i < ARRAY_LENGTH(distributed) && map->processor && !map->distributed; i++) {
        if (field_get(fields, distributed[i]))
            fault_field(fields, distributed[i], "Field '%s' is not supported", distributed[i]);
    }
    struct place reader = {fields->place, "ItemReader", 0}, batcher = {fields->place, "ItemBatcher", 0},
                 writer = {fields->place, "ResultWriter", 0};
    struct fields inner = {fields->compiler, field_object(fields, "ItemReader"), &reader, fields->language};
    if (inner.object)
        state_compile_reader(&inner, &map->reader);
    inner.object = field_object(fields, "ItemBatcher");
    inner.place = &batcher;
    if (inner.object)
        state_compile_batcher(&inner, &map->batcher);
    inner.object = field_object(fields, "ResultWriter");
    inner.place = &writer;
    if (inner.object)
        state_compile_writer(&inner, &map->writer);
    read_label(fields, map);
}

void state_compile_map(const struct fields *fields, struct state *state) {
    static const char *const selectors[] = {"ItemSelector", "Parameters", NULL};
    static const struct number_rule count = {true, 0, 0}, percentage = {false, 0, 100};
    struct map_fields *map = &state->map;
    read_processor(fields, state);
    map->items_path = field_path(fields, "ItemsPath", PATH_ANY, false, NULL);
    fields_one_of(fields, selectors, false);
    map->item_selector = field_template(fields, field_get(fields, "ItemSelector") ? "ItemSelector" : "Parameters");
    field_number_or_path(fields, "MaxConcurrency", "MaxConcurrencyPath", &count, &map->max_concurrency);
    field_number_or_path(fields, "ToleratedFailureCount", "ToleratedFailureCountPath", &count, &map->tolerated_count);
    field_number_or_path(fields, "ToleratedFailurePercentage", "ToleratedFailurePercentagePath", &percentage,
                         &map->tolerated_percentage);
    read_distributed(fields, map);
}
