/* The limits, and where they come from.
 *   Rate: 7 words a second for 3 s. Fast talkers reach 5, auctioneers 6 to 7; recognisers that squeeze a minute into a
 * second reach 20. Loops: whisper's own test is a compression ratio above 2.4 for a window's text (openai/whisper,
 * transcribe.py); the share of distinct word triples is the same test without a compressor and works across windows. A
 * phrase back to back is the commonest form (faster-whisper 506, whisper.cpp 1507 and 1724). No punctuation for 45 s:
 * the rule of today's transcript lint; here the clock starts with the first cue that lacks it, so that a minute of
 * music is no fault of the text. */
#include "speech/gate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

enum {
    RATE_WINDOW_MS = 3000,
    RATE_WORDS = 7,
    RATE_CUES = 32,          /* a window of more cues than this has been found long before */
    SILENCE_REACH_MS = 1000, /* cues begin early and end late by this much */
    SILENCE_LEAST_MS = 5000, /* of a longer cue that is heard elsewhere in it */
    HOLE_MS = 30000,
    THIN_MS = 15000,
    UNPUNCTUATED_MS = 45000,
    BEYOND_MS = 1000, /* containers round their length */
    CROSSING_MS = 50, /* rounding of centiseconds in other tools */
    LONGEST_PERIOD = 12,
    SAMPLE_BYTES = 80,
    TRIPLE_WINDOW = 60,
};

/* Words a second below which a long cue has lost some; people speak two to three. */
#define THIN_WORDS 0.8

static const struct {
    const char *name;
    bool again;
    const char *meaning;
} kinds[] = {
#define X(kind, name, again, meaning) {name, again, meaning},
    GATE_KINDS(X)
#undef X
};

const char *gate_name(enum gate_kind kind) {
    return kind < GATE_KIND_COUNT ? kinds[kind].name : "unknown";
}

const char *gate_meaning(enum gate_kind kind) {
    return kind < GATE_KIND_COUNT ? kinds[kind].meaning : "";
}

/* A word of the running text, as a hash of its letters. */
struct token {
    uint64_t hash;
    uint32_t cue;
};

struct look {
    struct arena *arena;
    const struct cue *cues;
    size_t count;
    const struct gate_context *context;
    struct token *tokens;
    size_t token_count;
    struct gate_findings found;
    size_t room;
};

static void add(struct look *look, enum gate_kind kind, int64_t start_ms, int64_t end_ms, double number,
                const char *text) {
    struct gate_findings *found = &look->found;
    /* One long fault is one finding. Checks run kind by kind, so its last one is the neighbour. */
    if (found->count) {
        struct gate_finding *last = &found->items[found->count - 1];
        if (last->kind == kind && start_ms <= last->end_ms && end_ms >= last->start_ms) {
            last->start_ms = start_ms < last->start_ms ? start_ms : last->start_ms;
            last->end_ms = end_ms > last->end_ms ? end_ms : last->end_ms;
            last->number = number > last->number ? number : last->number;
            return;
        }
    }
    if (found->count == LIMIT_GATE_FINDINGS) {
        found->dropped++;
        return;
    }
    found->items = arena_grow(look->arena, found->items, found->count, &look->room, sizeof(*found->items));
    size_t cut = strlen(text) > SAMPLE_BYTES ? utf8_cut(text, SAMPLE_BYTES) : strlen(text);
    found->items[found->count++] = (struct gate_finding){.kind = kind,
                                                         .start_ms = start_ms,
                                                         .end_ms = end_ms,
                                                         .number = number,
                                                         .sample = arena_text_part(look->arena, text, cut)};
}

/* ---- words ---- */

static bool is_letter(unsigned char c) {
    return isalnum(c) || c >= 0x80 || c == '\'';
}

/* Scripts without spaces: two characters are about one word. */
static bool spaceless(const char *c) {
    unsigned char lead = (unsigned char)*c;
    return (lead >= 0xE3 && lead <= 0xE9) ||
           (lead == 0xE0 && ((unsigned char)c[1] >= 0xB8 && (unsigned char)c[1] <= 0xBB));
}

static double words_in(const char *text) {
    double words = 0;
    bool inside = false;
    for (const char *c = text; *c; c++) {
        if (((unsigned char)*c & 0xC0) == 0x80)
            continue;
        if (spaceless(c)) {
            words += 0.5;
            inside = false;
            continue;
        }
        bool letter = is_letter((unsigned char)*c);
        if (letter && !inside)
            words += 1;
        inside = letter;
    }
    return words;
}

