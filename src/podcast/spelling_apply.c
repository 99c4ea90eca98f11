#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/spelling_match.h"

/* Appends text[0..length) corrected; counts by group. Returns how many. */
static size_t correct(const struct spelling *spelling, const char *text, size_t length, struct text *out,
                      size_t *counts) {
    struct spelling_match match;
    size_t from = 0, copied = 0, total = 0;
    while (spelling_find(spelling, text, length, &from, &match)) {
        if (!match.group)
            continue;
        const char *right = spelling->groups[match.group - 1].corrected;
        if (strlen(right) == match.end - match.start && !memcmp(right, text + match.start, match.end - match.start))
            continue;
        text_append_part(out, text + copied, match.start - copied);
        text_append(out, right);
        copied = match.end;
        counts[match.group]++;
        total++;
    }
    text_append_part(out, text + copied, length - copied);
    return total;
}

static struct spelling_count *row_of(struct spelling_count *rows, size_t count, const char *corrected) {
    for (size_t i = 0; i < count; i++)
        if (!strcmp(rows[i].corrected, corrected))
            return &rows[i];
    return NULL;
}

/* The rows stand in the order of the corrections' file; rows of other corrections come after them. */
void spelling_count_add(struct arena *arena, const struct spelling *spelling, const size_t *counts,
                        struct spelling_result *result) {
    struct spelling_count *rows = arena_alloc_array(arena, spelling->group_count + result->count + 1, sizeof(*rows));
    size_t count = 0;
    for (size_t i = 0; i < spelling->group_count; i++) {
        const char *corrected = spelling->groups[i].corrected;
        const struct spelling_count *old = row_of(result->counts, result->count, corrected);
        struct spelling_count *row = row_of(rows, count, corrected);
        result->total += counts[i + 1];
        if (row)
            row->applied += counts[i + 1];
        else if (old || counts[i + 1])
            rows[count++] = (struct spelling_count){corrected, counts[i + 1] + (old ? old->applied : 0)};
    }
    for (size_t i = 0; i < result->count; i++)
        if (!row_of(rows, count, result->counts[i].corrected))
            rows[count++] = result->counts[i];
    result->counts = rows;
    result->count = count;
}

void spelling_result_add(struct arena *arena, struct spelling_result *to, const struct spelling_result *from) {
    struct spelling_count *rows = arena_alloc_array(arena, to->count + from->count + 1, sizeof(*rows));
    size_t count = to->count;
    if (count)
        memcpy(rows, to->counts, count * sizeof(*rows));
    for (size_t i = 0; i < from->count; i++) {
        struct spelling_count *row = row_of(rows, count, from->counts[i].corrected);
        if (row)
            row->applied += from->counts[i].applied;
        else
            rows[count++] = from->counts[i];
    }
    to->counts = rows;
    to->count = count;
    to->total += from->total;
}

const char *spelling_apply(struct arena *arena, const struct spelling *spelling, const char *text,
                           struct spelling_result *result) {
    TEXT_SCOPED struct text out;
    text_open(&out, LIMIT_TRANSCRIPT_BYTES * 2);
    TEXT_OWNED size_t *counts = memory_alloc_array(spelling->group_count + 1, sizeof(*counts));
    if (!correct(spelling, text, strlen(text), &out, counts) || out.overflow)
        return text;
    spelling_count_add(arena, spelling, counts, result);
    return arena_text_part(arena, text_value(&out), out.length);
}

/* ---- SRT ---- */

struct line {
    size_t start, end; /* without its line end */
    size_t next;
};

static bool line_at(const char *text, size_t length, size_t at, struct line *line) {
    if (at >= length)
        return false;
    size_t end = at;
    while (end < length && text[end] != '\n' && text[end] != '\r')
        end++;
    size_t next = end;
    if (next < length)
        next += text[next] == '\r' && next + 1 < length && text[next + 1] == '\n' ? 2 : 1;
    *line = (struct line){at, end, next};
    return true;
}

static bool is_index(const char *text, const struct line *line) {
    size_t at = line->start, end = line->end;
    if (end - at >= 3 && !memcmp(text + at, "\xEF\xBB\xBF", 3))
        at += 3;
    size_t digits = 0;
    for (; at < end; at++) {
        if (text[at] >= '0' && text[at] <= '9')
            digits++;
        else if (text[at] != ' ' && text[at] != '\t')
            return false;
    }
    return digits > 0;
}

static bool is_timing(const char *text, const struct line *line) {
    return memmem(text + line->start, line->end - line->start, "-->", 3) != NULL;
}

/* The number line and the timing line of a cue, or a timing line alone; *next is what comes after them. */
static bool is_heading(const char *text, size_t length, const struct line *line, size_t *next) {
    struct line after;
    *next = line->next;
    if (is_timing(text, line))
        return true;
    if (!is_index(text, line) || !line_at(text, length, line->next, &after) || !is_timing(text, &after))
        return false;
    *next = after.next;
    return true;
}

bool spelling_apply_srt(struct arena *arena, const struct spelling *spelling, const char *text, size_t length,
                        const char **changed, size_t *changed_length, struct spelling_result *result,
                        struct error *err) {
    TEXT_SCOPED struct text out;
    text_open(&out, LIMIT_TRANSCRIPT_BYTES * 2);
    TEXT_OWNED size_t *counts = memory_alloc_array(spelling->group_count + 1, sizeof(*counts));
    size_t total = 0, copied = 0, next = 0;
    bool in_cue = false;
    struct line line;
    for (size_t at = 0; line_at(text, length, at, &line); at = next) {
        if (!is_heading(text, length, &line, &next))
            continue;
        /* What is before the heading is the text of the cue before it; before the first cue it is left alone. */
        if (in_cue)
            total += correct(spelling, text + copied, at - copied, &out, counts);
        else
            text_append_part(&out, text + copied, at - copied);
        text_append_part(&out, text + at, next - at);
        copied = next;
        in_cue = true;
    }
    if (in_cue)
        total += correct(spelling, text + copied, length - copied, &out, counts);
    if (out.overflow)
        return error_set(err, ERROR_LIMIT, "the corrected transcript would be larger than %zu bytes",
                         LIMIT_TRANSCRIPT_BYTES * 2);
    *changed = total ? arena_text_part(arena, text_value(&out), out.length) : text;
    *changed_length = total ? out.length : length;
    if (total)
        spelling_count_add(arena, spelling, counts, result);
    return true;
}
