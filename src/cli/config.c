/* `tidemill config`: each setting, its value and where it came from; `tidemill version`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"

static const char *shown_value(const struct options *options, const struct option_row *row) {
    const char *value = options_text(options, row->name);
    if (!value)
        return "";
    return row->secret ? "***" : value;
}

static bool is_setting(const struct option_row *row) {
    return strcmp(row->name, "help") != 0 && strcmp(row->name, "json") != 0;
}

static json_t *row_as_json(const struct options *options, const struct option_row *row) {
    json_t *value = options_text(options, row->name) ? json_string(shown_value(options, row)) : json_null();
    return json_pack("{s:s, s:o, s:s, s:s}", "name", row->name, "value", value, "from",
                     options_origin(options, row->name), "help", row->help);
}

static int unknown_setting(const struct option_row *rows, size_t count, const char *name) {
    const char **names = memory_alloc_array(count, sizeof(*names));
    for (size_t i = 0; i < count; i++)
        names[i] = rows[i].name;
    const char *near = text_nearest(name, names, count);
    struct error err;
    error_set(&err, ERROR_USAGE, "no setting is named \"%s\"", name);
    if (near)
        error_hint(&err, "did you mean %s?", near);
    free(names);
    return output_fail(&err, EXIT_USAGE);
}

int command_config(struct command_context *context) {
    size_t count = 0;
    const struct option_row *rows = options_rows(context->options, &count);
    const char *only = context->word_count ? context->words[0] : NULL;
    JSON_OWNED json_t *list = json_array();
    size_t shown = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_setting(&rows[i]) || (only && strcmp(rows[i].name, only) != 0))
            continue;
        shown++;
        if (output_wants_json(context))
            json_array_append_new(list, row_as_json(context->options, &rows[i]));
        else
            printf("%-34s %-32s %s%s%s\n", rows[i].name, shown_value(context->options, &rows[i]),
                   output_colour(context, OUTPUT_DIM), options_origin(context->options, rows[i].name),
                   output_colour(context, OUTPUT_PLAIN));
    }
    if (only && !shown)
        return unknown_setting(rows, count, only);
    if (output_wants_json(context))
        output_json(list);
    return EXIT_WELL;
}

int command_version(struct command_context *context) {
    (void)context;
    puts("tidemill " TIDEMILL_VERSION);
    return EXIT_WELL;
}
