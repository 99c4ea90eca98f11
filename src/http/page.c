#include "http/page.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/memory.h"
#include "http/asset.h"

/* JSON inside a script element must not end it (HTML Standard, "Restrictions for contents of script elements"). */
static void append_data_block(struct text *out, const json_t *facts) {
    TEXT_OWNED char *json = json_text(facts, 0);
    text_append(out, "<script type=\"application/ld+json\">");
    for (const char *c = json; *c; c++) {
        if (*c == '<' || *c == '>' || *c == '&')
            text_append_format(out, "\\u%04x", (unsigned)*c);
        else
            text_append_char(out, *c);
    }
    text_append(out, "</script>\n");
}

static void append_meta(struct text *out, const char *property, const char *content) {
    text_append_format(out, "<meta property=\"%s\" content=\"", property);
    text_append_xml(out, content);
    text_append(out, "\">\n");
}

/* What the templates leave one place for: everything of the head that not every page has. */
static void append_extra(struct text *out, const struct page_head *head) {
    if (head->audio) {
        append_meta(out, "og:audio", head->audio);
        append_meta(out, "og:audio:type", head->audio_type);
    }
    if (head->hidden)
        text_append(out, "<meta name=\"robots\" content=\"noindex\">\n");
    if (head->facts)
        append_data_block(out, head->facts);
    if (head->tracking)
        text_append(out, head->tracking);
}

static void append_value(struct text *out, const struct page_head *head, const char *name, size_t length) {
    const struct {
        const char *name;
        const char *value;
    } values[] = {
        {"base", head->base},
        {"title", head->title},
        {"description", head->description},
        {"canonical", head->canonical},
        {"image", head->image},
        {"theme_color", head->theme_color},
        {"theme_color_dark", head->theme_color_dark},
        {"site_name", head->site_name},
        {"og_type", head->type},
    };
    if (length == strlen("tracking") && memcmp(name, "tracking", length) == 0) {
        append_extra(out, head);
        return;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
        if (strlen(values[i].name) == length && memcmp(values[i].name, name, length) == 0 && values[i].value)
            text_append_xml(out, values[i].value);
    }
}

char *page_fill(struct arena *arena, const char *name, const struct page_head *head, size_t *length) {
    const struct asset *page = asset_find(name);
    struct text out;
    text_open(&out, 1 * MIB);
    const char *at = page ? (const char *)page->data : "";
    for (;;) {
        const char *open = strstr(at, "{{");
        const char *close = open ? strstr(open, "}}") : NULL;
        if (!close)
            break;
        text_append_part(&out, at, (size_t)(open - at));
        append_value(&out, head, open + 2, (size_t)(close - open - 2));
        at = close + 2;
    }
    text_append(&out, at);
    *length = out.length;
    char *text = arena_text_part(arena, text_value(&out), out.length);
    text_close(&out);
    return text;
}

/* Ends `text` at the last space before `most` characters, if there is one in its second half. */
static void cut_words(char *text, size_t most) {
    size_t characters = 0, space = 0, space_characters = 0;
    for (size_t i = 0; text[i]; i++) {
        bool starts = ((unsigned char)text[i] & 0xC0) != 0x80;
        if (starts && characters == most) {
            memcpy(text + (space_characters > most / 2 ? space : i), "…", sizeof("…"));
            return;
        }
        characters += starts;
        if (text[i] == ' ') {
            space = i;
            space_characters = characters;
        }
    }
}

char *page_excerpt(struct arena *arena, const char *text, size_t most) {
    size_t length = strlen(text), used = 0;
    char *out = arena_alloc(arena, length + sizeof("…"));
    for (size_t i = 0; i < length; i++) {
        bool space = strchr(" \t\r\n\f\v", text[i]) != NULL;
        if (!space)
            out[used++] = text[i];
        else if (used > 0 && out[used - 1] != ' ')
            out[used++] = ' ';
    }
    while (used > 0 && out[used - 1] == ' ')
        used--;
    out[used] = 0;
    cut_words(out, most);
    return out;
}

/* Writes the character that the entity at *at (behind '&') stands for and moves behind it; false if it is none that we
 * know. */
static bool read_entity(const char **at, struct text *out) {
    static const struct {
        const char *name;
        uint32_t code;
    } names[] = {{"amp;", '&'},      {"lt;", '<'},        {"gt;", '>'},       {"quot;", '"'},     {"apos;", '\''},
                 {"nbsp;", ' '},     {"hellip;", 0x2026}, {"ndash;", 0x2013}, {"mdash;", 0x2014}, {"lsquo;", 0x2018},
                 {"rsquo;", 0x2019}, {"ldquo;", 0x201C},  {"rdquo;", 0x201D}};
    uint32_t code = 0;
    size_t length = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(names) && !length; i++) {
        if (text_starts(*at, names[i].name)) {
            code = names[i].code;
            length = strlen(names[i].name);
        }
    }
    if (!length && (*at)[0] == '#') {
        bool hex = (*at)[1] == 'x' || (*at)[1] == 'X';
        char *end;
        unsigned long value = strtoul(*at + 1 + hex, &end, hex ? 16 : 10);
        if (end > *at + 1 + hex && *end == ';' && value >= ' ' && value <= 0x10FFFF) {
            code = (uint32_t)value;
            length = (size_t)(end + 1 - *at);
        }
    }
    char bytes[4];
    size_t size = length ? utf8_encode(code, bytes) : 0;
    if (!size)
        return false;
    text_append_part(out, bytes, size);
    *at += length;
    return true;
}

/* Behind the tag or comment that starts at `at` ('<'), or NULL if it never ends. */
static const char *skip_tag(const char *at) {
    const char *end = text_starts(at, "<!--") ? strstr(at, "-->") : strchr(at, '>');
    if (!end)
        return NULL;
    return text_starts(at, "<!--") ? end + 3 : end + 1;
}

char *page_plain(struct arena *arena, const char *html) {
    struct text out;
    text_open(&out, 8 * strlen(html) + 1);
    for (const char *at = html; *at;) {
        const char *behind = *at == '<' && (strchr("/!?", at[1]) || (at[1] | 0x20) >= 'a') ? skip_tag(at) : NULL;
        if (behind) {
            text_append_char(&out, ' ');
            at = behind;
        } else if (*at == '&') {
            at++;
            if (!read_entity(&at, &out))
                text_append_char(&out, '&');
        } else {
            text_append_char(&out, *at++);
        }
    }
    char *plain = arena_text_part(arena, text_value(&out), out.length);
    text_close(&out);
    return plain;
}

char *page_time(struct arena *arena, int64_t ms) {
    char text[CLOCK_ISO_SIZE];
    return arena_text(arena, clock_duration(ms, text));
}
