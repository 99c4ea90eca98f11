/* Markup as it is found, to well-formed XML. libxml2 can go on after an error, but what it then makes of the rest is
 * its own affair; here the mending is ours, and the same each time: an end tag closes everything opened since its
 * start, one without a start is dropped; a tag that is none is text; what XML forbids is dropped or escaped; HTML's
 * entity names become characters; a DOCTYPE disappears with all entities in it, so nothing can expand. It sees the text
 * once, keeps no more than one tag, and passes CDATA through. */
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/memory.h"
#include "web/feed_parts.h"

enum {
    NAME_AT_MOST = 200,  /* of an element or attribute */
    ENTITY_AT_MOST = 40, /* "&" to ";" */
    ATTRIBUTES_AT_MOST = 64,
    OUT_AT_MOST = 8 << 20, /* of one piece of 64 KiB */
};

_Static_assert(LIMIT_FEED_DEPTH == 64, "feed_mender.starts has one place a level");

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name_char(char c) {
    return is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':';
}

/* Length of the name at `text`: one colon at most, with something on both sides. 0: none there. */
static size_t name_length(const char *text, size_t length) {
    if (!length || !is_name_start(*text))
        return 0;
    size_t size = 0;
    unsigned colons = 0;
    while (size < length && is_name_char(text[size])) {
        colons += text[size] == ':';
        size++;
    }
    const char *colon = memchr(text, ':', size);
    bool fine = colons <= 1 && text[size - 1] != ':' && (!colon || is_name_start(colon[1]));
    return fine && size <= NAME_AT_MOST ? size : 0;
}

/* ---- text ---- */

/* 0: copy; 1: look closer. */
static const unsigned char special[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0,         1,         1,         1,         1,          1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, ['"'] = 1, ['&'] = 1, ['<'] = 1, ['>'] = 1, [0xEF] = 1,
};

static void append_code(struct text *out, uint32_t code) {
    char bytes[4];
    if (code == '<') {
        text_append(out, "&lt;");
    } else if (code == '&') {
        text_append(out, "&amp;");
    } else if (code == '"') {
        text_append(out, "&quot;");
    } else if (code == '>') {
        text_append(out, "&gt;");
    } else {
        text_append_part(out, bytes, utf8_encode(code, bytes));
    }
}

/* At '&'; how many bytes were used, 0 if more are needed. */
static size_t take_entity(struct feed_mender *m, const char *text, size_t length, bool final) {
    size_t end = 1;
    while (end < length && end < ENTITY_AT_MOST && (is_name_char(text[end]) || text[end] == '#') && text[end] != ':')
        end++;
    if (end == length && end < ENTITY_AT_MOST && !final)
        return 0;
    if (end < length && text[end] == ';') {
        uint32_t code = feed_entity(text + 1, end - 1);
        if (code) {
            append_code(&m->out, code);
            return end + 1;
        }
        if (text[1] == '#') { /* a number that no document may hold */
            m->notes |= MEND_NOTE_CONTROLS;
            return end + 1;
        }
    }
    m->notes |= MEND_NOTE_ENTITIES;
    text_append(&m->out, "&amp;");
    return 1;
}

/* One special byte of text or of an attribute's value; how many bytes were used, 0 if more are needed. Not for '<' of
 * text. */
static size_t take_special(struct feed_mender *m, const char *text, size_t length, bool final) {
    unsigned char c = (unsigned char)*text;
    if (c == '&')
        return take_entity(m, text, length, final);
    if (c == 0xEF) { /* U+FFFE and U+FFFF are no characters; the text is valid UTF-8 */
        if (length < 3)
            return final ? length : 0;
        bool none = (unsigned char)text[1] == 0xBF && (unsigned char)text[2] >= 0xBE;
        if (none)
            m->notes |= MEND_NOTE_CONTROLS;
        else
            text_append_part(&m->out, text, 3);
        return 3;
    }
    if (c < 0x20)
        m->notes |= MEND_NOTE_CONTROLS;
    else
        append_code(&m->out, c);
    return 1;
}

static void append_value(struct feed_mender *m, const char *text, size_t length) {
    size_t at = 0;
    while (at < length) {
        size_t run = at;
        while (run < length && !special[(unsigned char)text[run]])
            run++;
        text_append_part(&m->out, text + at, run - at);
        at = run;
        if (at < length)
            at += take_special(m, text + at, length - at, true);
    }
}

/* ---- elements ---- */

static const char *open_name(const struct feed_mender *m, size_t level) {
    return m->names.data + m->starts[level];
}

static const char *local_part(const char *name) {
    const char *colon = strchr(name, ':');
    return colon ? colon + 1 : name;
}

