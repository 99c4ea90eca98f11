/* Reading the text of paths and filters: quoted texts, brackets, faults. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "flow/path.h"

bool path_fault(struct path_reader *reader, const char *what) {
    return error_set(reader->err, ERROR_INVALID, "%s at position %zu of '%.200s'", what, reader->at + 1, reader->text);
}

void path_skip_blanks(struct path_reader *reader) {
    while (reader->at < reader->length && (reader->text[reader->at] == ' ' || reader->text[reader->at] == '\t' ||
                                           reader->text[reader->at] == '\n' || reader->text[reader->at] == '\r'))
        reader->at++;
}

bool path_next_is(const struct path_reader *reader, char c) {
    return reader->at < reader->length && reader->text[reader->at] == c;
}

/* Reads the four hexadecimal digits of \u; SIZE_MAX: they are not there. */
static uint32_t hexadecimal(const struct path_reader *reader) {
    uint32_t code = 0;
    if (reader->length - reader->at < 4)
        return UINT32_MAX;
    for (size_t i = 0; i < 4; i++) {
        char c = reader->text[reader->at + i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : UINT32_MAX;
        if (digit == UINT32_MAX)
            return UINT32_MAX;
        code = code * 16 + digit;
    }
    return code;
}

/* \uD83D\uDE00 is one character. The reader stands behind the u. */
static bool read_unicode(struct path_reader *reader, char *out, size_t *length) {
    uint32_t code = hexadecimal(reader);
    if (code == UINT32_MAX)
        return path_fault(reader, "four hexadecimal digits are missing");
    reader->at += 4;
    if (code >= 0xD800 && code < 0xDC00 && reader->length - reader->at >= 6 && reader->text[reader->at] == '\\' &&
        reader->text[reader->at + 1] == 'u') {
        reader->at += 2;
        uint32_t low = hexadecimal(reader);
        if (low < 0xDC00 || low > 0xDFFF)
            return path_fault(reader, "half a surrogate pair");
        reader->at += 4;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    size_t size = code ? utf8_encode(code, out + *length) : 0;
    if (!size)
        return path_fault(reader, "not a character");
    *length += size;
    return true;
}

static bool read_escape(struct path_reader *reader, char *out, size_t *length) {
    static const char letters[] = "bfnrt", values[] = "\b\f\n\r\t";
    if (reader->at >= reader->length)
        return path_fault(reader, "the text is not closed");
    char c = reader->text[reader->at++];
    if (c == 'u')
        return read_unicode(reader, out, length);
    const char *found = strchr(letters, c);
    out[(*length)++] = found ? values[found - letters] : c; /* any other stands for itself */
    return true;
}

const char *path_read_quoted(struct path_reader *reader, size_t *length) {
    char quote = reader->text[reader->at];
    size_t start = reader->at++;
    /* What is read is never longer than how it is written. */
    char *out = arena_alloc(reader->arena, reader->length - reader->at + 1);
    size_t made = 0;
    while (reader->at < reader->length && reader->text[reader->at] != quote) {
        char c = reader->text[reader->at++];
        if (c != '\\')
            out[made++] = c;
        else if (!read_escape(reader, out, &made))
            return NULL;
    }
    if (reader->at >= reader->length) {
        reader->at = start;
        path_fault(reader, "the text is not closed");
        return NULL;
    }
    reader->at++;
    out[made] = '\0';
    *length = made;
    return out;
}

size_t path_past_quoted(const struct path_reader *reader, size_t at) {
    char quote = reader->text[at++];
    while (at < reader->length && reader->text[at] != quote)
        at += reader->text[at] == '\\' ? 2 : 1;
    return at < reader->length ? at + 1 : reader->length;
}

size_t path_closing(const struct path_reader *reader, size_t at) {
    size_t depth = 0;
    while (at < reader->length) {
        char c = reader->text[at];
        if (c == '\'' || c == '"') {
            at = path_past_quoted(reader, at);
            continue;
        }
        if (c == '[' || c == '(' || c == '{')
            depth++;
        else if ((c == ']' || c == ')' || c == '}') && --depth == 0)
            return at + 1;
        at++;
    }
    return 0;
}
