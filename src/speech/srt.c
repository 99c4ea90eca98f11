/* The reader scans for one pattern, anywhere: digits, a line end, a time, " --> ", a time. What lies between two
 * matches is the text of the first. That is how srt-parser-2 reads (it splits at a regular expression that is not bound
 * to the starts of lines), and how passages of existing transcripts were made. */
#include "speech/srt.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

/* 999:59:59,999: what both sides can say. */
#define LATEST_MS INT64_C(3599999999)

/* Digits at text[at], at least `least`, at most `most` taken; returns how many, 0 if too few. */
static size_t digits(const char *text, size_t length, size_t at, size_t least, size_t most, int64_t *value) {
    size_t n = 0;
    *value = 0;
    while (n < most && at + n < length && isdigit((unsigned char)text[at + n])) {
        *value = *value * 10 + (text[at + n] - '0');
        n++;
    }
    return n >= least ? n : 0;
}

/* "H:MM:SS,m" to "HHH:MM:SS,mmm" at text[at]; returns the bytes, 0 if it is none. */
static size_t time_at(const char *text, size_t length, size_t at, int64_t *ms) {
    int64_t hours = 0;
    int64_t minutes = 0;
    int64_t seconds = 0;
    int64_t fraction = 0;
    size_t from = at;
    size_t n = digits(text, length, at, 1, 3, &hours);
    if (!n || (at += n) >= length || text[at++] != ':')
        return 0;
    n = digits(text, length, at, 2, 2, &minutes);
    if (!n || (at += n) >= length || text[at++] != ':')
        return 0;
    n = digits(text, length, at, 2, 2, &seconds);
    if (!n || (at += n) >= length || (text[at] != ',' && text[at] != '.'))
        return 0;
    at++;
    n = digits(text, length, at, 1, 3, &fraction);
    if (!n)
        return 0;
    at += n;
    for (; n < 3; n++)
        fraction *= 10; /* "0:00:01,5" is one and a half seconds */
    *ms = ((hours * 60 + minutes) * 60 + seconds) * 1000 + fraction;
    if (*ms > LATEST_MS)
        *ms = LATEST_MS;
    return at - from;
}

/* A cue's head with its line end at text[at]; returns where the text begins, 0 if it is none. */
static size_t head_at(const char *text, size_t length, size_t at, struct cue *cue) {
    static const char arrow[] = " --> ";
    if (at >= length || text[at] != '\n')
        return 0;
    at++;
    size_t n = time_at(text, length, at, &cue->start_ms);
    if (!n || length - (at += n) < sizeof(arrow) - 1 || memcmp(text + at, arrow, sizeof(arrow) - 1) != 0)
        return 0;
    at += sizeof(arrow) - 1;
    n = time_at(text, length, at, &cue->end_ms);
    return n ? at + n : 0;
}

/* White space of JavaScript's trim() that is found in transcripts: ASCII, no-break space, byte order mark. Bytes of it
 * at text[at], 0 if none. */
