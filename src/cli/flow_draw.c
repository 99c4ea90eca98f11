/* tidemill flow draw. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "cli/output.h"
#include "flow/draw.h"

/* "FILE:3:14: why" on stderr, for each error. */
static void tell_faults(const char *path, const struct diagnostics *faults) {
    for (size_t i = 0; i < faults->count; i++) {
        const struct diagnostic *fault = &faults->items[i];
        struct error line = {0};
        if (fault->severity != DIAGNOSTIC_ERROR)
            continue;
        error_set(&line, ERROR_INVALID, "%s:%zu:%zu: %s", path, fault->line, fault->column, fault->message);
        output_error(&line);
    }
}

static bool draw(struct command_context *context, const struct machine *machine, struct error *err) {
    struct text out;
    text_open(&out, 64 * MIB);
    bool svg = options_bool(context->options, "flow.svg"), good = true;
    if (output_wants_json(context)) {
        JSON_OWNED json_t *layout = flow_draw_layout(machine, err);
        good = layout != NULL;
        if (good)
            output_json(layout);
    } else if (svg) {
        good = flow_draw_svg(machine, &out, err);
        if (good)
            fwrite(text_value(&out), 1, out.length, stdout);
    } else {
        good = flow_draw_text(machine, &out, err);
        for (char *line = good ? out.data : NULL; line && *line;) {
            char *end = line + strcspn(line, "\n");
            *end = 0;
            output_safe(line);
            putchar('\n');
            line = end + 1;
        }
    }
    text_close(&out);
    return good;
}

int command_flow_draw(struct command_context *context) {
    struct error err = {0};
    const char *path = context->words[0];
    char *text;
    size_t length;
    if (!file_read(context->arena, path, LIMIT_FLOW_DEFINITION_BYTES, &text, &length, &err)) {
        error_context(&err, "%s", path);
        return output_fail(&err, EXIT_NOT_STARTED);
    }
    const struct definition_settings settings = {0};
    struct diagnostics *faults = diagnostics_open();
    struct machine *machine = machine_compile(text, length, &settings, faults);
    int status = EXIT_WELL;
    if (!machine) {
        tell_faults(path, faults);
        status = EXIT_SOME_FAILED;
    } else if (!draw(context, machine, &err)) {
        error_context(&err, "%s", path);
        status = output_fail(&err, EXIT_SOME_FAILED);
    }
    machine_close(machine);
    diagnostics_close(faults);
    return status;
}
