/* Request targets, queries, tracking scripts and HTML summaries. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "http/page.h"
#include "http/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_target(struct arena *arena, const char *text) {
    struct target target;
    if (!target_parse(arena, text, &target, NULL))
        return;
    for (size_t i = 0; i < target.count; i++) {
        const char *part = target.parts[i];
        if (!*part || strcmp(part, ".") == 0 || strcmp(part, "..") == 0 || strpbrk(part, "/\\\r\n") ||
            !utf8_valid(part, strlen(part)))
            abort();
    }
}

/* Whatever a tracking script says, the policy keeps its nine directives. */
static void check_policy(struct arena *arena, const char *text) {
    const char *policy = page_policy(arena, text);
    size_t directives = 1;
    for (const char *c = policy; *c; c++) {
        directives += *c == ';';
        if (*c == '\n' || *c == '\r' || *c == ',')
            abort();
    }
    if (directives != 9)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *arena = arena_open();
    const char *text = arena_text_part(arena, (const char *)data, size);
    struct target_field fields[8];
    check_target(arena, text);
    size_t count = target_fields(arena, text, fields, 8);
    for (size_t i = 0; i < count; i++) {
        if (!utf8_valid(fields[i].name, strlen(fields[i].name)) ||
            !utf8_valid(fields[i].value, strlen(fields[i].value)))
            abort();
    }
    check_policy(arena, text);
    page_excerpt(arena, page_plain(arena, text), 20);
    arena_close(arena);
    return 0;
}
