/* How a part grows. Windows of 32 ms come in with their probability of speech. While somebody speaks they are appended
 * to the pack. In a pause they wait in `pending`: if speech comes back within bridge_ms the pause was a breath and is
 * appended whole; if not, the first pad_ms of it close the span, and from then on only the last pad_ms are kept, as the
 * lead-in of the next span.
 *
 * Where a part ends. The longer it gets, the shorter a pause will do: 600 ms from 80 % of part_ms on, 300 ms from 90 %,
 * 96 ms from 95 %, one calm window from 103 %, anything at 105 % (music without end). The cut is where the pause has
 * just become long enough, so nothing behind it needs to be known. */
#include "speech/pack.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "speech/activity_spans.h"

enum {
    BLOCK_WINDOWS = 625, /* 20 s a reading */
    BLOCK_SAMPLES = BLOCK_WINDOWS * ACTIVITY_WINDOW,
    /* A part of silence alone ends too, so that hours of it are not redone. In parts of speech this is never reached.
     */
    LONGEST_TIMES = 6,
};

struct packer {
    struct audio_reader *reader;
    struct activity *activity;
    struct activity_rule rule;
    size_t part_samples;
    void (*tick)(void *to, uint64_t position);
    void *to;

    float *block; /* what was read and not yet looked at: from block_at on */
    size_t block_at;
    size_t block_count;
    float probabilities[BLOCK_WINDOWS];
    bool drained;  /* the file has been read to its end */
    uint64_t next; /* file position of block[block_at] */

    /* Of the part being made. */
    float *pending; /* not yet known to belong to a span */
    size_t pending_count;
    size_t run;  /* windows of speech in a row */
    size_t calm; /* windows of pause in a row */
    bool open;   /* the last span may still grow */
};

struct packer *packer_open(struct audio_reader *reader, struct activity *activity, const struct activity_rule *rule,
                           int64_t part_ms) {
    struct packer *packer = memory_alloc(sizeof(*packer));
    packer->reader = reader;
    packer->activity = activity;
    packer->rule = activity_rule_filled(rule);
    packer->part_samples = (size_t)part_ms * AUDIO_PER_MS;
    packer->block = memory_alloc_array(BLOCK_SAMPLES, sizeof(float));
    packer->next = audio_position(reader);
    /* The longest pause that waits, one run that is not yet speech, and a window. */
    size_t most = (size_t)(packer->rule.bridge_ms + packer->rule.least_ms + 2 * packer->rule.pad_ms) * AUDIO_PER_MS +
                  4 * (size_t)ACTIVITY_WINDOW;
    packer->pending = memory_alloc_array(most, sizeof(float));
    return packer;
}

void packer_close(struct packer *packer) {
    if (!packer)
        return;
    free(packer->block);
    free(packer->pending);
    free(packer);
}

void packer_on_tick(struct packer *packer, void (*tick)(void *to, uint64_t position), void *to) {
    packer->tick = tick;
    packer->to = to;
}

void pack_close(struct pack *pack) {
    free(pack->samples);
    free(pack->spans);
    *pack = (struct pack){0};
}

static size_t windows_of(int64_t ms) {
    return (size_t)((ms + ACTIVITY_WINDOW_MS - 1) / ACTIVITY_WINDOW_MS);
}

static void append(struct pack *pack, const float *samples, size_t count) {
    if (pack->count + count > pack->samples_room) {
        /* Steps of half a minute: doubling would cost up to twice the memory at the end of a part. */
        pack->samples_room = pack->count + count + (size_t)30 * AUDIO_RATE;
        pack->samples = memory_resize_array(pack->samples, pack->samples_room, sizeof(float));
    }
    memcpy(pack->samples + pack->count, samples, count * sizeof(float));
    pack->count += count;
    pack->spans[pack->span_count - 1].count += count;
}

static void span_begin(struct pack *pack, uint64_t file) {
    pack->spans = memory_grow(pack->spans, pack->span_count, &pack->spans_room, sizeof(*pack->spans));
    pack->spans[pack->span_count++] = (struct pack_span){.file = file, .packed = pack->count};
}

static void pending_drop(struct packer *packer, size_t count) {
    packer->pending_count -= count;
    memmove(packer->pending, packer->pending + count, packer->pending_count * sizeof(float));
}

/* Closes the open span with the beginning of the pause that waits. */
static void span_end(struct packer *packer, struct pack *pack) {
    size_t pad = windows_of(packer->rule.pad_ms) * ACTIVITY_WINDOW;
    size_t take = packer->pending_count < pad ? packer->pending_count : pad;
    append(pack, packer->pending, take);
    pending_drop(packer, take);
    packer->open = false;
}

