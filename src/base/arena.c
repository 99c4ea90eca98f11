#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

struct block {
    struct block *next;
    size_t size; /* of the data that follow */
    size_t used;
    alignas(max_align_t) unsigned char data[];
};

struct deferred {
    struct deferred *next;
    void (*release)(void *value);
    void *value;
};

struct arena {
    struct block *blocks; /* the newest first */
    struct deferred *deferred;
    size_t next_size;
    size_t total;
};

static struct block *block_open(struct arena *arena, size_t at_least) {
    size_t size = arena->next_size > at_least ? arena->next_size : at_least;
    struct block *block = memory_alloc(sizeof(*block) + size);
    block->size = size;
    if (arena->next_size < LARGEST_BLOCK)
        arena->next_size *= 2;
    arena->total += sizeof(*block) + size;
    return block;
}

struct arena *arena_open(void) {
    struct arena *arena = memory_alloc(sizeof(*arena));
    arena->next_size = FIRST_BLOCK;
    return arena;
}

static void release_deferred(struct arena *arena) {
    for (struct deferred *one = arena->deferred; one; one = one->next)
        one->release(one->value);
    arena->deferred = NULL;
}

void arena_defer(struct arena *arena, void (*release)(void *value), void *value) {
    struct deferred *one = arena_alloc(arena, sizeof(*one));
    *one = (struct deferred){.next = arena->deferred, .release = release, .value = value};
    arena->deferred = one;
}

void arena_close(struct arena *arena) {
    if (!arena)
        return;
    release_deferred(arena);
    for (struct block *block = arena->blocks; block;) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    free(arena);
}

void arena_reset(struct arena *arena) {
    release_deferred(arena);
    struct block *kept = NULL;
    for (struct block *block = arena->blocks; block;) {
        struct block *next = block->next;
        if (!kept && block->size <= LARGEST_BLOCK) {
            kept = block;
        } else {
            arena->total -= sizeof(*block) + block->size;
            free(block);
        }
        block = next;
    }
    if (kept) {
        memset(kept->data, 0, kept->used);
        kept->used = 0;
        kept->next = NULL;
    }
    arena->blocks = kept;
}

void *arena_alloc(struct arena *arena, size_t size) {
    if (size > PTRDIFF_MAX - sizeof(struct block) - alignof(max_align_t))
        memory_alloc(SIZE_MAX); /* prints and ends the program */
    size_t rounded = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    struct block *block = arena->blocks;
    if (!block || block->size - block->used < rounded) {
        block = block_open(arena, rounded);
        /* A single large piece goes behind the current block, whose rest stays in use. */
        if (arena->blocks && rounded > LARGEST_BLOCK / 4) {
            block->next = arena->blocks->next;
            arena->blocks->next = block;
        } else {
            block->next = arena->blocks;
            arena->blocks = block;
        }
    }
    void *memory = block->data + block->used;
    block->used += rounded;
    return memory;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size) {
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes))
        bytes = SIZE_MAX;
    return arena_alloc(arena, bytes);
}

char *arena_text(struct arena *arena, const char *text) {
    return text ? arena_text_part(arena, text, strlen(text)) : NULL;
}

char *arena_text_part(struct arena *arena, const char *text, size_t length) {
    char *copy = arena_alloc(arena, length + 1);
    memcpy(copy, text, length);
    return copy;
}

char *arena_format(struct arena *arena, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = arena_format_list(arena, format, arguments);
    va_end(arguments);
    return text;
}

char *arena_format_list(struct arena *arena, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    char *text = arena_alloc(arena, length > 0 ? (size_t)length + 1 : 1);
    if (length > 0)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

void *arena_grow(struct arena *arena, void *array, size_t count, size_t *capacity, size_t size) {
    if (array && count < *capacity)
        return array;
    size_t wanted = *capacity ? *capacity * 2 : 8;
    void *larger = arena_alloc_array(arena, wanted, size);
    if (array)
        memcpy(larger, array, count * size);
    *capacity = wanted;
    return larger;
}

size_t arena_size(const struct arena *arena) {
    return arena->total;
}

void arena_close_handle(struct arena **handle) {
    arena_close(*handle);
    *handle = NULL;
}
