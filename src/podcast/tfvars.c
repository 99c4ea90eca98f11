#include "podcast/tfvars.h"

#include <ctype.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

struct reader {
    struct arena *arena;
    struct tfvars *file;
    size_t capacity;
    const char *at, *end;
    int line;
    struct error *err;
};

static bool refuse(struct reader *reader, const char *what) {
    return error_set(reader->err, ERROR_CONFIG, "%s:%d: %s", reader->file->path, reader->line, what);
}

static bool ahead(const struct reader *reader, const char *text) {
    size_t length = strlen(text);
    return (size_t)(reader->end - reader->at) >= length && memcmp(reader->at, text, length) == 0;
}

static void step(struct reader *reader) {
    reader->line += *reader->at == '\n';
    reader->at++;
}

static void skip_line(struct reader *reader) {
    while (reader->at < reader->end && *reader->at != '\n')
        reader->at++;
}

/* Passes over a comment if one begins here. */
static bool skip_comment(struct reader *reader, bool *skipped) {
    *skipped = true;
    if (ahead(reader, "#") || ahead(reader, "//")) {
        skip_line(reader);
        return true;
    }
    *skipped = ahead(reader, "/*");
    if (!*skipped)
        return true;
    int line = reader->line;
    for (reader->at += 2; !ahead(reader, "*/"); step(reader)) {
        if (reader->at >= reader->end) {
            reader->line = line;
            return refuse(reader, "the comment has no end");
        }
    }
    reader->at += 2;
    return true;
}

/* White space and comments; line ends too if `lines`. */
static bool skip_blank(struct reader *reader, bool lines) {
    while (reader->at < reader->end) {
        bool skipped = false;
        char c = *reader->at;
        if (c == ' ' || c == '\t' || c == '\r' || (lines && c == '\n')) {
            step(reader);
            continue;
        }
        if (!skip_comment(reader, &skipped))
            return false;
        if (!skipped)
            return true;
    }
    return true;
}

static bool read_unicode(struct reader *reader, size_t digits, struct text *text) {
    uint32_t code = 0;
    char bytes[4];
    for (size_t i = 0; i < digits; i++, reader->at++) {
        if (reader->at >= reader->end || !isxdigit((unsigned char)*reader->at))
            return refuse(reader, "an escape of a character wants hexadecimal digits");
        char c = (char)tolower((unsigned char)*reader->at);
        code = code * 16 + (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    size_t size = code ? utf8_encode(code, bytes) : 0;
    if (!size)
        return refuse(reader, "an escape names no character");
    return text_append_part(text, bytes, size) || refuse(reader, "the text is too long");
}

static bool read_escape(struct reader *reader, struct text *text) {
    static const char marks[] = "nrt\"\\";
    static const char bytes[] = "\n\r\t\"\\";
    char c = reader->at < reader->end ? *reader->at++ : '\0';
    if (c == 'u' || c == 'U')
        return read_unicode(reader, c == 'u' ? 4 : 8, text);
    const char *mark = c ? strchr(marks, c) : NULL;
    if (!mark)
        return refuse(reader, "a backslash is followed by n, r, t, u, U, a quote or a backslash");
    return text_append_char(text, bytes[mark - marks]) || refuse(reader, "the text is too long");
}

/* Behind the opening quote, to behind the closing one. "$${" and "%%{" stand for "${" and "%{". */
static bool read_quoted(struct reader *reader, struct text *text) {
    while (reader->at < reader->end && *reader->at != '"') {
        if (*reader->at == '\n' || !*reader->at)
            return refuse(reader, "the text in quotes has no end");
        if (ahead(reader, "$${") || ahead(reader, "%%{"))
            reader->at++;
        char c = *reader->at++;
        if (c == '\\' ? !read_escape(reader, text) : !text_append_char(text, c))
            return c == '\\' ? false : refuse(reader, "the text is too long");
    }
    if (reader->at >= reader->end)
        return refuse(reader, "the text in quotes has no end");
    reader->at++;
    return true;
}

/* The line that ends a heredoc: white space around the mark is allowed. */
static bool is_mark(const char *line, size_t length, const char *mark, size_t size) {
    while (length && isspace((unsigned char)line[length - 1]))
        length--;
    while (length && isspace((unsigned char)*line)) {
        line++;
        length--;
    }
    return length == size && memcmp(line, mark, size) == 0;
}

/* At "<<" or "<<-". The indentation that "<<-" takes away is kept: who reads the value here does not mind. */
static bool read_heredoc(struct reader *reader, struct text *text) {
    int first = reader->line;
    reader->at += ahead(reader, "<<-") ? 3 : 2;
    const char *mark = reader->at;
    while (reader->at < reader->end && (isalnum((unsigned char)*reader->at) || *reader->at == '_'))
        reader->at++;
    size_t size = (size_t)(reader->at - mark);
    skip_line(reader);
    while (size && reader->at < reader->end) {
        step(reader);
        const char *line = reader->at;
        skip_line(reader);
        size_t length = (size_t)(reader->at - line);
        if (is_mark(line, length, mark, size))
            return true;
        if (!text_append_part(text, line, length) || !text_append_char(text, '\n'))
            return refuse(reader, "the text is too long");
    }
    reader->line = first;
    return refuse(reader, "the heredoc has no end");
}

/* A list, a map, or what is in parentheses: to behind its end, texts and comments inside passed over. */
static bool skip_nested(struct reader *reader, struct text *scratch) {
    int first = reader->line;
    size_t depth = 0;
    do {
        if (!skip_blank(reader, true))
            return false;
        if (reader->at >= reader->end) {
            reader->line = first;
            return refuse(reader, "the list or map has no end");
        }
        text_reset(scratch);
        if (ahead(reader, "<<")) {
            if (!read_heredoc(reader, scratch))
                return false;
            continue;
        }
        char c = *reader->at++;
        if (c == '"' && !read_quoted(reader, scratch))
            return false;
        depth += strchr("[{(", c) && c;
        depth -= strchr("]})", c) && c && depth;
    } while (depth);
    return true;
}

static bool read_word(struct reader *reader, struct tfvars_entry *entry) {
    static const struct {
        const char *word;
        enum tfvars_kind kind;
    } words[] = {{"true", TFVARS_BOOL}, {"false", TFVARS_BOOL}, {"null", TFVARS_NULL}};
    const char *start = reader->at;
    while (reader->at < reader->end &&
           (isalnum((unsigned char)*reader->at) || (*reader->at && strchr("_.+-", *reader->at))))
        reader->at++;
    if (reader->at == start)
        return refuse(reader, "a value is missing");
    const char *word = arena_text_part(reader->arena, start, (size_t)(reader->at - start));
    double number = 0;
    entry->kind = text_to_double(word, &number) ? TFVARS_NUMBER : TFVARS_OTHER;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i].word, word) == 0)
            entry->kind = words[i].kind;
    if (entry->kind == TFVARS_OTHER)
        return refuse(reader, "a value is a text in quotes, a number, true, false, null, a list or a map");
    entry->value = entry->kind == TFVARS_NULL ? "" : word;
    return true;
}

