/* Allocation that cannot fail: out of memory prints one line and ends the program (DESIGN section 8). Nothing checks
 * for NULL. */
#ifndef TIDEMILL_BASE_MEMORY_H
#define TIDEMILL_BASE_MEMORY_H

#include <stddef.h>

/* Zeroed memory of `size` bytes (at least 1). The caller frees it with free(). */
void *memory_alloc(size_t size);

/* As calloc and reallocarray: the product is checked for overflow. */
void *memory_alloc_array(size_t count, size_t size);
void *memory_resize_array(void *old, size_t count, size_t size);

/* Copies of text; NULL stays NULL. The caller frees them. */
char *memory_text(const char *text);
char *memory_text_part(const char *text, size_t length);

/* Makes room for one more element: doubles *capacity when count has reached it. The array is freed with free().
 *     list = memory_grow(list, count, &capacity, sizeof(*list)); */
void *memory_grow(void *array, size_t count, size_t *capacity, size_t size);

/* Overwrites memory that held a secret; the compiler may not leave it out. */
void memory_wipe(void *data, size_t size);

/* Local handles that release themselves: `TEXT_OWNED char *name = memory_text(x);` */
void memory_free_handle(void *handle);
#define TEXT_OWNED __attribute__((cleanup(memory_free_handle)))

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#endif