static void close_one(struct feed_mender *m) {
    const char *name = open_name(m, m->depth - 1);
    text_append(&m->out, "</");
    text_append(&m->out, name);
    text_append_char(&m->out, '>');
    m->names.length = m->starts[--m->depth];
    m->ended = m->depth == 0;
}

static void close_to(struct feed_mender *m, size_t depth) {
    while (m->depth > depth)
        close_one(m);
}

static bool one_of(const char *name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if ((name[0] | 0x20) == (names[i][0] | 0x20) && strcasecmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

/* Tags that were never closed: an item does not hold an item, and a title does not hold a link. */
static void close_forgotten(struct feed_mender *m, const char *local) {
    static const char *const leaves[] = {"title",   "guid",   "pubDate",  "link",     "duration",
                                         "episode", "season", "explicit", "subtitle", "keywords"};
    static const char *const followers[] = {"title",   "guid",     "pubDate",  "link",     "duration",    "episode",
                                            "season",  "explicit", "subtitle", "keywords", "description", "enclosure",
                                            "summary", "encoded",  "image",    "author",   "item",        "category"};
    if (strcasecmp(local, "item") == 0 || strcasecmp(local, "entry") == 0) {
        for (size_t i = m->depth; i-- > 0;) {
            if (strcasecmp(local_part(open_name(m, i)), local) == 0) {
                m->notes |= MEND_NOTE_TAGS;
                close_to(m, i);
                return;
            }
        }
    }
    if (m->depth && one_of(local_part(open_name(m, m->depth - 1)), leaves, ARRAY_LENGTH(leaves)) &&
        one_of(local, followers, ARRAY_LENGTH(followers))) {
        m->notes |= MEND_NOTE_TAGS;
        close_one(m);
    }
}

struct attribute {
    const char *name;
    size_t name_length;
    const char *value;
    size_t value_length;
};

/* The attribute at *at within [*at, end); false at the end. What is none is skipped. */
static bool next_attribute(struct feed_mender *m, const char **at, const char *end, struct attribute *attribute) {
    const char *c = *at;
    for (;;) {
        while (c < end && (is_blank(*c) || *c == '/'))
            c++;
        size_t name = name_length(c, (size_t)(end - c));
        if (name) {
            attribute->name = c;
            attribute->name_length = name;
            c += name;
            break;
        }
        if (c >= end)
            return false;
        m->notes |= MEND_NOTE_MARKUP;
        while (c < end && !is_blank(*c))
            c++;
    }
    while (c < end && is_blank(*c))
        c++;
    if (c >= end || *c != '=') { /* HTML's attribute without a value */
        m->notes |= MEND_NOTE_MARKUP;
        attribute->value = attribute->name;
        attribute->value_length = attribute->name_length;
        *at = c;
        return true;
    }
    c++;
    while (c < end && is_blank(*c))
        c++;
    char quote = c < end && (*c == '"' || *c == '\'') ? *c++ : 0;
    attribute->value = c;
    if (quote) {
        const char *close = memchr(c, quote, (size_t)(end - c));
        c = close ? close : end;
    } else {
        m->notes |= MEND_NOTE_MARKUP;
        while (c < end && !is_blank(*c))
            c++;
    }
    attribute->value_length = (size_t)(c - attribute->value);
    *at = c < end && quote ? c + 1 : c;
    return true;
}

static void append_attributes(struct feed_mender *m, const char *at, const char *end) {
    struct attribute seen[ATTRIBUTES_AT_MOST];
    size_t count = 0;
    struct attribute attribute;
    while (count < ATTRIBUTES_AT_MOST && next_attribute(m, &at, end, &attribute)) {
        bool again = false;
        for (size_t i = 0; i < count && !again; i++)
            again = seen[i].name_length == attribute.name_length &&
                    memcmp(seen[i].name, attribute.name, attribute.name_length) == 0;
        if (again) {
            m->notes |= MEND_NOTE_MARKUP;
            continue;
        }
        seen[count++] = attribute;
        text_append_char(&m->out, ' ');
        text_append_part(&m->out, attribute.name, attribute.name_length);
        text_append(&m->out, "=\"");
        append_value(m, attribute.value, attribute.value_length);
        text_append_char(&m->out, '"');
    }
}

/* Before the feed: its root, or something else that is passed over and remembered. */
static bool may_begin(struct feed_mender *m, const char *name, const char *local) {
    static const char *const roots[] = {"rss", "RDF", "feed"};
    static const char *const pages[] = {"html", "head", "body", "script"};
    if (one_of(local, roots, ARRAY_LENGTH(roots)) && !m->is_page)
        return true;
    bool is_first = !*m->first_name;
    m->is_page = m->is_page || one_of(name, pages, is_first ? ARRAY_LENGTH(pages) : 1);
    m->notes |= MEND_NOTE_BEFORE;
    if (is_first) {
        size_t length = strlen(name);
        length = length < sizeof(m->first_name) ? length : sizeof(m->first_name) - 1;
        memcpy(m->first_name, name, length);
        m->first_name[length] = 0;
    }
    return false;
}

/* `tag` from '<' to '>'; false if it is no tag but text. */
static bool take_start(struct feed_mender *m, const char *tag, size_t length) {
    size_t size = name_length(tag + 1, length - 2);
    char after = size ? tag[1 + size] : 0;
    if (!size || (after != '>' && after != '/' && !is_blank(after)))
        return false;
    char name[NAME_AT_MOST + 1];
    memcpy(name, tag + 1, size);
    name[size] = 0;
    const char *local = local_part(name);
    if (!m->began && !may_begin(m, name, local))
        return true;
    m->began = true;
    close_forgotten(m, local);
    if (m->ended || m->depth >= LIMIT_FEED_DEPTH) {
        m->notes |= MEND_NOTE_DEPTH;
        return true;
    }
    bool empty = tag[length - 2] == '/';
    text_append_char(&m->out, '<');
    text_append(&m->out, name);
    append_attributes(m, tag + 1 + size, tag + length - (empty ? 2 : 1));
    text_append(&m->out, empty ? "/>" : ">");
    if (empty) {
        m->ended = m->depth == 0;
        return true;
    }
    m->starts[m->depth++] = m->names.length;
    text_append_part(&m->names, name, size + 1);
    return true;
}

static bool take_end(struct feed_mender *m, const char *tag, size_t length) {
    size_t size = name_length(tag + 2, length - 3);
    if (!size)
        return false;
    for (size_t i = m->depth; i-- > 0;) {
        const char *name = open_name(m, i);
        if (strlen(name) == size && strncasecmp(name, tag + 2, size) == 0) {
            if (i + 1 < m->depth)
                m->notes |= MEND_NOTE_TAGS;
            close_to(m, i);
            return true;
        }
    }
    if (m->began)
        m->notes |= MEND_NOTE_TAGS;
    return true;
}

enum tag_end { TAG_WHOLE, TAG_MORE, TAG_NONE };

/* Where the tag at text[0] == '<' ends. Quotes count only behind '='; a quote that is not closed before the next tag
 * begins is passed over. */
static enum tag_end find_tag_end(const char *text, size_t length, size_t *size) {
    char quote = 0;
    size_t close = 0; /* the first '>' inside the quote */
    char before = 0;  /* the last that was not blank */
    for (size_t i = 1; i < length && i < LIMIT_FEED_TAG_BYTES; i++) {
        char c = text[i];
        if (quote) {
            if (c == quote) {
                quote = 0;
            } else if (c == '>' && !close) {
                close = i;
            } else if (c == '<' && close) {
                *size = close + 1;
                return TAG_WHOLE;
            }
        } else if (c == '>') {
            *size = i + 1;
            return TAG_WHOLE;
        } else if (c == '<') {
            return TAG_NONE;
        } else if ((c == '"' || c == '\'') && before == '=') {
            quote = c;
            close = 0;
        }
        if (!is_blank(c))
            before = c;
    }
    return length < LIMIT_FEED_TAG_BYTES ? TAG_MORE : TAG_NONE;
}

/* ---- the states ---- */

static size_t take_literal(struct feed_mender *m) {
    m->notes |= MEND_NOTE_MARKUP;
    if (m->began && !m->ended)
        text_append(&m->out, "&lt;");
    return 1;
}

/* At "<!" : what begins there; 0 if more is needed. */
static size_t take_declaration(struct feed_mender *m, const char *text, size_t length, bool final) {
    static const struct {
        const char *start;
        enum mend_state state;
    } kinds[] = {{"<!--", MEND_COMMENT}, {"<![CDATA[", MEND_CDATA}, {"<!DOCTYPE", MEND_DOCTYPE}};
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        size_t size = strlen(kinds[i].start);
        if (strncasecmp(text, kinds[i].start, length < size ? length : size) != 0)
            continue;
        if (length < size)
            return final ? take_literal(m) : 0;
        m->state = kinds[i].state;
        if (m->state == MEND_CDATA && m->depth)
            text_append(&m->out, "<![CDATA[");
        if (m->state == MEND_DOCTYPE) {
            m->notes |= MEND_NOTE_DOCTYPE;
            m->brackets = 0;
            m->quote = 0;
        }
        return size;
    }
    return take_literal(m);
}

static size_t take_markup(struct feed_mender *m, const char *text, size_t length, bool final) {
    if (length < 2)
        return final ? take_literal(m) : 0;
    if (text[1] == '?') {
        m->state = MEND_INSTRUCTION;
        return 2;
    }
    if (text[1] == '!')
        return take_declaration(m, text, length, final);
    if (text[1] != '/' && !is_name_start(text[1]))
        return take_literal(m);
    size_t size = 0;
    enum tag_end end = find_tag_end(text, length, &size);
    if (end == TAG_MORE && !final)
        return 0;
    if (end != TAG_WHOLE)
        return take_literal(m);
    bool taken = text[1] == '/' ? take_end(m, text, size) : take_start(m, text, size);
    return taken ? size : take_literal(m);
}

static size_t take_text(struct feed_mender *m, const char *text, size_t length, bool final) {
    size_t run = 0;
    while (run < length && !special[(unsigned char)text[run]])
        run++;
    if (run) {
        if (m->began)
            text_append_part(&m->out, text, run);
        return run;
    }
    if (*text == '<')
        return take_markup(m, text, length, final);
    if (m->began)
        return take_special(m, text, length, final);
    return 1;
}

static bool is_plain_cdata(unsigned char c) {
    return (c >= 0x20 && c != ']' && c != 0xEF) || c == '\t' || c == '\n' || c == '\r';
}

static size_t take_cdata(struct feed_mender *m, const char *text, size_t length, bool final) {
    bool keep = m->depth > 0;
    size_t run = 0;
    while (run < length && is_plain_cdata((unsigned char)text[run]))
        run++;
    if (run) {
        if (keep)
            text_append_part(&m->out, text, run);
        return run;
    }
    if (*text != ']')
        return take_special(m, text, length, final);
    if (length < 3 && !final)
        return 0;
    if (length >= 3 && memcmp(text, "]]>", 3) == 0) {
        if (keep)
            text_append(&m->out, "]]>");
        m->state = MEND_TEXT;
        return 3;
    }
    if (keep)
        text_append_char(&m->out, ']');
    return 1;
}

static size_t take_comment(struct feed_mender *m, const char *text, size_t length) {
    const char *end = memmem(text, length, "-->", 3);
    if (end) {
        m->state = MEND_TEXT;
        return (size_t)(end + 3 - text);
    }
    return length > 2 ? length - 2 : 0;
}

static size_t take_doctype(struct feed_mender *m, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (m->quote) {
            m->quote = c == m->quote ? 0 : m->quote;
        } else if (c == '"' || c == '\'') {
            m->quote = c;
        } else if (c == '[') {
            m->brackets++;
        } else if (c == ']' && m->brackets) {
            m->brackets--;
        } else if (c == '>' && !m->brackets) {
            m->state = MEND_TEXT;
            return i + 1;
        }
    }
    return length;
}

