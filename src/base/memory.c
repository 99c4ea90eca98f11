#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory, size_t size) {
    if (memory)
        return memory;
    fprintf(stderr, "tidemill: out of memory (%zu bytes wanted)\n", size);
    abort();
}

static size_t product(size_t count, size_t size) {
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX)
        checked(NULL, SIZE_MAX);
    return bytes ? bytes : 1;
}

void *memory_alloc(size_t size) {
    return memory_alloc_array(1, size);
}

void *memory_alloc_array(size_t count, size_t size) {
    size_t bytes = product(count, size);
    return checked(calloc(1, bytes), bytes);
}

void *memory_resize_array(void *old, size_t count, size_t size) {
    size_t bytes = product(count, size);
    return checked(realloc(old, bytes), bytes);
}

char *memory_text(const char *text) {
    return text ? memory_text_part(text, strlen(text)) : NULL;
}

char *memory_text_part(const char *text, size_t length) {
    char *copy = memory_alloc(length + 1);
    memcpy(copy, text, length);
    return copy;
}

void *memory_grow(void *array, size_t count, size_t *capacity, size_t size) {
    if (array && count < *capacity)
        return array;
    *capacity = *capacity ? *capacity * 2 : 8;
    return memory_resize_array(array, *capacity, size);
}

void memory_wipe(void *data, size_t size) {
    if (data)
        explicit_bzero(data, size);
}

void memory_free_handle(void *handle) {
    void **pointer = handle;
    free(*pointer);
    *pointer = NULL;
}
