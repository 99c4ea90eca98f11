#include "http/route.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

static bool keep_parameter(struct server_request *request, const char *pattern, size_t length, const char *value) {
    if (request->parameter_count == REQUEST_PARAMETERS_MOST)
        return false;
    request->parameters[request->parameter_count++] =
        (struct server_parameter){.name = pattern + 1, .name_length = length - 2, .value = value};
    return true;
}

/* The parts from `first` on, joined again for a "{name...}". */
static const char *rest_of(struct arena *arena, const struct target *target, size_t first) {
    const char *rest = target->parts[first];
    for (size_t i = first + 1; i < target->count; i++)
        rest = arena_format(arena, "%s/%s", rest, target->parts[i]);
    return rest;
}

bool route_match(const char *pattern, const struct target *target, struct server_request *request) {
    size_t length = strlen(pattern);
    request->parameter_count = 0;
    if ((pattern[length - 1] == '/') != target->folder)
        return false;
    size_t part = 0;
    for (const char *at = pattern + 1; *at; part++) {
        size_t size = strcspn(at, "/");
        if (part == target->count)
            return false;
        if (at[0] == '{' && size > 5 && memcmp(at + size - 4, "...}", 4) == 0)
            return keep_parameter(request, at, size - 3, rest_of(request->arena, target, part));
        if (at[0] == '{') {
            if (!keep_parameter(request, at, size, target->parts[part]))
                return false;
        } else if (strlen(target->parts[part]) != size || memcmp(at, target->parts[part], size) != 0) {
            return false;
        }
        at += size;
        at += *at == '/';
    }
    return part == target->count;
}

/* Each method once: several rows may fit one address. No method's name is part of another's. */
static void allow_add(char *allow, size_t size, const char *method) {
    size_t used = strlen(allow);
    if (strstr(allow, method))
        return;
    snprintf(allow + used, size - used, "%s%s", used ? ", " : "", method);
    if (strcmp(method, "GET") == 0)
        allow_add(allow, size, "HEAD");
}

const struct server_route *route_find(const struct server_route *routes, size_t count, const char *method,
                                      const struct target *target, struct server_request *request, char *allow,
                                      size_t size) {
    allow[0] = 0;
    for (size_t i = 0; i < count; i++) {
        if (!route_match(routes[i].pattern, target, request))
            continue;
        if (strcmp(routes[i].method, method) == 0)
            return &routes[i];
        allow_add(allow, size, routes[i].method);
    }
    request->parameter_count = 0;
    if (allow[0])
        allow_add(allow, size, "OPTIONS");
    return NULL;
}
