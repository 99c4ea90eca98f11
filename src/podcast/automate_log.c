#include "podcast/automate_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

enum { LINE_BYTES = 8192 };

struct automate_log {
    char *path;
    const struct clock *clock;
    int file;
    uint64_t size;
};

static bool open_file(struct automate_log *log, struct error *err) {
    struct stat facts;
    log->file = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log->file < 0 || fstat(log->file, &facts) != 0)
        return error_set_os(err, errno, "cannot write %s", log->path);
    log->size = facts.st_size > 0 ? (uint64_t)facts.st_size : 0;
    return true;
}

static void set_aside(struct automate_log *log) {
    ARENA_OWNED struct arena *arena = arena_open();
    if (rename(log->path, arena_format(arena, "%s.1", log->path)) != 0)
        return; /* it goes on growing, rather than being lost */
    close(log->file);
    log->file = -1;
    open_file(log, NULL);
}

struct automate_log *automate_log_open(const char *folder, const char *name, const struct clock *clock,
                                       struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct automate_log *log = memory_alloc(sizeof(*log));
    *log = (struct automate_log){.path = memory_text(file_join(arena, folder, name)), .clock = clock, .file = -1};
    if (open_file(log, err))
        return log;
    automate_log_close(log);
    return NULL;
}

void automate_log_close(struct automate_log *log) {
    if (!log)
        return;
    if (log->file >= 0)
        close(log->file);
    free(log->path);
    free(log);
}

void automate_log_line(struct automate_log *log, const char *line) {
    char iso[CLOCK_ISO_SIZE];
    TEXT_SCOPED struct text text;
    text_open(&text, LINE_BYTES);
    size_t length = utf8_cut(line, strnlen(line, LINE_BYTES / 2));
    text_append_format(&text, "%s %.*s", clock_iso(clock_wall_ms(log->clock), iso), (int)length, line);
    redact_text(text.data);
    for (char *c = text.data; *c; c++)
        *c = (unsigned char)*c < 0x20 || *c == 0x7F ? ' ' : *c;
    text.length = strlen(text.data);
    text_append_char(&text, '\n');
    if (log->size > LIMIT_AUTOMATE_LOG)
        set_aside(log);
    if (log->file >= 0 && write(log->file, text.data, text.length) == (ssize_t)text.length)
        log->size += text.length;
}
