#include "search/run.h"

#include <errno.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/limits.h"

enum { TABLE_FIRST = 1 << 12, SPILL_BYTES = 1 << 18, NO_WORD = -1 };

/* A term with its list so far. */
struct slot {
    const char *term;
    uint32_t length;
    uint32_t serial; /* of the last entry */
    uint64_t hash;
    struct bytes a;
    struct bytes b;
};

/* A term of the episode in hand. An episode has a few thousand, so finding one of them stays within the processor's
 * cache, which finding one of all terms does not; those are looked up once an episode each. */
struct local {
    uint64_t hash;
    uint32_t term; /* offset into the episode's terms */
    uint32_t length;
    uint32_t words;
    uint32_t position_most;
    int32_t first;
    int32_t last;
};

/* A word of the episode in hand; those of one term are linked. */
struct word {
    int32_t next;
    uint16_t passage;
    uint16_t position;
};

/* Open addressing with linear probing; holds a number + 1, or 0. */
struct table {
    uint32_t *places;
    size_t size;
};

struct run_builder {
    struct arena *arena; /* terms */
    struct slot *slots;
    size_t slot_count;
    size_t slot_capacity;
    struct table slot_table;
    struct local *locals;
    size_t local_count;
    size_t local_capacity;
    struct table local_table;
    struct bytes terms; /* of the locals */
    struct word *words;
    size_t word_count;
    size_t word_capacity;
    struct bytes payload;
    struct bytes positions;
    size_t memory;
};

static void table_make(struct table *table, size_t size) {
    free(table->places);
    table->places = memory_alloc_array(size, sizeof(*table->places));
    table->size = size;
}

static void table_clear(struct table *table) {
    memset(table->places, 0, table->size * sizeof(*table->places));
}

static void table_put(struct table *table, uint64_t hash, size_t number) {
    size_t at = hash & (table->size - 1);
    while (table->places[at])
        at = (at + 1) & (table->size - 1);
    table->places[at] = (uint32_t)number + 1;
}

struct run_builder *run_builder_open(void) {
    struct run_builder *builder = memory_alloc(sizeof(*builder));
    builder->arena = arena_open();
    table_make(&builder->slot_table, TABLE_FIRST);
    table_make(&builder->local_table, TABLE_FIRST);
    return builder;
}

static void slots_clear(struct run_builder *builder) {
    for (size_t i = 0; i < builder->slot_count; i++) {
        bytes_close(&builder->slots[i].a);
        bytes_close(&builder->slots[i].b);
    }
    builder->slot_count = 0;
    builder->memory = 0;
    table_clear(&builder->slot_table);
    arena_reset(builder->arena);
}

void run_builder_close(struct run_builder *builder) {
    if (!builder)
        return;
    slots_clear(builder);
    arena_close(builder->arena);
    free(builder->slots);
    free(builder->slot_table.places);
    free(builder->locals);
    free(builder->local_table.places);
    free(builder->words);
    bytes_close(&builder->terms);
    bytes_close(&builder->payload);
    bytes_close(&builder->positions);
    free(builder);
}

size_t run_builder_memory(const struct run_builder *builder) {
    return builder->memory;
}

static void slots_find_again(struct run_builder *builder, size_t size) {
    table_make(&builder->slot_table, size);
    for (size_t i = 0; i < builder->slot_count; i++)
        table_put(&builder->slot_table, builder->slots[i].hash, i);
}

static struct slot *slot_of(struct run_builder *builder, const char *term, uint32_t length, uint64_t hash) {
    struct table *table = &builder->slot_table;
    for (size_t at = hash & (table->size - 1); table->places[at]; at = (at + 1) & (table->size - 1)) {
        struct slot *slot = &builder->slots[table->places[at] - 1];
        if (slot->hash == hash && slot->length == length && memcmp(slot->term, term, length) == 0)
            return slot;
    }
    builder->slots = memory_grow(builder->slots, builder->slot_count, &builder->slot_capacity, sizeof(*builder->slots));
    builder->slots[builder->slot_count] =
        (struct slot){.term = arena_text_part(builder->arena, term, length), .length = length, .hash = hash};
    table_put(table, hash, builder->slot_count++);
    if (builder->slot_count * 2 > table->size)
        slots_find_again(builder, table->size * 2);
    builder->memory += sizeof(struct slot) + length + 2 * sizeof(uint32_t);
    return &builder->slots[builder->slot_count - 1];
}

