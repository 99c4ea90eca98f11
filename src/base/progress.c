#include "base/progress.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

enum { TERMINAL_EVERY_MS = 250, LINE_EVERY_MS = 10000 };

struct progress_output {
    FILE *file;
    enum progress_form form;
    const struct clock *clock;
    pthread_mutex_t lock;
    bool line_open; /* a terminal line stands and must be wiped; guarded by lock */
};

struct progress {
    struct progress_output *output;
    char *what;
    const char *unit;
    uint64_t total;
    uint64_t first; /* done at the first update: work of an earlier run does not count into the rate */
    bool begun;
    int64_t started_ms;
    int64_t shown_ms;
};

struct progress_output *progress_output_open(FILE *file, enum progress_form form, const struct clock *clock) {
    struct progress_output *output = memory_alloc(sizeof(*output));
    *output = (struct progress_output){.file = file, .form = form, .clock = clock};
    pthread_mutex_init(&output->lock, NULL);
    return output;
}

void progress_output_close(struct progress_output *output) {
    if (!output)
        return;
    if (output->line_open)
        fputs("\r\033[K", output->file);
    fflush(output->file);
    pthread_mutex_destroy(&output->lock);
    free(output);
}

struct progress *progress_open(struct progress_output *output, const char *what, const char *unit, uint64_t total) {
    struct progress *progress = memory_alloc(sizeof(*progress));
    progress->output = output;
    progress->what = memory_text(what);
    redact_text(progress->what);
    progress->unit = unit;
    progress->total = total;
    if (output)
        progress->started_ms = progress->shown_ms = clock_monotonic_ms(output->clock);
    return progress;
}

/* Amounts as people read them. */
static void amount(const char *unit, uint64_t value, char *out, size_t size) {
    char duration[CLOCK_ISO_SIZE];
    if (strcmp(unit, "bytes") == 0)
        snprintf(out, size, "%.1f MB", (double)value / 1e6);
    else if (text_starts(unit, "ms"))
        snprintf(out, size, "%s", clock_duration((int64_t)value, duration));
    else
        snprintf(out, size, "%llu", (unsigned long long)value);
}

/* Milliseconds left at the rate so far; -1 when nobody can say yet. */
static int64_t time_left(const struct progress *progress, uint64_t done, int64_t now) {
    int64_t elapsed = now - progress->started_ms;
    uint64_t here = done - progress->first;
    if (!progress->total || done >= progress->total || !here || elapsed < 1000)
        return -1;
    return (int64_t)((double)(progress->total - done) * (double)elapsed / (double)here);
}

static void describe(const struct progress *progress, uint64_t done, int64_t now, char *out, size_t size) {
    char have[48];
    char all[48] = "";
    char left_text[CLOCK_ISO_SIZE];
    amount(progress->unit, done, have, sizeof(have));
    if (progress->total)
        amount(progress->unit, progress->total, all, sizeof(all));
    int64_t left = time_left(progress, done, now);
    int64_t elapsed = now - progress->started_ms;
    double rate = elapsed > 0 ? (double)(done - progress->first) / (double)elapsed : 0;
    int used = snprintf(out, size, "%s: %s%s%s", progress->what, have, progress->total ? " of " : "", all);
    size_t at = used > 0 && (size_t)used < size ? (size_t)used : size - 1;
    if (progress->total)
        at += (size_t)snprintf(out + at, size - at, " (%d%%)", (int)((double)done * 100 / (double)progress->total));
    if (at < size && rate > 0 && text_starts(progress->unit, "ms"))
        at += (size_t)snprintf(out + at, size - at, ", %.1fx", rate);
    else if (at < size && rate > 0 && strcmp(progress->unit, "bytes") == 0)
        at += (size_t)snprintf(out + at, size - at, ", %.1f MB/s", rate / 1000);
    if (at < size && left >= 0)
        snprintf(out + at, size - at, ", %s left", clock_duration(left, left_text));
}

static void show(struct progress *progress, uint64_t done, int64_t now) {
    struct progress_output *output = progress->output;
    char line[400];
    describe(progress, done, now, line, sizeof(line));
    if (output->form == PROGRESS_JSON) {
        struct text what;
        text_open(&what, sizeof(line));
        for (const char *c = progress->what; *c; c++) {
            if ((unsigned char)*c >= 0x20 && *c != '"' && *c != '\\')
                text_append_char(&what, *c);
        }
        fprintf(output->file, "{\"progress\":\"%s\",\"unit\":\"%s\",\"done\":%llu,\"total\":%llu}\n", text_value(&what),
                progress->unit, (unsigned long long)done, (unsigned long long)progress->total);
        text_close(&what);
    } else if (output->form == PROGRESS_TERMINAL) {
        fprintf(output->file, "\r\033[K%.*s", 100, line);
        output->line_open = true;
    } else {
        fprintf(output->file, "  %s\n", line);
    }
    fflush(output->file);
}

void progress_update(struct progress *progress, uint64_t done, uint64_t total) {
    struct progress_output *output = progress->output;
    if (total)
        progress->total = total;
    if (!progress->begun) {
        progress->begun = true;
        progress->first = done;
    }
    if (!output || output->form == PROGRESS_SILENT)
        return;
    int64_t now = clock_monotonic_ms(output->clock);
    if (now - progress->shown_ms < (output->form == PROGRESS_TERMINAL ? TERMINAL_EVERY_MS : LINE_EVERY_MS))
        return;
    progress->shown_ms = now;
    pthread_mutex_lock(&output->lock);
    show(progress, done, now);
    pthread_mutex_unlock(&output->lock);
}

void progress_close(struct progress *progress) {
    if (!progress)
        return;
    struct progress_output *output = progress->output;
    if (output && output->form == PROGRESS_TERMINAL) {
        pthread_mutex_lock(&output->lock);
        if (output->line_open)
            fputs("\r\033[K", output->file);
        output->line_open = false;
        fflush(output->file);
        pthread_mutex_unlock(&output->lock);
    }
    free(progress->what);
    free(progress);
}
