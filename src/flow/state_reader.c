/* ItemReader, ItemBatcher and ResultWriter of a distributed Map. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "flow/definition_compiler.h"

/* "arn:PARTITION:states:::s3:getObject": what follows the third colon pair; NULL: another ARN. */
static const char *action_of(const char *resource) {
    const char *states = resource ? strstr(resource, ":states:::") : NULL;
    return states && text_starts(resource, "arn:") ? states + strlen(":states:::") : NULL;
}

static void refuse_value(const struct fields *fields, const char *name) {
    struct place place = {fields->place, name, 0};
    fault(fields->compiler, CODE_SCHEMA, &place, "The field '%s' does not match any of the allowed values", name);
}

/* ---- ItemReader ---- */

static void read_csv_headers(const struct fields *fields, struct item_reader *reader) {
    struct compiler *compiler = fields->compiler;
    const json_t *headers = field_array(fields, "CSVHeaders", false);
    size_t count = json_array_size(headers);
    const char **made = arena_alloc_array(compiler->arena, count + 1, sizeof(char *));
    struct place list = {fields->place, "CSVHeaders", 0};
    for (size_t i = 0; i < count; i++) {
        struct place place = {&list, NULL, i};
        made[i] = json_string_value(json_array_get(headers, i));
        if (!made[i])
            fault(compiler, CODE_SCHEMA, &place, "Expected value of type String");
    }
    reader->csv_headers = made;
    reader->csv_header_count = count;
}

static void read_csv(const struct fields *fields, struct item_reader *reader) {
    static const char *const places[] = {"FIRST_ROW", "GIVEN", NULL}, *const headers[] = {"CSVHeaders", NULL};
    static const char *const delimiters[] = {"COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB", NULL};
    if (!field_get(fields, "CSVHeaderLocation"))
        fault(fields->compiler, CODE_SCHEMA, fields->place, "The field 'CSVHeaderLocation' is required");
    int location = field_choice(fields, "CSVHeaderLocation", places);
    reader->csv_first_row = location == 0;
    if (location == 1)
        fields_require(fields, headers);
    read_csv_headers(fields, reader);
    int delimiter = field_choice(fields, "CSVDelimiter", delimiters);
    reader->csv_delimiter = ",|; \t"[delimiter < 0 ? 0 : delimiter];
}

static void read_config(const struct fields *fields, struct item_reader *reader) {
    static const char *const known[] = {
        "InputType", "Transformation", "CSVHeaderLocation", "CSVHeaders",   "CSVDelimiter",
        "MaxItems",  "MaxItemsPath",   "ManifestType",      "ItemsPointer", NULL};
    static const char *const types[] = {"CSV", "JSON", "JSONL", "MANIFEST", "PARQUET", NULL};
    static const enum item_reader_kind kinds[] = {READER_CSV, READER_JSON, READER_JSONL, READER_MANIFEST};
    static const char *const csv[] = {"CSVHeaderLocation", "CSVHeaders", "CSVDelimiter"};
    static const struct number_rule items = {true, 0, 100000000};
    fields_allow(fields, known);
    int type = field_choice(fields, "InputType", types);
    struct place place = {fields->place, "InputType", 0};
    if (type == (int)ARRAY_LENGTH(kinds))
        fault(fields->compiler, CODE_SCHEMA, &place, "InputType 'PARQUET' is not supported yet");
    else if (type >= 0 && reader->kind != READER_LIST)
        reader->kind = kinds[type];
    if (reader->kind == READER_CSV)
        read_csv(fields, reader);
    for (size_t i = 0; i < ARRAY_LENGTH(csv) && type > 0; i++) {
        if (field_get(fields, csv[i]) && (reader->kind == READER_JSON || reader->kind == READER_JSONL))
            fault_field(fields, csv[i], "Field '%s' is not supported", csv[i]);
    }
    field_number_or_path(fields, "MaxItems", "MaxItemsPath", &items, &reader->max_items);
    field_text(fields, "ItemsPointer", &reader->items_pointer);
}

