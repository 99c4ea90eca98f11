#include "base/env_file.h"

#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

static bool is_name(const char *name) {
    if (!*name || isdigit((unsigned char)*name))
        return false;
    for (; *name; name++) {
        if (!isalnum((unsigned char)*name) && !strchr("_.-", *name))
            return false;
    }
    return true;
}

/* Cuts the comment and the quotes off a value, in place. */
static char *plain_value(char *value) {
    value = text_trim(value);
    if (*value == '"' || *value == '\'') {
        char *end = strchr(value + 1, *value);
        const char *rest = end ? end + 1 + strspn(end + 1, " \t") : NULL;
        if (rest && (!*rest || *rest == '#')) {
            *end = 0;
            return value + 1;
        }
    }
    for (char *mark = strchr(value, '#'); mark; mark = strchr(mark + 1, '#')) {
        if (mark == value || mark[-1] == ' ' || mark[-1] == '\t') {
            *mark = 0;
            return text_trim(value);
        }
    }
    return value;
}

/* False if the line is neither an entry nor nothing. */
static bool read_line(char *line, struct env_entry *entry) {
    line = text_trim(line);
    *entry = (struct env_entry){0};
    if (!*line || *line == '#')
        return true;
    if (text_starts(line, "export ") || text_starts(line, "export\t"))
        line = text_trim(line + strlen("export"));
    char *sign = strchr(line, '=');
    if (!sign)
        return false;
    *sign = 0;
    char *name = text_trim(line);
    if (!is_name(name))
        return false;
    entry->name = name;
    entry->value = plain_value(sign + 1);
    return true;
}

bool env_file_parse(struct arena *arena, const char *path, const char *text, size_t length, struct env_file *file,
                    struct error *err) {
    static const char mark[] = "\xEF\xBB\xBF";
    struct env_file made = {.path = arena_text(arena, path)};
    size_t capacity = 0;
    /* A zero byte ends nothing: what follows it would be left out unseen. */
    if (memchr(text, 0, length))
        return error_set(err, ERROR_CONFIG, "%s: it has zero bytes in it", path);
    char *rest = arena_text_part(arena, text, length);
    if (text_starts(rest, mark))
        rest += strlen(mark);
    for (unsigned number = 1; rest; number++) {
        struct env_entry entry;
        if (!read_line(strsep(&rest, "\n"), &entry)) {
            made.odd_line = made.odd_line ? made.odd_line : number;
            continue;
        }
        if (!entry.name)
            continue;
        if (made.count == LIMIT_ENV_ENTRIES)
            return error_set(err, ERROR_LIMIT, "%s has more than %d entries", path, LIMIT_ENV_ENTRIES);
        made.entries = arena_grow(arena, made.entries, made.count, &capacity, sizeof(*made.entries));
        entry.line = number;
        made.entries[made.count++] = entry;
    }
    *file = made;
    return true;
}

bool env_file_read(struct arena *arena, const char *path, struct env_file *file, struct error *err) {
    char *text;
    size_t length;
    struct stat facts;
    if (!file_read(arena, path, LIMIT_CONFIG_BYTES, &text, &length, err) ||
        !env_file_parse(arena, path, text, length, file, err))
        return false;
    file->shared = stat(path, &facts) == 0 && (facts.st_mode & (S_IRGRP | S_IROTH));
    return true;
}

const char *env_file_value(const struct env_file *file, const char *name) {
    for (size_t i = file->count; i > 0; i--) {
        if (strcmp(file->entries[i - 1].name, name) == 0)
            return file->entries[i - 1].value;
    }
    return NULL;
}