/* One window of `count` samples (less than a whole one at the end of the file only) that begins at packer->next. */
static void window_add(struct packer *packer, struct pack *pack, const float *samples, size_t count,
                       float probability) {
    const struct activity_rule *rule = &packer->rule;
    bool speaks = probability >= (packer->run ? rule->threshold - 0.15F : rule->threshold);
    memcpy(packer->pending + packer->pending_count, samples, count * sizeof(float));
    packer->pending_count += count;
    packer->next += count;
    packer->run = speaks ? packer->run + 1 : 0;
    packer->calm = speaks ? 0 : packer->calm + 1;
    if (speaks && packer->run >= windows_of(rule->least_ms)) {
        if (!packer->open)
            span_begin(pack, packer->next - packer->pending_count);
        packer->open = true;
        append(pack, packer->pending, packer->pending_count);
        packer->pending_count = 0;
        return;
    }
    size_t waiting = packer->pending_count / ACTIVITY_WINDOW;
    if (packer->open && waiting >= windows_of(rule->bridge_ms))
        span_end(packer, pack);
    if (!packer->open) {
        /* Kept as a lead-in: the padding and a run that may still become speech; at the start of a part a whole breath.
         */
        size_t lead =
            windows_of(pack->span_count || waiting > windows_of(rule->bridge_ms) ? rule->pad_ms : rule->bridge_ms);
        size_t keep = (lead + packer->run) * ACTIVITY_WINDOW;
        if (packer->pending_count > keep)
            pending_drop(packer, packer->pending_count - keep);
    }
}

/* May the part end here? */
static bool cut_here(const struct packer *packer, const struct pack *pack) {
    size_t packed = pack->count + (packer->open ? packer->pending_count : 0);
    size_t whole = packer->part_samples;
    if (packer->next - pack->start >= (uint64_t)whole * LONGEST_TIMES)
        return packer->calm > 0 || packed > whole;
    if (packed < whole / 100 * 80)
        return false;
    int64_t needed_ms = packed < whole / 100 * 90    ? 600
                        : packed < whole / 100 * 95  ? 300
                        : packed < whole / 100 * 103 ? 96
                        : packed < whole / 100 * 105 ? 1
                                                     : 0;
    return packer->calm >= windows_of(needed_ms);
}

/* Reads the next block, or finds the end. */
static bool block_fill(struct packer *packer, struct error *err) {
    size_t got = 0;
    if (!audio_read(packer->reader, packer->block, BLOCK_SAMPLES, &got, err))
        return false;
    packer->block_at = 0;
    packer->block_count = got;
    packer->drained = got < BLOCK_SAMPLES;
    if (packer->tick)
        packer->tick(packer->to, packer->next + got);
    return activity_feed(packer->activity, packer->block, got, packer->probabilities, err);
}

/* A new part begins in the middle of a block: what is left of it is heard again by a detector that knows nothing of the
 * part before. */
static bool part_begin(struct packer *packer, struct pack *pack, struct error *err) {
    pack->start = packer->next;
    pack->count = 0;
    pack->span_count = 0;
    pack->last = false;
    packer->pending_count = 0;
    packer->run = packer->calm = 0;
    packer->open = false;
    activity_reset(packer->activity, packer->part_samples / 100 * 70); /* no part ends there */
    size_t left = packer->block_count - packer->block_at;
    memmove(packer->block, packer->block + packer->block_at, left * sizeof(float));
    packer->block_at = 0;
    packer->block_count = left;
    return activity_feed(packer->activity, packer->block, left, packer->probabilities, err);
}

bool packer_next(struct packer *packer, struct pack *pack, struct error *err) {
    if (!part_begin(packer, pack, err))
        return false;
    for (;;) {
        if (packer->block_at == packer->block_count) {
            if (packer->drained)
                break;
            if (!block_fill(packer, err))
                return false;
            continue;
        }
        size_t left = packer->block_count - packer->block_at;
        size_t count = left < ACTIVITY_WINDOW ? left : ACTIVITY_WINDOW;
        window_add(packer, pack, packer->block + packer->block_at, count,
                   packer->probabilities[packer->block_at / ACTIVITY_WINDOW]);
        packer->block_at += count;
        if (cut_here(packer, pack))
            break;
    }
    bool at_end = packer->drained && packer->block_at == packer->block_count;
    if (packer->open && at_end)
        append(pack, packer->pending, packer->pending_count); /* a breath before the end is no long pause */
    else if (packer->open)
        span_end(packer, pack);
    pack->end = packer->next;
    pack->last = at_end;
    return true;
}

size_t pack_span_at(const struct pack *pack, int64_t packed) {
    size_t low = 0;
    size_t high = pack->span_count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if ((int64_t)pack->spans[middle].packed <= packed)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int64_t pack_to_ms(const struct pack *pack, int64_t packed, bool ending) {
    if (!pack->span_count)
        return (int64_t)(pack->start / AUDIO_PER_MS);
    if (packed < 0)
        packed = 0;
    size_t at = pack_span_at(pack, packed);
    if (ending && at > 0 && packed == (int64_t)pack->spans[at].packed)
        at--;
    const struct pack_span *span = &pack->spans[at];
    int64_t inside = packed - (int64_t)span->packed;
    if (inside > (int64_t)span->count)
        inside = (int64_t)span->count;
    return ((int64_t)span->file + inside) / AUDIO_PER_MS;
}
