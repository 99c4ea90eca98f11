#include "flow/operation.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "flow/engine_inside.h"
#include "flow/source_map.h"

enum { PAGE_DEFAULT = 100, TOKEN_MARK = 16 };

bool operation_refuse(struct api_error *error, const char *type, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    api_error_set_list(error, type, 400, format, arguments);
    va_end(arguments);
    return false;
}

/* What the database said is for whoever runs the program, not for the caller. */
bool operation_broken(struct api_error *error, const struct error *err) {
    char line[sizeof(err->message) + sizeof(err->hint) + 8];
    log_error("flow", "%s", error_line(err, line, sizeof(line)));
    return api_error_set(error, "InternalFailure", 500, "The request could not be carried out: %s",
                         error_name(err->code));
}

json_t *operation_json(struct arena *arena, const char *text, size_t length, const char **why) {
    struct error err = {0};
    struct source_fault fault = {0};
    json_t *value = json_parse(text, length, &err);
    if (value)
        return value;
    if (!utf8_valid(text, length))
        *why = "The text is not valid UTF-8";
    else if (!source_map_make(arena, text, length, &fault))
        *why = fault.message;
    else
        *why = arena_text(arena, err.message); /* names that an object gives twice */
    return NULL;
}

json_t *operation_time(int64_t ms) {
    return json_real((double)ms / 1000.0);
}

const char *operation_uuid(const struct operation_call *call) {
    struct random *random = engine_settings_of(call->engine)->random;
    if (!random)
        random = random_system();
    uint64_t high = (random_next(random) & ~UINT64_C(0xF000)) | UINT64_C(0x4000);
    uint64_t low = (random_next(random) >> 2) | UINT64_C(0x8000000000000000);
    return arena_format(call->arena, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32),
                        (unsigned)(high >> 16 & 0xFFFF), (unsigned)(high & 0xFFFF), (unsigned)(low >> 48),
                        (unsigned long long)(low & UINT64_C(0xFFFFFFFFFFFF)));
}

size_t operation_page(const struct operation_call *call) {
    int64_t most = json_get_int(call->request, "maxResults", 0);
    return most > 0 ? (size_t)most : PAGE_DEFAULT;
}

/* The mark tells tokens of one list from those of others; it keeps nobody from making one. */
static void token_mark(const char *list, const char *position, char mark[TOKEN_MARK + 1]) {
    char seed[2 * HASH_TEXT_SIZE + 1024];
    snprintf(seed, sizeof(seed), "%s\n%s", list, position);
    snprintf(mark, TOKEN_MARK + 1, "%016llx", (unsigned long long)hash_fnv1a(seed, strlen(seed)));
}

const char *operation_token(const struct operation_call *call, const char *list, const char *position) {
    size_t length = strlen(position);
    char *token = arena_alloc(call->arena, TOKEN_MARK + 2 * length + 1);
    token_mark(list, position, token);
    for (size_t i = 0; i < length; i++)
        snprintf(token + TOKEN_MARK + 2 * i, 3, "%02x", (unsigned char)position[i]);
    return token;
}

static int digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *token_position(struct arena *arena, const char *token) {
    size_t length = strlen(token);
    if (length < TOKEN_MARK || length % 2)
        return NULL;
    size_t count = (length - TOKEN_MARK) / 2;
    char *position = arena_alloc(arena, count + 1);
    for (size_t i = 0; i < count; i++) {
        int high = digit(token[TOKEN_MARK + 2 * i]), low = digit(token[TOKEN_MARK + 2 * i + 1]);
        if (high < 0 || low < 0)
            return NULL;
        position[i] = (char)(high << 4 | low);
    }
    return position;
}

bool operation_token_read(const struct operation_call *call, const char *list, const char **position,
                          struct api_error *error) {
    const char *token = json_get_text(call->request, "nextToken", NULL);
    const char *found = token ? token_position(call->arena, token) : NULL;
    if (token) {
        char mark[TOKEN_MARK + 1] = "";
        if (found)
            token_mark(list, found, mark);
        if (!found || strncmp(mark, token, TOKEN_MARK) != 0)
            return operation_refuse(error, "InvalidToken", "Invalid Token: 'Invalid token'");
    }
    *position = found;
    return true;
}
