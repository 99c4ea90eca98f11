#include "cli/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

const char *output_colour(const struct command_context *context, enum output_colour colour) {
    static const char *const escapes[] = {"\033[0m",  "\033[1m",  "\033[2m", "\033[31m",
                                          "\033[32m", "\033[33m", "\033[36m"};
    const char *wish = options_text(context->options, "color");
    bool wanted = strcmp(wish, "always") == 0 || (strcmp(wish, "auto") == 0 && isatty(STDOUT_FILENO));
    return wanted ? escapes[colour] : "";
}

/* C0, DEL and C1 controls and the marks that turn the writing direction become spaces. */
static void print_safe(FILE *file, const char *text) {
    TEXT_OWNED char *copy = memory_text(text);
    redact_text(copy);
    size_t length = strlen(copy);
    for (size_t at = 0; at < length;) {
        uint32_t code = 0;
        size_t size = utf8_decode(copy + at, length - at, &code);
        bool steers = !size || code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) ||
                      (code >= 0x2066 && code <= 0x2069) || code == 0x200E || code == 0x200F;
        if (steers && code != '\n')
            fputc(' ', file);
        else
            fwrite(copy + at, 1, size, file);
        at += size ? size : 1;
    }
}

void output_safe(const char *text) {
    print_safe(stdout, text);
}

void output_error(const struct error *err) {
    fputs("tidemill: ", stderr);
    print_safe(stderr, err->message);
    fputc('\n', stderr);
    if (err->hint[0]) {
        fputs("  ", stderr);
        print_safe(stderr, err->hint);
        fputc('\n', stderr);
    }
}

int output_fail(const struct error *err, int otherwise) {
    output_error(err);
    if (err->code == ERROR_USAGE)
        return EXIT_USAGE;
    if (err->code == ERROR_CANCELLED)
        return EXIT_INTERRUPTED;
    return otherwise;
}

void output_json(const json_t *value) {
    TEXT_OWNED char *text = json_text(value, 2);
    puts(redact_text(text));
}

bool output_wants_json(const struct command_context *context) {
    return options_bool(context->options, "json");
}