static void tokens_make(struct look *look, struct arena *scratch) {
    size_t room = 0;
    for (size_t i = 0; i < look->count; i++) {
        const char *c = look->cues[i].text;
        while (*c) {
            uint64_t hash = 1469598103934665603U; /* FNV-1a, 64 bits */
            const char *begin = c;
            while (is_letter((unsigned char)*c)) {
                hash = (hash ^ (uint64_t)tolower((unsigned char)*c)) * 1099511628211U;
                c++;
            }
            if (c == begin) {
                c++;
                continue;
            }
            look->tokens = arena_grow(scratch, look->tokens, look->token_count, &room, sizeof(*look->tokens));
            look->tokens[look->token_count++] = (struct token){.hash = hash, .cue = (uint32_t)i};
        }
    }
}

/* ---- the checks ---- */

static void add_tokens(struct look *look, enum gate_kind kind, size_t from, size_t to, double number) {
    const struct cue *first = &look->cues[look->tokens[from].cue];
    const struct cue *last = &look->cues[look->tokens[to].cue];
    add(look, kind, first->start_ms, last->end_ms, number, first->text);
}

/* How often a phrase of `period` words may stand back to back in honest speech, plus one. */
static size_t repeats_allowed(size_t period) {
    return period == 1 ? 8 : period == 2 ? 6 : period == 3 ? 5 : period < 8 ? 4 : 3;
}

static void check_phrases(struct look *look) {
    for (size_t period = 1; period <= LONGEST_PERIOD; period++) {
        size_t run = 0;
        for (size_t i = period; i <= look->token_count; i++) {
            bool same = i < look->token_count && look->tokens[i].hash == look->tokens[i - period].hash;
            if (same) {
                run++;
                continue;
            }
            size_t repeats = run / period + 1;
            if (repeats >= repeats_allowed(period))
                add_tokens(look, GATE_LOOP, i - run - period, i - 1, (double)repeats);
            run = 0;
        }
    }
}

static uint64_t triple(const struct token *tokens) {
    return (tokens[0].hash * 31 + tokens[1].hash) * 31 + tokens[2].hash;
}