static struct local *local_of(struct run_builder *builder, const char *term, uint32_t length) {
    struct table *table = &builder->local_table;
    uint64_t hash = hash_fnv1a(term, length);
    for (size_t at = hash & (table->size - 1); table->places[at]; at = (at + 1) & (table->size - 1)) {
        struct local *local = &builder->locals[table->places[at] - 1];
        if (local->hash == hash && local->length == length &&
            memcmp(builder->terms.data + local->term, term, length) == 0)
            return local;
    }
    builder->locals =
        memory_grow(builder->locals, builder->local_count, &builder->local_capacity, sizeof(*builder->locals));
    builder->locals[builder->local_count] = (struct local){
        .hash = hash, .term = (uint32_t)builder->terms.length, .length = length, .first = NO_WORD, .last = NO_WORD};
    bytes_append(&builder->terms, term, length);
    table_put(table, hash, builder->local_count++);
    if (builder->local_count * 2 > table->size) {
        table_make(table, table->size * 2);
        for (size_t i = 0; i < builder->local_count; i++)
            table_put(table, builder->locals[i].hash, i);
    }
    return &builder->locals[builder->local_count - 1];
}

void run_builder_word(struct run_builder *builder, const char *term, uint32_t length, uint32_t passage,
                      uint32_t position) {
    struct local *local = local_of(builder, term, length);
    builder->words = memory_grow(builder->words, builder->word_count, &builder->word_capacity, sizeof(*builder->words));
    int32_t at = (int32_t)builder->word_count++;
    builder->words[at] = (struct word){.next = NO_WORD, .passage = (uint16_t)passage, .position = (uint16_t)position};
    if (local->first == NO_WORD)
        local->first = at;
    else
        builder->words[local->last].next = at;
    local->last = at;
    local->words++;
    if (position > local->position_most)
        local->position_most = position;
}

/* Fills payload and positions with the words of one term; returns how many passages. */
static uint32_t entry_fill(struct run_builder *builder, const struct local *local, enum posting_kind kind) {
    uint32_t passages = 0;
    uint32_t previous = UINT32_MAX;
    builder->payload.length = 0;
    builder->positions.length = 0;
    for (int32_t i = local->first; i != NO_WORD;) {
        uint32_t passage = builder->words[i].passage;
        uint32_t times = 0;
        for (; i != NO_WORD && builder->words[i].passage == passage; i = builder->words[i].next, times++) {
            bytes_append_byte(&builder->positions, (uint8_t)builder->words[i].position);
            if (kind == POSTING_WIDE)
                bytes_append_byte(&builder->positions, (uint8_t)(builder->words[i].position >> 8));
        }
        passages++;
        if (kind == POSTING_SINGLE) {
            bytes_append_varint(&builder->payload, passage);
            break;
        }
        bytes_append_varint(&builder->payload, (uint64_t)(passage - previous - 1) << 2 | (times < 4 ? times - 1 : 3));
        if (times >= 4)
            bytes_append_varint(&builder->payload, times - 4);
        previous = passage;
    }
    return passages;
}

void run_builder_end_episode(struct run_builder *builder, uint32_t serial) {
    for (size_t i = 0; i < builder->local_count; i++) {
        const struct local *local = &builder->locals[i];
        struct slot *slot =
            slot_of(builder, (const char *)builder->terms.data + local->term, local->length, local->hash);
        size_t before = slot->a.capacity + slot->b.capacity;
        struct posting posting = {.number = serial,
                                  .positions = local->words,
                                  .kind = local->position_most > UINT8_MAX ? POSTING_WIDE
                                          : local->words == 1              ? POSTING_SINGLE
                                                                           : POSTING_NARROW};
        posting.passages = entry_fill(builder, local, posting.kind);
        posting.payload = builder->payload.data;
        posting.payload_bytes = builder->payload.length;
        posting.b = builder->positions.data;
        posting_append(&slot->a, &slot->b, slot->serial, &posting);
        slot->serial = serial;
        builder->memory += slot->a.capacity + slot->b.capacity - before;
    }
    table_clear(&builder->local_table);
    builder->local_count = 0;
    builder->word_count = 0;
    builder->terms.length = 0;
}

