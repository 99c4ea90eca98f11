/* Memory of a piece of work that ends: a request, a task, a phase. What is made in an arena dies with it; nothing is
 * freed singly. One thread at a time. Blocks grow from 4 KiB, so a small arena costs one allocation. */
#ifndef TIDEMILL_BASE_ARENA_H
#define TIDEMILL_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_open(void);
void arena_close(struct arena *arena); /* NULL is allowed */

/* Forgets everything made so far and keeps one block for reuse. */
void arena_reset(struct arena *arena);

/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);

/* Copies of text; NULL stays NULL. */
char *arena_text(struct arena *arena, const char *text);
char *arena_text_part(struct arena *arena, const char *text, size_t length);
char *arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_format_list(struct arena *arena, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Makes room for one more element: an array that has reached *capacity is copied to one of twice the size.
 *     list = arena_grow(arena, list, count, &capacity, sizeof(*list)); */
void *arena_grow(struct arena *arena, void *array, size_t count, size_t *capacity, size_t size);

/* Calls release(value) when the arena is closed or reset, the latest first: for what other libraries own. */
void arena_defer(struct arena *arena, void (*release)(void *value), void *value);

/* Bytes taken from the system so far. */
size_t arena_size(const struct arena *arena);

void arena_close_handle(struct arena **handle);
#define ARENA_OWNED __attribute__((cleanup(arena_close_handle)))

#endif
