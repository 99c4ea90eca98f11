/* Where a term is: its list, one entry an episode, in two streams.
 *
 * Stream A says in which passages and how often, stream B at which positions. A question about words reads A alone;
 * only phrases look at B, and find a passage's positions there by counting, since every position of an entry has the
 * same width.
 *
 *   A: entries, ordered by episode:
 *        varint (number - previous number) << 2 | kind
 *        SINGLE: varint passage                       once in one passage, at a position below 256
 *        NARROW, WIDE: varint passages, varint bytes of what follows, varint positions, then for each passage
 *            varint gap << 2 | min(times - 1, 3)      the gap to the passage before, less one
 *            varint times - 4                         only if times > 3
 *   B: for each entry its positions, by passage, rising: one byte each, two (low first) where WIDE
 *
 * Inside this room only. */
#ifndef TIDEMILL_SEARCH_POSTING_H
#define TIDEMILL_SEARCH_POSTING_H

#include "search/bytes.h"

enum posting_kind { POSTING_SINGLE, POSTING_NARROW, POSTING_WIDE };

/* An entry as it lies in memory; the pointers lead into the list. */
struct posting {
    uint32_t number;
    uint32_t passages;
    uint32_t positions;
    enum posting_kind kind;
    const uint8_t *payload; /* of stream A, behind the head */
    size_t payload_bytes;
    const uint8_t *b;
};

/* A list being read. Zero it, set a, a_end, b, b_end. */
struct posting_list {
    const uint8_t *a;
    const uint8_t *a_end;
    const uint8_t *b;
    const uint8_t *b_end;
    bool damaged;
    struct posting at;
};

/* Moves to the next entry; false at the end, or with `damaged` set. */
bool posting_next(struct posting_list *list);
/* Moves to the entry of `number` if there is one; only ever forward. */
static inline bool posting_seek(struct posting_list *list, uint32_t number) {
    while (list->at.number < number) {
        if (!posting_next(list))
            list->at.number = UINT32_MAX;
    }
    return list->at.number == number;
}

/* Walks the passages of an entry. */
struct posting_walk {
    const uint8_t *next;
    const uint8_t *end;
    const uint8_t *b;
    uint32_t left; /* passages */
    uint32_t positions_left;
    bool wide;
    bool single;
    bool damaged;
    /* the passage in hand */
    uint32_t passage;
    uint32_t times;
    const uint8_t *positions;
};
void posting_walk_start(struct posting_walk *walk, const struct posting *posting);
static inline bool posting_walk_next(struct posting_walk *walk) {
    uint32_t value;
    if (walk->left == 0)
        return false;
    walk->left--;
    if (!varint_read(&walk->next, walk->end, &value)) {
        walk->damaged = true;
        return false;
    }
    if (walk->single) {
        walk->passage = value;
        walk->times = 1;
    } else {
        uint32_t more = 0;
        if ((value & 3) == 3 && !varint_read(&walk->next, walk->end, &more)) {
            walk->damaged = true;
            return false;
        }
        walk->passage += (value >> 2) + 1;
        walk->times = (value & 3) + 1 + more;
    }
    if (walk->times > walk->positions_left || walk->times == 0) {
        walk->damaged = true;
        return false;
    }
    walk->positions_left -= walk->times;
    if (walk->b) {
        walk->positions = walk->b;
        walk->b += walk->wide ? 2 * (size_t)walk->times : walk->times;
    }
    return true;
}

static inline uint32_t posting_position(const struct posting_walk *walk, uint32_t i) {
    return walk->wide ? (uint32_t)(walk->positions[(size_t)2 * i] | walk->positions[(size_t)2 * i + 1] << 8)
                      : walk->positions[i];
}

/* Appends an entry to a list under construction; `previous` is the number of the one before, 0 for the first. */
void posting_append(struct bytes *a, struct bytes *b, uint32_t previous, const struct posting *posting);
static inline size_t posting_b_bytes(const struct posting *posting) {
    return posting->kind == POSTING_WIDE ? 2 * (size_t)posting->positions : posting->positions;
}

#endif
