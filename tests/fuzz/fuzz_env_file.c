/* .env files of somebody's repository. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/env_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 65536)
        return 0;
    struct arena *arena = arena_open();
    struct error err = {0};
    struct env_file file;
    if (env_file_parse(arena, "file", (const char *)data, size, &file, &err)) {
        unsigned line = 0;
        for (size_t i = 0; i < file.count; i++) {
            const struct env_entry *entry = &file.entries[i];
            if (entry->line <= line || !*entry->name || strpbrk(entry->name, "= \t\r\n#") || strchr(entry->value, '\n'))
                abort(); /* one entry a line, in their order */
            line = entry->line;
            /* The last one of a name counts. */
            const char *value = env_file_value(&file, entry->name);
            if (!value || (i + 1 == file.count && value != entry->value))
                abort();
        }
    } else if (err.code != ERROR_LIMIT && err.code != ERROR_CONFIG) {
        abort();
    }
    arena_close(arena);
    return 0;
}
