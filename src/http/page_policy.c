#include <ctype.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/limits.h"
#include "http/page.h"

/* The source expression of the host that an attribute value names; NULL if it has none that may stand in a policy.
 * "https://host/…" gives "https://host"; "//host/…" gives "host", which stands for the scheme of the page and anything
 * safer (CSP Level 3, section 6.7.2.8). */
static const char *origin_of(struct arena *arena, const char *value, size_t length) {
    const char *end = value + length;
    const char *scheme = "";
    if (length > 8 && strncasecmp(value, "https://", 8) == 0) {
        scheme = "https://";
        value += 8;
    } else if (length > 2 && memcmp(value, "//", 2) == 0) {
        value += 2;
    } else {
        return NULL;
    }
    size_t host = 0;
    while (value + host < end && (isalnum((unsigned char)value[host]) || strchr(".-:", value[host])))
        host++;
    bool whole = value + host == end || strchr("/?#", value[host]);
    return host > 0 && isalnum((unsigned char)value[0]) && whole
               ? arena_format(arena, "%s%.*s", scheme, (int)host, value)
               : NULL;
}

/* Each source once. */
static void add_source(struct text *list, const char *source) {
    size_t length = strlen(source);
    for (const char *at = text_value(list); (at = strstr(at, source)); at += length) {
        if (at[-1] == ' ' && (at[length] == ' ' || at[length] == 0)) /* the list begins with a space */
            return;
    }
    text_append_format(list, " %s", source);
}

/* One attribute of a start tag: moves *at behind it. False at the tag's end. Values without quotes end at white space
 * or '>'. */
static bool next_attribute(const char **at, const char **name, size_t *name_length, const char **value,
                           size_t *value_length) {
    *at += strspn(*at, " \t\r\n/");
    *name = *at;
    *name_length = strcspn(*at, " \t\r\n=>/");
    if (*name_length == 0)
        return false;
    *at += *name_length;
    const char *behind = *at + strspn(*at, " \t\r\n");
    *value = "";
    *value_length = 0;
    if (*behind != '=')
        return true;
    behind++;
    behind += strspn(behind, " \t\r\n");
    char quote = *behind == '"' || *behind == '\'' ? *behind : 0;
    *value = behind + (quote != 0);
    *value_length = quote ? strcspn(*value, quote == '"' ? "\"" : "'") : strcspn(*value, " \t\r\n>");
    *at = *value + *value_length + (quote && (*value)[*value_length] == quote);
    return true;
}

static void add_hash(struct text *scripts, const char *content, size_t length) {
    unsigned char digest[EVP_MAX_MD_SIZE], encoded[4 * EVP_MAX_MD_SIZE / 3 + 4];
    unsigned size = 0;
    EVP_Digest(content, length, digest, &size, EVP_sha256(), NULL);
    EVP_EncodeBlock(encoded, digest, (int)size);
    text_append_format(scripts, " 'sha256-%s'", (const char *)encoded);
}

/* One script element at *at ("<script"): what it needs goes to the two lists. Moves behind it. */
static void read_script(struct arena *arena, const char **at, struct text *scripts, struct text *reports) {
    const char *name, *value, *source = NULL;
    size_t name_length, value_length;
    *at += strlen("<script");
    while (next_attribute(at, &name, &name_length, &value, &value_length)) {
        const char *origin = origin_of(arena, value, value_length);
        if (name_length == 3 && strncasecmp(name, "src", 3) == 0)
            source = origin ? origin : "";
        else if (origin && name_length > 5 && strncasecmp(name, "data-", 5) == 0)
            add_source(reports, origin);
    }
    *at += strcspn(*at, ">");
    *at += **at == '>';
    const char *end = strcasestr(*at, "</script");
    size_t length = end ? (size_t)(end - *at) : strlen(*at);
    if (source && source[0]) {
        add_source(scripts, source);
        add_source(reports, source);
    } else if (!source && length > 0) {
        add_hash(scripts, *at, length);
    }
    *at += length;
}

const char *page_policy(struct arena *arena, const char *tracking) {
    struct text scripts, reports;
    text_open(&scripts, 8 * KIB);
    text_open(&reports, 8 * KIB);
    for (const char *at = tracking; at && (at = strcasestr(at, "<script"));)
        read_script(arena, &at, &scripts, &reports);
    const char *policy =
        arena_format(arena,
                     "default-src 'none'; script-src 'self'%s; style-src 'self'; img-src 'self' https: data:; "
                     "media-src 'self' https: http:; connect-src 'self'%s; base-uri 'self'; form-action 'self'; "
                     "frame-ancestors 'none'",
                     text_value(&scripts), text_value(&reports));
    text_close(&scripts);
    text_close(&reports);
    return policy;
}