void state_compile_reader(const struct fields *fields, struct item_reader *reader) {
    static const char *const known[] = {"Resource", "Parameters", "Arguments", "ReaderConfig", NULL};
    static const char *const required[] = {"Resource", NULL}, *const type_required[] = {"InputType", NULL};
    static const char *const jsonpath[] = {"Parameters", NULL}, *const jsonata[] = {"Arguments", NULL};
    fields_allow(fields, known);
    fields_language(fields, jsonpath, jsonata);
    fields_require(fields, required);
    field_text(fields, "Resource", &reader->resource);
    const char *action = action_of(reader->resource);
    reader->kind = READER_JSON;
    reader->csv_delimiter = ',';
    if (action && strcmp(action, "s3:listObjectsV2") == 0)
        reader->kind = READER_LIST;
    else if (reader->resource && (!action || strcmp(action, "s3:getObject") != 0))
        refuse_value(fields, "Resource");
    reader->parameters = field_template(fields, "Parameters");
    struct place place = {fields->place, "ReaderConfig", 0};
    struct fields inner = {fields->compiler, field_object(fields, "ReaderConfig"), &place, fields->language};
    if (!inner.object)
        return;
    if (reader->kind != READER_LIST)
        fields_require(&inner, type_required);
    read_config(&inner, reader);
}

/* ---- ItemBatcher ---- */

void state_compile_batcher(const struct fields *fields, struct item_batcher *batcher) {
    static const char *const known[] = {"MaxItemsPerBatch",          "MaxItemsPerBatchPath", "MaxInputBytesPerBatch",
                                        "MaxInputBytesPerBatchPath", "BatchInput",           NULL};
    static const struct number_rule items = {true, 0, 0}, bytes = {true, 0, 262144};
    fields_allow(fields, known);
    batcher->given = true;
    field_number_or_path(fields, "MaxItemsPerBatch", "MaxItemsPerBatchPath", &items, &batcher->max_items);
    field_number_or_path(fields, "MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath", &bytes,
                         &batcher->max_input_bytes);
    batcher->batch_input = field_template(fields, "BatchInput");
}

/* ---- ResultWriter ---- */

void state_compile_writer(const struct fields *fields, struct result_writer *writer) {
    static const char *const known[] = {"Resource", "Parameters", "Arguments", "WriterConfig", NULL};
    static const char *const config_known[] = {"Transformation", "OutputType", NULL};
    static const char *const transformations[] = {"NONE", "COMPACT", "FLATTEN", NULL};
    static const char *const types[] = {"JSON", "JSONL", NULL}, *const required[] = {"Parameters", NULL};
    static const char *const either[] = {"Resource", "WriterConfig", NULL};
    static const char *const jsonpath[] = {"Parameters", NULL}, *const jsonata[] = {"Arguments", NULL};
    fields_allow(fields, known);
    fields_language(fields, jsonpath, jsonata);
    writer->given = true;
    if (!field_get(fields, "Resource") && !field_get(fields, "WriterConfig"))
        fields_one_of(fields, either, true);
    if (field_get(fields, "Resource") && fields->language == QUERY_JSONPATH)
        fields_require(fields, required);
    if (field_text(fields, "Resource", &writer->resource)) {
        const char *action = action_of(writer->resource);
        if (!action || strcmp(action, "s3:putObject") != 0)
            refuse_value(fields, "Resource");
    }
    writer->parameters = field_template(fields, "Parameters");
    struct place place = {fields->place, "WriterConfig", 0};
    struct fields inner = {fields->compiler, field_object(fields, "WriterConfig"), &place, fields->language};
    if (!inner.object)
        return;
    fields_allow(&inner, config_known);
    int transformation = field_choice(&inner, "Transformation", transformations);
    int type = field_choice(&inner, "OutputType", types);
    writer->transformation = transformation < 0 ? NULL : transformations[transformation];
    writer->output_type = type < 0 ? NULL : types[type];
}
