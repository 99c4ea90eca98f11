/* Two URLs on two lines: resolving, normal forms, keys. A normal form is its own normal form. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "web/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *arena = arena_open();
    const char *base = arena_text_part(arena, (const char *)data, size);
    char *line = strchr(base, '\n');
    const char *reference = "";
    if (line) {
        *line = 0;
        reference = line + 1;
    }
    struct url url;
    if (url_parse(arena, base, &url, NULL)) {
        const char *normal = url_normal(arena, base);
        if (strcmp(url_normal(arena, normal), normal) != 0)
            abort();
        url_is_web(base);
        url_host(arena, base);
        char *user;
        char *password;
        url_without_user(arena, base, &user, &password);
    }
    const char *made = url_resolve(arena, base, reference, NULL);
    /* Dot segments go, unless the path is the base's own (RFC 3986 section 5.2.2). */
    bool own_path = *reference && !strchr("?# \t\r\n\f", *reference);
    struct url parts;
    if (made && own_path && url_parse(arena, made, &parts, NULL) && parts.host && strstr(parts.path, "/../"))
        abort();
    url_audio_key(arena, base);
    if (*base && !url_same_audio(base, base))
        abort();
    arena_close(arena);
    return 0;
}