static int by_value(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* Windows of 60 words in which less than two fifths of the triples are distinct. */
static void check_triples(struct look *look) {
    uint64_t values[TRIPLE_WINDOW];
    for (size_t from = 0; from + TRIPLE_WINDOW + 2 <= look->token_count; from += TRIPLE_WINDOW / 2) {
        for (size_t i = 0; i < TRIPLE_WINDOW; i++)
            values[i] = triple(&look->tokens[from + i]);
        qsort(values, TRIPLE_WINDOW, sizeof(*values), by_value);
        size_t distinct = 1;
        for (size_t i = 1; i < TRIPLE_WINDOW; i++)
            distinct += values[i] != values[i - 1];
        if (distinct * 5 < (size_t)TRIPLE_WINDOW * 2)
            add_tokens(look, GATE_LOOP, from, from + TRIPLE_WINDOW + 1, (double)TRIPLE_WINDOW / (double)distinct);
    }
}

/* The same line three times in a row. Short answers ("Yeah.") are left to check_phrases. */
static void check_lines(struct look *look) {
    size_t token = 0;
    uint64_t before = 0;
    size_t run = 0;
    size_t run_from = 0;
    for (size_t i = 0; i <= look->count; i++) {
        uint64_t line = 0;
        size_t words = 0;
        for (; token < look->token_count && look->tokens[token].cue == i; token++, words++)
            line = line * 1099511628211U + look->tokens[token].hash;
        if (i < look->count && words >= 3 && line == before) {
            run++;
            continue;
        }
        if (run >= 2)
            add(look, GATE_LOOP, look->cues[run_from].start_ms, look->cues[i - 1].end_ms, (double)(run + 1),
                look->cues[run_from].text);
        before = words >= 3 ? line : 0;
        run = 0;
        run_from = i;
    }
}

/* Windows that end with each cue and reach back for three seconds or a little more. */
static void check_rate(struct look *look) {
    for (size_t i = 0; i < look->count; i++) {
        double words = 0;
        for (size_t k = i; k + RATE_CUES > i; k--) {
            words += words_in(look->cues[k].text);
            int64_t span = look->cues[i].end_ms - look->cues[k].start_ms;
            double seconds = (double)(span < RATE_WINDOW_MS ? RATE_WINDOW_MS : span) / 1000.0;
            if (words / seconds > RATE_WORDS)
                add(look, GATE_RATE, look->cues[k].start_ms, look->cues[i].end_ms, words / seconds, look->cues[k].text);
            if (span >= RATE_WINDOW_MS || k == 0)
                break;
        }
    }
}

static void check_times(struct look *look) {
    int64_t latest_end = look->context->start_ms;
    for (size_t i = 0; i < look->count; i++) {
        const struct cue *cue = &look->cues[i];
        if (cue->end_ms < cue->start_ms)
            add(look, GATE_ORDER, cue->end_ms, cue->start_ms, (double)(cue->start_ms - cue->end_ms), cue->text);
        else if (i && cue->start_ms < look->cues[i - 1].start_ms)
            add(look, GATE_ORDER, cue->start_ms, look->cues[i - 1].start_ms,
                (double)(look->cues[i - 1].start_ms - cue->start_ms), cue->text);
        else if (i && cue->start_ms + CROSSING_MS < latest_end)
            add(look, GATE_CROSSING, cue->start_ms, cue->end_ms < latest_end ? cue->end_ms : latest_end,
                (double)(latest_end - cue->start_ms), cue->text);
        if (look->context->end_ms && cue->end_ms > look->context->end_ms + BEYOND_MS)
            add(look, GATE_BEYOND, look->context->end_ms, cue->end_ms, (double)(cue->end_ms - look->context->end_ms),
                cue->text);
        if (!*cue->text)
            add(look, GATE_EMPTY, cue->start_ms, cue->end_ms, 0, "");
        latest_end = cue->end_ms > latest_end ? cue->end_ms : latest_end;
    }
}

static bool ends_sentence(const char *text) {
    static const char *const marks[] = {".", "!", "?", "…", "。", "！", "？", "؟", "।", "۔"};
    for (size_t i = 0; i < ARRAY_LENGTH(marks); i++)
        if (strstr(text, marks[i]))
            return true;
    return false;
}

/* Thai, Lao, Burmese and Khmer are written without marks at the ends of sentences. */
static bool unmarked_script(const char *text) {
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == 0xE0 && c[1] >= 0xB8 && c[1] <= 0xBB)
            return true;
        if (*c == 0xE1 && ((c[1] >= 0x80 && c[1] <= 0x82) || (c[1] >= 0x9E && c[1] <= 0x9F)))
            return true;
    }
    return false;
}

static void check_punctuation(struct look *look) {
    bool lacking = false;
    size_t since = 0;
    for (size_t i = 0; i < look->count; i++) {
        const struct cue *cue = &look->cues[i];
        if (!*cue->text)
            continue;
        if (ends_sentence(cue->text) || unmarked_script(cue->text)) {
            lacking = false;
            continue;
        }
        if (!lacking)
            since = i;
        lacking = true;
        int64_t length = cue->end_ms - look->cues[since].start_ms;
        if (length >= UNPUNCTUATED_MS)
            add(look, GATE_UNPUNCTUATED, look->cues[since].start_ms, cue->end_ms, (double)length / 1000.0,
                look->cues[since].text);
    }
}

/* Milliseconds of speech within [start, end), each stretch reaching `reach` further. `*from` remembers where to begin,
 * for rising starts. */
static int64_t heard(const struct span_list *speech, size_t *from, int64_t start, int64_t end, int64_t reach) {
    while (*from < speech->count && speech->items[*from].end_ms + reach <= start)
        ++*from;
    int64_t sum = 0;
    int64_t reached = start;
    for (size_t i = *from; i < speech->count && speech->items[i].start_ms - reach < end; i++) {
        int64_t begin = speech->items[i].start_ms - reach;
        int64_t stop = speech->items[i].end_ms + reach;
        begin = begin < reached ? reached : begin;
        stop = stop > end ? end : stop;
        if (stop > begin) {
            sum += stop - begin;
            reached = stop;
        }
    }
    return sum;
}

static void check_silence(struct look *look) {
    const struct span_list *speech = look->context->speech;
    size_t from = 0;
    int64_t before = INT64_MIN;
    for (size_t i = 0; i < look->count; i++) {
        const struct cue *cue = &look->cues[i];
        int64_t length = cue->end_ms - cue->start_ms;
        if (length <= 0 || !*cue->text)
            continue;
        if (cue->start_ms < before)
            from = 0; /* out of order: look from the beginning */
        before = cue->start_ms;
        int64_t silent = length - heard(speech, &from, cue->start_ms, cue->end_ms, SILENCE_REACH_MS);
        if (silent == length || (silent >= SILENCE_LEAST_MS && silent * 10 > length * 9))
            add(look, GATE_SILENCE, cue->start_ms, cue->end_ms, (double)silent / 1000.0, cue->text);
    }
}

