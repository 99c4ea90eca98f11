#include "store/object/faulty_fold.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* U+00C0 to U+00FF taken apart (Unicode Character Database, UnicodeData.txt, field 5): the letter, and which combining
 * mark of U+0300 and later follows it; '.' where there is nothing to take apart. */
static const char letters[] = "AAAAAA.CEEEEIIII.NOOOOO..UUUUY..aaaaaa.ceeeeiiii.nooooo..uuuuy.y";
static const unsigned char marks[] = {0x00, 0x01, 0x02, 0x03, 0x08, 0x0A, 0,    0x27, 0x00, 0x01, 0x02, 0x08, 0x00,
                                      0x01, 0x02, 0x08, 0,    0x03, 0x00, 0x01, 0x02, 0x03, 0x08, 0,    0,    0x00,
                                      0x01, 0x02, 0x08, 0x01, 0,    0,    0x00, 0x01, 0x02, 0x03, 0x08, 0x0A, 0,
                                      0x27, 0x00, 0x01, 0x02, 0x08, 0x00, 0x01, 0x02, 0x08, 0,    0x03, 0x00, 0x01,
                                      0x02, 0x03, 0x08, 0,    0,    0x00, 0x01, 0x02, 0x08, 0x01, 0,    0x08};

static void append_folded(struct text *text, uint32_t code) {
    char bytes[4];
    if (code >= 'A' && code <= 'Z')
        code += 'a' - 'A';
    text_append_part(text, bytes, utf8_encode(code, bytes));
}

static void fold(const char *key, struct text *text) {
    size_t length = strlen(key);
    text_open(text, (size_t)4 * OBJECT_KEY_LONGEST);
    for (size_t at = 0; at < length;) {
        uint32_t code = 0;
        size_t size = utf8_decode(key + at, length - at, &code);
        size_t place = code >= 0xC0 && code <= 0xFF ? code - 0xC0 : ARRAY_LENGTH(marks);
        if (place < ARRAY_LENGTH(marks) && letters[place] != '.') {
            append_folded(text, (unsigned char)letters[place]);
            code = 0x300 + marks[place];
        }
        append_folded(text, code);
        at += size ? size : 1;
    }
}

struct search {
    const char *folded;
    char *found;
};

static bool look(void *to, const struct object_facts *facts, struct error *err) {
    (void)err;
    const struct search *search = to;
    TEXT_SCOPED struct text folded;
    fold(facts->key, &folded);
    if (strcmp(text_value(&folded), search->folded) == 0)
        snprintf(search->found, OBJECT_KEY_LONGEST + 1, "%s", facts->key);
    return true;
}

bool faulty_fold_find(struct object_store *store, const char *key, char found[OBJECT_KEY_LONGEST + 1],
                      struct error *err) {
    TEXT_SCOPED struct text folded;
    fold(key, &folded);
    snprintf(found, OBJECT_KEY_LONGEST + 1, "%s", key);
    struct search search = {.folded = text_value(&folded), .found = found};
    return object_list(store, "", look, &search, err);
}
