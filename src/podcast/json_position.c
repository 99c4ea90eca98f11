/* Finds the line of a value in JSON text. The parser keeps no positions, so the text is walked again, along one
 * pointer. The text was parsed before, so it is known to be valid; the walk still never leaves it. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "podcast/site.h"

struct walk {
    const char *at;
    const char *end;
};

static void skip_space(struct walk *walk) {
    while (walk->at < walk->end && strchr(" \t\r\n", *walk->at) && *walk->at)
        walk->at++;
}

static void skip_string(struct walk *walk) {
    walk->at++;
    while (walk->at < walk->end && *walk->at != '"')
        walk->at += *walk->at == '\\' && walk->at + 1 < walk->end ? 2 : 1;
    if (walk->at < walk->end)
        walk->at++;
}

/* Goes behind one value of any kind, counting brackets outside strings. */
static void skip_value(struct walk *walk) {
    int depth = 0;
    while (walk->at < walk->end) {
        char c = *walk->at;
        if (c == '"') {
            skip_string(walk);
        } else if (c == '{' || c == '[') {
            depth++;
            walk->at++;
        } else if (c == '}' || c == ']') {
            if (depth == 0)
                return;
            depth--;
            walk->at++;
        } else if (depth == 0 && (c == ',' || strchr(" \t\r\n", c))) {
            return;
        } else {
            walk->at++;
            continue;
        }
        if (depth == 0)
            return;
    }
}

/* The key that starts at the walk equals `wanted` (without escapes, which names of fields never have). Goes behind it.
 */
static bool key_equals(struct walk *walk, const char *wanted, size_t length) {
    const char *start = walk->at + 1;
    skip_string(walk);
    size_t found = walk->at > start ? (size_t)(walk->at - start) - 1 : 0;
    return found == length && !memcmp(start, wanted, length);
}

/* From the '{' to the value of a key; false when it has none. */
static bool enter_object(struct walk *walk, const char *name, size_t length) {
    walk->at++;
    for (;;) {
        skip_space(walk);
        if (walk->at >= walk->end || *walk->at != '"')
            return false;
        bool found = key_equals(walk, name, length);
        skip_space(walk);
        if (walk->at < walk->end)
            walk->at++; /* ':' */
        skip_space(walk);
        if (found)
            return walk->at < walk->end;
        skip_value(walk);
        skip_space(walk);
        if (walk->at >= walk->end || *walk->at != ',')
            return false;
        walk->at++;
    }
}

static bool enter_array(struct walk *walk, size_t index) {
    walk->at++;
    for (;;) {
        skip_space(walk);
        if (walk->at >= walk->end || *walk->at == ']')
            return false;
        if (index-- == 0)
            return true;
        skip_value(walk);
        skip_space(walk);
        if (walk->at >= walk->end || *walk->at != ',')
            return false;
        walk->at++;
    }
}

int json_line_of(const char *text, size_t length, const char *pointer) {
    struct walk walk = {text, text + length};
    skip_space(&walk);
    const char *found = walk.at;
    while (*pointer == '/' && walk.at < walk.end) {
        const char *name = ++pointer;
        size_t size = strcspn(name, "/");
        pointer += size;
        bool inside = false;
        if (*walk.at == '{')
            inside = enter_object(&walk, name, size);
        else if (*walk.at == '[')
            inside = enter_array(&walk, strtoul(name, NULL, 10));
        if (!inside)
            break;
        found = walk.at;
    }
    int line = 1;
    for (const char *at = text; at < found; at++)
        line += *at == '\n';
    return line;
}