static size_t take_some(struct feed_mender *m, const char *text, size_t length, bool final) {
    if (m->ended)
        return length;
    switch (m->state) {
    case MEND_TEXT:
        return take_text(m, text, length, final);
    case MEND_CDATA:
        return take_cdata(m, text, length, final);
    case MEND_COMMENT:
        return take_comment(m, text, length);
    case MEND_DOCTYPE:
        return take_doctype(m, text, length);
    case MEND_INSTRUCTION: {
        const char *end = memchr(text, '>', length);
        if (end)
            m->state = MEND_TEXT;
        return end ? (size_t)(end + 1 - text) : length;
    }
    }
    return length;
}

void feed_mender_open(struct feed_mender *m) {
    *m = (struct feed_mender){.state = MEND_TEXT};
    text_open(&m->pending, OUT_AT_MOST);
    text_open(&m->out, OUT_AT_MOST);
    text_open(&m->names, (size_t)(LIMIT_FEED_DEPTH + 1) * (NAME_AT_MOST + 1));
}

void feed_mender_close(struct feed_mender *m) {
    text_close(&m->pending);
    text_close(&m->out);
    text_close(&m->names);
}

static void run(struct feed_mender *m, bool final) {
    size_t at = 0;
    while (at < m->pending.length) {
        size_t used = take_some(m, m->pending.data + at, m->pending.length - at, final);
        if (!used)
            break;
        at += used;
    }
    size_t rest = m->pending.length - at;
    if (rest)
        memmove(m->pending.data, m->pending.data + at, rest);
    m->pending.length = rest;
    if (m->pending.data)
        m->pending.data[rest] = 0;
}

void feed_mender_add(struct feed_mender *m, const char *text, size_t length) {
    text_append_part(&m->pending, text, length);
    run(m, false);
}

void feed_mender_end(struct feed_mender *m) {
    bool whole = m->ended;
    run(m, true);
    text_reset(&m->pending);
    whole = whole || m->ended;
    if (m->state == MEND_CDATA && m->depth)
        text_append(&m->out, "]]>");
    close_to(m, 0);
    m->ended = whole;
}