static bool read_value(struct reader *reader, struct tfvars_entry *entry) {
    TEXT_SCOPED struct text text;
    text_open(&text, LIMIT_CONFIG_BYTES);
    char c = reader->at < reader->end ? *reader->at : '\n';
    entry->kind = TFVARS_TEXT;
    entry->value = "";
    bool done;
    if (c == '"') {
        reader->at++;
        done = read_quoted(reader, &text);
    } else if (ahead(reader, "<<")) {
        done = read_heredoc(reader, &text);
    } else if (c && strchr("[{(", c)) {
        entry->kind = TFVARS_OTHER;
        done = skip_nested(reader, &text);
    } else {
        return read_word(reader, entry);
    }
    if (done && entry->kind == TFVARS_TEXT)
        entry->value = arena_text_part(reader->arena, text_value(&text), text.length);
    return done;
}

static const char *read_name(struct reader *reader) {
    bool quoted = ahead(reader, "\"");
    reader->at += quoted;
    const char *start = reader->at;
    while (reader->at < reader->end &&
           (isalnum((unsigned char)*reader->at) || *reader->at == '_' || *reader->at == '-'))
        reader->at++;
    size_t length = (size_t)(reader->at - start);
    if (!length || (quoted && !ahead(reader, "\"")))
        return NULL;
    reader->at += quoted;
    return arena_text_part(reader->arena, start, length);
}

static bool read_entry(struct reader *reader) {
    struct tfvars_entry entry = {.line = reader->line};
    entry.name = read_name(reader);
    if (!entry.name)
        return refuse(reader, "the name of a variable is missing");
    if (tfvars_find(reader->file, entry.name))
        return refuse(reader, "the variable is set twice");
    if (!skip_blank(reader, false))
        return false;
    if (!ahead(reader, "="))
        return refuse(reader, "\"=\" is missing behind the name of a variable");
    reader->at++;
    if (!skip_blank(reader, false) || !read_value(reader, &entry) || !skip_blank(reader, false))
        return false;
    if (reader->at < reader->end && *reader->at != '\n')
        return refuse(reader, "something stands behind the value");
    struct tfvars *file = reader->file;
    if (file->count >= LIMIT_TFVARS_ENTRIES)
        return error_set(reader->err, ERROR_LIMIT, "%s: more than %d variables", file->path, LIMIT_TFVARS_ENTRIES);
    file->entries = arena_grow(reader->arena, file->entries, file->count, &reader->capacity, sizeof(*file->entries));
    file->entries[file->count++] = entry;
    return true;
}

bool tfvars_parse(struct arena *arena, const char *path, const char *text, size_t length, struct tfvars *file,
                  struct error *err) {
    struct tfvars read = {.path = path};
    struct reader reader = {arena, &read, 0, text, text + length, 1, err};
    if (ahead(&reader, "\xEF\xBB\xBF"))
        reader.at += 3;
    while (reader.at < reader.end) {
        if (!skip_blank(&reader, true))
            return false;
        if (reader.at < reader.end && !read_entry(&reader))
            return false;
    }
    *file = read;
    return true;
}

bool tfvars_read(struct arena *arena, const char *path, struct tfvars *file, struct error *err) {
    char *text = NULL;
    size_t length = 0;
    return file_read(arena, path, LIMIT_CONFIG_BYTES, &text, &length, err) &&
           tfvars_parse(arena, arena_text(arena, path), text, length, file, err);
}

const struct tfvars_entry *tfvars_find(const struct tfvars *file, const char *name) {
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->entries[i].name, name) == 0)
            return &file->entries[i];
    return NULL;
}

const char *tfvars_text(const struct tfvars *file, const char *name, const char *otherwise) {
    const struct tfvars_entry *entry = tfvars_find(file, name);
    return entry && entry->kind == TFVARS_TEXT ? entry->value : otherwise;
}