static int slot_compare(const void *left, const void *right) {
    const struct slot *a = left;
    const struct slot *b = right;
    int order = memcmp(a->term, b->term, a->length < b->length ? a->length : b->length);
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

bool run_write(int fd, uint64_t at, const void *data, size_t length, struct error *err) {
    for (size_t done = 0; done < length;) {
        ssize_t n = pwrite(fd, (const char *)data + done, length - done, (off_t)(at + done));
        if (n < 0 && errno != EINTR)
            return error_set_os(err, errno, "cannot write the scratch file of the index");
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool run_read(int fd, uint64_t at, void *data, size_t length, struct error *err) {
    for (size_t done = 0; done < length;) {
        ssize_t n = pread(fd, (char *)data + done, length - done, (off_t)(at + done));
        if (n == 0)
            return error_set(err, ERROR_IO, "the scratch file of the index ended early");
        if (n < 0 && errno != EINTR)
            return error_set_os(err, errno, "cannot read the scratch file of the index");
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool run_spill(struct run_builder *builder, int fd, uint64_t *at, struct run *run, struct error *err) {
    struct bytes out = {0};
    uint64_t place = *at;
    bool done = true;
    if (builder->slot_count)
        qsort(builder->slots, builder->slot_count, sizeof(*builder->slots), slot_compare);
    for (size_t i = 0; i < builder->slot_count && done; i++) {
        const struct slot *slot = &builder->slots[i];
        bytes_append_varint(&out, slot->length);
        bytes_append_varint(&out, slot->a.length);
        bytes_append_varint(&out, slot->b.length);
        bytes_append(&out, slot->term, slot->length);
        bytes_append(&out, slot->a.data, slot->a.length);
        bytes_append(&out, slot->b.data, slot->b.length);
        if (out.length >= SPILL_BYTES || i + 1 == builder->slot_count) {
            done = run_write(fd, place, out.data, out.length, err);
            place += out.length;
            out.length = 0;
        }
    }
    bytes_close(&out);
    if (!done) {
        /* Sorting moved the slots: the table must find them again, for the words are still waiting. */
        slots_find_again(builder, builder->slot_table.size);
        return false;
    }
    *run = (struct run){.fd = fd, .start = *at, .end = place};
    *at = place;
    slots_clear(builder);
    return true;
}

void run_reader_start(struct run_reader *reader, const struct run *run) {
    *reader = (struct run_reader){.run = *run, .next = run->start};
}

void run_reader_close(struct run_reader *reader) {
    bytes_close(&reader->buffer);
}

/* Makes at least `wanted` bytes stand in the buffer from `at` on, or all that are left. */
static bool buffer_fill(struct run_reader *reader, size_t wanted, struct error *err) {
    struct bytes *buffer = &reader->buffer;
    if (buffer->length - reader->at >= wanted || reader->next == reader->run.end)
        return true;
    if (buffer->length > reader->at)
        memmove(buffer->data, buffer->data + reader->at, buffer->length - reader->at);
    buffer->length -= reader->at;
    reader->at = 0;
    uint64_t left = reader->run.end - reader->next;
    size_t more = wanted - buffer->length > SPILL_BYTES ? wanted - buffer->length : SPILL_BYTES;
    if (more > left)
        more = (size_t)left;
    if (!run_read(reader->run.fd, reader->next, bytes_room(buffer, more), more, err))
        return false;
    buffer->length += more;
    reader->next += more;
    return true;
}

bool run_reader_next(struct run_reader *reader, struct error *err) {
    uint32_t a_bytes, b_bytes;
    if (!buffer_fill(reader, 15, err))
        return false;
    if (reader->at == reader->buffer.length) {
        reader->ended = true;
        return true;
    }
    const uint8_t *at = reader->buffer.data + reader->at;
    const uint8_t *end = reader->buffer.data + reader->buffer.length;
    if (!varint_read(&at, end, &reader->length) || !varint_read(&at, end, &a_bytes) || !varint_read(&at, end, &b_bytes))
        return error_set(err, ERROR_INTERNAL, "a run of the index is damaged");
    reader->at = (size_t)(at - reader->buffer.data);
    size_t all = (size_t)reader->length + a_bytes + b_bytes;
    if (!buffer_fill(reader, all, err))
        return false;
    if (reader->buffer.length - reader->at < all)
        return error_set(err, ERROR_INTERNAL, "a run of the index is damaged");
    const uint8_t *data = reader->buffer.data + reader->at;
    reader->term = (const char *)data;
    reader->list = (struct posting_list){.a = data + reader->length,
                                         .a_end = data + reader->length + a_bytes,
                                         .b = data + reader->length + a_bytes,
                                         .b_end = data + all};
    reader->at += all;
    return true;
}
