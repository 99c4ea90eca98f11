#include "search/posting.h"

static bool damaged(struct posting_list *list) {
    list->damaged = true;
    list->a = list->a_end;
    return false;
}

bool posting_next(struct posting_list *list) {
    struct posting *at = &list->at;
    uint32_t head;
    if (list->a >= list->a_end)
        return false;
    if (!varint_read(&list->a, list->a_end, &head) || (head & 3) > POSTING_WIDE || head >> 2 == 0 ||
        at->number > UINT32_MAX / 2 || head >> 2 > UINT32_MAX / 2 - at->number)
        return damaged(list);
    at->number += head >> 2;
    at->kind = (enum posting_kind)(head & 3);
    at->payload = list->a;
    if (at->kind == POSTING_SINGLE) {
        uint32_t passage;
        if (!varint_read(&list->a, list->a_end, &passage))
            return damaged(list);
        at->passages = at->positions = 1;
        at->payload_bytes = (size_t)(list->a - at->payload);
    } else {
        uint32_t bytes;
        if (!varint_read(&list->a, list->a_end, &at->passages) || !varint_read(&list->a, list->a_end, &bytes) ||
            !varint_read(&list->a, list->a_end, &at->positions) || bytes > (size_t)(list->a_end - list->a) ||
            at->passages == 0 || at->passages > bytes || at->positions < at->passages)
            return damaged(list);
        at->payload = list->a;
        at->payload_bytes = bytes;
        list->a += bytes;
    }
    at->b = list->b;
    if (list->b) {
        if (posting_b_bytes(at) > (size_t)(list->b_end - list->b))
            return damaged(list);
        list->b += posting_b_bytes(at);
    }
    return true;
}

void posting_walk_start(struct posting_walk *walk, const struct posting *posting) {
    *walk = (struct posting_walk){.next = posting->payload,
                                  .end = posting->payload + posting->payload_bytes,
                                  .b = posting->b,
                                  .left = posting->passages,
                                  .positions_left = posting->positions,
                                  .wide = posting->kind == POSTING_WIDE,
                                  .single = posting->kind == POSTING_SINGLE,
                                  .passage = UINT32_MAX};
}

void posting_append(struct bytes *a, struct bytes *b, uint32_t previous, const struct posting *posting) {
    bytes_append_varint(a, (uint64_t)(posting->number - previous) << 2 | posting->kind);
    if (posting->kind != POSTING_SINGLE) {
        bytes_append_varint(a, posting->passages);
        bytes_append_varint(a, posting->payload_bytes);
        bytes_append_varint(a, posting->positions);
    }
    bytes_append(a, posting->payload, posting->payload_bytes);
    bytes_append(b, posting->b, posting_b_bytes(posting));
}