/* A long cue over speech with next to no words has swallowed something. */
static void check_thin(struct look *look) {
    size_t from = 0;
    for (size_t i = 0; i < look->count; i++) {
        const struct cue *cue = &look->cues[i];
        if (cue->end_ms - cue->start_ms < THIN_MS)
            continue;
        if (i && cue->start_ms < look->cues[i - 1].start_ms)
            from = 0;
        int64_t sum = heard(look->context->speech, &from, cue->start_ms, cue->end_ms, 0);
        if (sum >= THIN_MS && words_in(cue->text) * 1000 < THIN_WORDS * (double)sum)
            add(look, GATE_HOLE, cue->start_ms, cue->end_ms, (double)sum / 1000.0, cue->text);
    }
}

static void check_holes(struct look *look) {
    const struct span_list *speech = look->context->speech;
    size_t from = 0;
    int64_t covered = look->context->start_ms;
    for (size_t i = 0; i <= look->count; i++) {
        int64_t next = i < look->count ? look->cues[i].start_ms : look->context->end_ms;
        if (next - covered >= HOLE_MS) {
            int64_t sum = heard(speech, &from, covered, next, 0);
            if (sum >= HOLE_MS)
                add(look, GATE_HOLE, covered, next, (double)sum / 1000.0, "");
        }
        if (i < look->count && look->cues[i].end_ms > covered && *look->cues[i].text)
            covered = look->cues[i].end_ms;
    }
}

static int by_time(const void *a, const void *b) {
    const struct gate_finding *left = a;
    const struct gate_finding *right = b;
    if (left->start_ms != right->start_ms)
        return left->start_ms < right->start_ms ? -1 : 1;
    return (int)left->kind - (int)right->kind;
}

void gate_check(struct arena *arena, const struct cue *cues, size_t count, const struct gate_context *context,
                struct gate_findings *findings) {
    ARENA_OWNED struct arena *scratch = arena_open();
    struct look look = {.arena = arena, .cues = cues, .count = count, .context = context};
    tokens_make(&look, scratch);
    check_times(&look);
    check_lines(&look);
    check_phrases(&look);
    check_triples(&look);
    check_rate(&look);
    check_punctuation(&look);
    if (context->speech) {
        check_silence(&look);
        check_holes(&look);
        check_thin(&look);
    }
    if (look.found.count)
        qsort(look.found.items, look.found.count, sizeof(*look.found.items), by_time);
    *findings = look.found;
}

int64_t gate_badness(const struct gate_findings *findings) {
    int64_t sum = 0;
    for (size_t i = 0; i < findings->count; i++) {
        const struct gate_finding *finding = &findings->items[i];
        if (!kinds[finding->kind].again)
            continue;
        int64_t length = finding->end_ms - finding->start_ms;
        sum += length < 1000 ? 1000 : length;
    }
    return sum;
}

bool gate_kind_again(enum gate_kind kind) {
    return kind < GATE_KIND_COUNT && kinds[kind].again;
}

json_t *gate_finding_to_json(const struct gate_finding *finding) {
    /* Three decimals: the same text on every machine. */
    double number = (double)(int64_t)(finding->number * 1000.0 + 0.5) / 1000.0;
    return json_pack("{s:s, s:I, s:I, s:f, s:s}", "kind", gate_name(finding->kind), "start_ms",
                     (json_int_t)finding->start_ms, "end_ms", (json_int_t)finding->end_ms, "number", number, "sample",
                     finding->sample);
}

bool gate_finding_from_json(struct arena *arena, const json_t *value, struct gate_finding *finding) {
    const char *name = json_get_text(value, "kind", "");
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        if (text_equal(kinds[i].name, name)) {
            *finding = (struct gate_finding){.kind = (enum gate_kind)i,
                                             .start_ms = json_get_int(value, "start_ms", 0),
                                             .end_ms = json_get_int(value, "end_ms", 0),
                                             .number = json_get_real(value, "number", 0),
                                             .sample = arena_text(arena, json_get_text(value, "sample", ""))};
            return true;
        }
    return false;
}