static size_t space_at(const char *text, size_t at, size_t end) {
    if (strchr(" \t\n\v\f\r", text[at]) && text[at])
        return 1;
    if (end - at >= 2 && memcmp(text + at, "\xC2\xA0", 2) == 0)
        return 2;
    return end - at >= 3 && memcmp(text + at, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

/* The text in bytes[from, to): trimmed, and without control characters but line ends. */
static const char *cue_text(struct arena *arena, const char *bytes, size_t from, size_t to) {
    size_t n;
    while (from < to && (n = space_at(bytes, from, to)))
        from += n;
    for (;;) {
        size_t back = 0;
        for (size_t i = 1; i <= 3 && from + i <= to; i++)
            if (space_at(bytes, to - i, to) == i)
                back = i;
        if (!back)
            break;
        to -= back;
    }
    char *text = arena_text_part(arena, bytes + from, to - from);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 && *c != '\n')
            *c = ' ';
    return text;
}

/* A copy without carriage returns (a lone one becomes a line end) and with valid UTF-8. */
static char *prepare(struct arena *arena, const char *bytes, size_t length, size_t *out_length) {
    char *repaired = utf8_repair(bytes, length);
    char *text = arena_text(arena, repaired);
    free(repaired);
    size_t to = 0;
    for (size_t from = 0; text[from]; from++) {
        if (text[from] != '\r')
            text[to++] = text[from];
        else if (text[from + 1] != '\n')
            text[to++] = '\n';
    }
    text[to] = 0;
    *out_length = to;
    return text;
}

bool srt_parse(struct arena *arena, const char *bytes, size_t length, struct cue_list *cues, struct error *err) {
    if (length > LIMIT_SRT_BYTES)
        return error_set(err, ERROR_LIMIT, "transcript is %zu bytes; at most %zu", length, LIMIT_SRT_BYTES);
    char *text = prepare(arena, bytes, length, &length);
    struct cue *items = NULL;
    size_t count = 0;
    size_t room = 0;
    size_t text_from = 0;
    for (size_t at = 0; at < length;) {
        if (!isdigit((unsigned char)text[at])) {
            at++;
            continue;
        }
        size_t number = at;
        while (at < length && isdigit((unsigned char)text[at]))
            at++;
        struct cue cue = {0};
        size_t begin = head_at(text, length, at, &cue);
        if (!begin)
            continue;
        if (count == LIMIT_CUES)
            return error_set(err, ERROR_LIMIT, "transcript has more than %d cues", LIMIT_CUES);
        if (count)
            items[count - 1].text = cue_text(arena, text, text_from, number);
        items = arena_grow(arena, items, count, &room, sizeof(*items));
        items[count++] = cue;
        text_from = at = begin;
    }
    if (count)
        items[count - 1].text = cue_text(arena, text, text_from, length);
    *cues = (struct cue_list){.items = items, .count = count};
    return true;
}

static void time_write(struct text *out, int64_t ms, char point) {
    ms = ms < 0 ? 0 : ms > LATEST_MS ? LATEST_MS : ms;
    text_append_format(out, "%02" PRId64 ":%02d:%02d%c%03d", ms / 3600000, (int)(ms / 60000 % 60),
                       (int)(ms / 1000 % 60), point, (int)(ms % 1000));
}

static void times_write(struct text *out, const struct cue *cue, char point) {
    int64_t end = cue->end_ms < cue->start_ms ? cue->start_ms : cue->end_ms;
    time_write(out, cue->start_ms, point);
    text_append(out, " --> ");
    time_write(out, end, point);
    text_append_char(out, '\n');
}

/* The lines of a cue's text, trimmed, blank ones left out; `escape` as WebVTT asks for. */
static void lines_write(struct text *out, const char *text, bool escape) {
    while (*text) {
        size_t length = strcspn(text, "\n");
        size_t from = 0;
        size_t to = length;
        while (from < to && isspace((unsigned char)text[from]))
            from++;
        while (to > from && isspace((unsigned char)text[to - 1]))
            to--;
        for (size_t i = from; i < to; i++) {
            if (escape && text[i] == '&')
                text_append(out, "&amp;");
            else if (escape && text[i] == '<')
                text_append(out, "&lt;");
            else if (escape && text[i] == '>')
                text_append(out, "&gt;");
            else if (!escape && text[i] == '-' && text[i + 1] == '-' && text[i + strspn(text + i, "-")] == '>')
                continue; /* "->" remains of "-->": a text cannot become a timing line */
            else
                text_append_char(out, text[i]);
        }
        if (to > from)
            text_append_char(out, '\n');
        text += length + (text[length] == '\n');
    }
}

void srt_write(struct text *out, const struct cue *cues, size_t count) {
    for (size_t i = 0; i < count; i++) {
        text_append_format(out, "%zu\n", i + 1);
        times_write(out, &cues[i], ',');
        lines_write(out, cues[i].text, false);
        text_append_char(out, '\n');
    }
}

void vtt_write(struct text *out, const struct cue *cues, size_t count) {
    text_append(out, "WEBVTT\n\n");
    for (size_t i = 0; i < count; i++) {
        times_write(out, &cues[i], '.');
        lines_write(out, cues[i].text, true);
        text_append_char(out, '\n');
    }
}

void plain_write(struct text *out, const struct cue *cues, size_t count) {
    enum { PARAGRAPH_BYTES = 500, PAUSE_MS = 2000 };
    size_t begun = out->length;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(cues[i].text);
        if (!length)
            continue;
        if (i && out->length > begun) {
            char last = out->data[out->length - 1];
            bool sentence_ended = last == '.' || last == '!' || last == '?';
            bool turn = cues[i].start_ms - cues[i - 1].end_ms >= PAUSE_MS ||
                        (sentence_ended && out->length - begun >= PARAGRAPH_BYTES);
            text_append(out, turn ? "\n\n" : " ");
            if (turn)
                begun = out->length;
        }
        for (const char *c = cues[i].text; *c; c++)
            text_append_char(out, *c == '\n' ? ' ' : *c);
    }
    if (out->length)
        text_append_char(out, '\n');
}
