/* Where the values of a JSON text stand in it. jansson keeps no positions, so the text is walked once more, by the
 * grammar of RFC 8259; on the way it is checked, bounded, and keys that an object gives twice are noted. Works on the
 * text as it was written, so places can be asked for by the path of keys and indexes that leads to them. */
#ifndef TIDEMILL_FLOW_SOURCE_MAP_H
#define TIDEMILL_FLOW_SOURCE_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* A place in a JSON value, as a chain up to the root (whose `up` is NULL and which has no key). Borrowed texts. */
struct place {
    const struct place *up;
    const char *key; /* member of an object; NULL: item `index` of an array */
    size_t index;
};

struct source_position {
    size_t line, column; /* from 1, columns in characters; 0: unknown */
};

/* Why a text is no JSON. `message` is in the words of Jackson, which the service uses, without the sentence that names
 * the place; `offset` is where the reader gave up (bytes), `start` where the faulty token begins. */
struct source_fault {
    const char *message;
    size_t offset;
    size_t start;
    bool too_deep; /* nested deeper than LIMIT_JSON_DEPTH */
};

/* A key that its object gives a second time. */
struct source_duplicate {
    const struct place *place; /* of the member */
    size_t offset;             /* of the second key */
};

struct source_map;

/* Walks text[0..length), which must be UTF-8. NULL: it is no JSON, `fault` says why. The map lives in `arena` and
 * borrows the text. Time and memory grow with the length alone. */
struct source_map *source_map_make(struct arena *arena, const char *text, size_t length, struct source_fault *fault);
void source_map_close(struct source_map *map); /* NULL is allowed; before the arena */

/* The position of a value: of its key where it is an object's or array's (so that a mark stands at the name), else of
 * the value itself. The nearest place around it that there is, when it is not there. `key`: of the key in any case. One
 * thread at a time. */
struct source_position source_map_find(struct source_map *map, const struct place *place, bool key);

/* The position of a byte offset. */
struct source_position source_map_at(const struct source_map *map, size_t offset);
/* The same for a text that has no map. */
struct source_position source_position_of(const char *text, size_t offset);

/* The keys given twice. */
const struct source_duplicate *source_map_duplicates(const struct source_map *map, size_t *count);

/* "[Source: (String)"..."; line: 1, column: 4]": how Jackson names a place. In `arena`. */
const char *source_name(struct arena *arena, const char *text, size_t length, struct source_position position);

#endif
