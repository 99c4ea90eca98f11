#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "flow/engine_inside.h"

const char *operation_arn(const struct operation_call *call, const char *kind, const char *rest) {
    const struct engine_settings *settings = engine_settings_of(call->engine);
    return arena_format(call->arena, "arn:aws:states:%s:%s:%s:%s", settings->region ? settings->region : "us-east-1",
                        settings->account ? settings->account : "000000000000", kind, rest);
}

/* Cuts the text at the first `mark`; what lies behind it, NULL if there is none. */
static char *cut(char *text, char mark) {
    char *place = text ? strchr(text, mark) : NULL;
    if (place)
        *place++ = 0;
    return place;
}

/* How many parts may follow the name: "execution" 1, "stateMachine" 0 or 1, "express" 2. */
static const struct kind {
    const char *name;
    int least, most;
    bool label; /* NAME/LABEL is allowed */
} kinds[] = {{"stateMachine", 0, 1, true}, {"execution", 1, 1, true}, {"express", 1, 2, true},
             {"activity", 0, 0, false},    {"mapRun", 1, 1, true},    {NULL, 0, 0, false}};

static bool invalid(struct api_error *error, const char *why, const char *text) {
    return operation_refuse(error, "InvalidArn", "Invalid Arn: '%s: %.512s'", why, text);
}

bool flow_arn_parse(struct arena *arena, const char *text, struct flow_arn *arn, struct api_error *error) {
    if (!text || !text_starts(text, "arn:"))
        return invalid(error, "Invalid ARN prefix", text ? text : "");
    char *partition = arena_text(arena, text + strlen("arn:"));
    struct flow_arn made = {.mock_case = cut(partition, '#')};
    char *service = cut(partition, ':');
    char *region = cut(service, ':');
    char *account = cut(region, ':');
    char *kind = cut(account, ':');
    char *name = cut(kind, ':');
    char *rest = cut(name, ':');
    if (!name || !*name)
        return invalid(error, "Missing ARN resource", text);
    if (!text_equal(service, "states"))
        return invalid(error, "Invalid ARN service", service);
    const struct kind *row = kinds;
    while (row->name && !text_equal(row->name, kind))
        row++;
    if (!row->name)
        return invalid(error, "Invalid ARN resource type", kind);
    int parts = 0;
    for (const char *c = rest; c; c = strchr(c + 1, ':'))
        parts++;
    if (parts < row->least || parts > row->most || (rest && (!*rest || text_ends(rest, ":"))))
        return invalid(error, "Invalid ARN resource", text);
    made.kind = row->name;
    made.label = row->label ? cut(name, '/') : NULL;
    made.machine = name;
    made.qualifier = rest;
    *arn = made;
    return true;
}

bool flow_arn_parse_kind(struct arena *arena, const char *text, const char *kind, const char *other,
                         struct flow_arn *arn, struct api_error *error) {
    struct flow_arn found = {0};
    if (!flow_arn_parse(arena, text, &found, error))
        return false;
    if (!text_equal(found.kind, kind) && !(other && text_equal(found.kind, other)))
        return operation_refuse(error, "InvalidArn", "Invalid Arn: 'Resource type not valid in this context: %s'",
                                found.kind);
    *arn = found;
    return true;
}

bool operation_name_check(const char *name, struct api_error *error) {
    size_t length = strlen(name), at = 0, characters = 0;
    bool right = length > 0;
    while (right && at < length) {
        uint32_t code = 0;
        size_t bytes = utf8_decode(name + at, length - at, &code);
        right = bytes && code > 0x20 && !(code >= 0x7F && code <= 0xA0) &&
                !(code < 0x7F && strchr("<>{}[]?*\"#%\\^|~`$&,;:/", (int)code));
        at += bytes;
        characters++;
    }
    if (right && characters <= 80)
        return true;
    return operation_refuse(error, "InvalidName", "Invalid Name: '%.512s'", name);
}
