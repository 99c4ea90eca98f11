/* tidemill flow check: the faults of definitions, as a compiler prints them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/flow.h"
#include "cli/output.h"
#include "flow/definition.h"

struct check {
    struct command_context *context;
    json_t *all; /* with --json; else NULL */
    size_t errors, warnings, unread;
};

static void tell_json(struct check *check, const char *path, const struct diagnostic *item, const char *severity) {
    json_t *told = json_pack("{s:s, s:s, s:s, s:s, s:s}", "file", path, "severity", severity, "code", item->code,
                             "message", item->message, "location", item->location ? item->location : "");
    if (item->line) {
        json_object_set_new(told, "line", json_integer((json_int_t)item->line));
        json_object_set_new(told, "column", json_integer((json_int_t)item->column));
    }
    if (item->detail)
        json_object_set_new(told, "detail", json_string(item->detail));
    json_array_append_new(check->all, told);
}

static void tell(struct check *check, const char *path, const struct diagnostic *item) {
    bool error = item->severity == DIAGNOSTIC_ERROR;
    *(error ? &check->errors : &check->warnings) += 1;
    if (check->all) {
        tell_json(check, path, item, error ? "error" : "warning");
        return;
    }
    output_safe(path);
    if (item->line)
        printf(":%zu:%zu", item->line, item->column);
    printf(": %s%s:%s ", output_colour(check->context, error ? OUTPUT_RED : OUTPUT_YELLOW), error ? "error" : "warning",
           output_colour(check->context, OUTPUT_PLAIN));
    output_safe(item->message);
    if (item->detail) {
        fputs(": ", stdout);
        output_safe(item->detail);
    }
    printf(" [%s]\n", item->code);
}

static int in_order(const void *a, const void *b) {
    const struct diagnostic *one = a, *other = b;
    if (one->line != other->line)
        return one->line < other->line ? -1 : 1;
    return one->column < other->column ? -1 : one->column > other->column;
}

static void check_file(struct check *check, const char *path) {
    struct error err = {0};
    const char *text = NULL;
    size_t length = 0;
    if (!flow_read_definition(check->context, path, &text, &length, &err)) {
        output_error(&err);
        check->unread++;
        return;
    }
    const struct definition_settings settings = {.express = options_bool(check->context->options, "flow.express")};
    struct diagnostics *found = diagnostics_open();
    struct machine *machine = machine_compile(text, length, &settings, found);
    if (found->count)
        qsort(found->items, found->count, sizeof(*found->items), in_order);
    for (size_t i = 0; i < found->count; i++)
        tell(check, path, &found->items[i]);
    machine_close(machine);
    diagnostics_close(found);
}

int command_flow_check(struct command_context *context) {
    struct check check = {.context = context, .all = output_wants_json(context) ? json_array() : NULL};
    for (size_t i = 0; i < context->word_count; i++)
        check_file(&check, context->words[i]);
    if (check.all)
        output_json(check.all);
    else if (check.errors + check.warnings + check.unread == 0)
        printf("%zu definition%s: no faults\n", context->word_count, context->word_count == 1 ? "" : "s");
    json_decref(check.all);
    return check.errors || check.unread ? EXIT_SOME_FAILED : EXIT_WELL;
}
