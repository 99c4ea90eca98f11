/* site.config.json, its line finder, and the spelling file: what somebody's repository holds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "podcast/site.h"
#include "podcast/spelling.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 65536)
        return 0;
    ARENA_OWNED struct arena *arena = arena_open();
    char *text = arena_text_part(arena, (const char *)data, size);
    struct error err = {0};
    struct site *site = site_parse(arena, "/sites/examplecast", "site.config.json", text, size, &err);
    if (!site && err.code == ERROR_NONE)
        abort(); /* a refusal says why */
    for (size_t i = 0; site && i < site->podcast_count; i++)
        if (!*site->podcasts[i].id || strchr(site->podcasts[i].id, '/') || strchr(site->podcasts[i].rss_file, '/'))
            abort(); /* these become parts of paths */
    static const char *const pointers[] = {"", "/a", "/includedPodcasts/0/url", "/appHeader/primaryTitle", "/0/1/2"};
    for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++)
        if (json_line_of(text, size, pointers[i]) < 1)
            abort();
    struct spelling *spelling = spelling_parse(arena, text, size, NULL);
    if (spelling && !spelling_is_empty(spelling)) {
        struct spelling_result result = {0};
        const char *changed = NULL;
        size_t length = 0;
        spelling_apply_srt(arena, spelling, text, size, &changed, &length, &result, NULL);
        spelling_apply(arena, spelling, text, &result);
    }
    return 0;
}
