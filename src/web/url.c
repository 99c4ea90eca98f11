#include "web/url.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

static bool is_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static char *lowered(struct arena *arena, const char *text, size_t length) {
    char *copy = arena_text_part(arena, text, length);
    for (char *c = copy; *c; c++)
        *c = lower(*c);
    return copy;
}

/* Length of "scheme" in front of a colon (RFC 3986 section 3.1), or 0. */
static size_t scheme_length(const char *text) {
    if (!is_alpha(*text))
        return 0;
    size_t i = 1;
    while (is_alpha(text[i]) || is_digit(text[i]) || text[i] == '+' || text[i] == '-' || text[i] == '.')
        i++;
    return text[i] == ':' ? i : 0;
}

static const char *default_port(const char *scheme) {
    if (text_equal(scheme, "http"))
        return "80";
    return text_equal(scheme, "https") ? "443" : NULL;
}

/* Leading zeros go, the scheme's own port counts as none. */
static bool set_port(struct arena *arena, const char *digits, size_t length, struct url *url, struct error *err) {
    while (length > 1 && *digits == '0') {
        digits++;
        length--;
    }
    int port = 0;
    for (size_t i = 0; i < length; i++) {
        port = port * 10 + (is_digit(digits[i]) ? digits[i] - '0' : 65536);
        if (port > 65535)
            return error_set(err, ERROR_INVALID, "the URL's port is not a number up to 65535");
    }
    const char *text = length ? arena_text_part(arena, digits, length) : NULL;
    if (text && !text_equal(text, default_port(url->scheme)))
        url->port = text;
    return true;
}

static bool parse_authority(struct arena *arena, const char *text, size_t length, struct url *url, struct error *err) {
    const char *at = memrchr(text, '@', length);
    if (at) {
        url->user_info = arena_text_part(arena, text, (size_t)(at - text));
        length -= (size_t)(at + 1 - text);
        text = at + 1;
    }
    size_t host = length;
    if (length && *text == '[') {
        const char *end = memchr(text, ']', length);
        if (!end)
            return error_set(err, ERROR_INVALID, "the URL's address in brackets does not end");
        host = (size_t)(end + 1 - text);
        if (host < length && text[host] != ':')
            return error_set(err, ERROR_INVALID, "something follows the URL's address in brackets");
    } else {
        const char *colon = memrchr(text, ':', length);
        host = colon ? (size_t)(colon - text) : length;
    }
    url->host = lowered(arena, text, host);
    if (*text != '[' && strpbrk(url->host, " :[]<>\"\\^`{|}"))
        return error_set(err, ERROR_INVALID, "the URL's host has a character that no host has");
    return host >= length || set_port(arena, text + host + 1, length - host - 1, url, err);
}

bool url_parse(struct arena *arena, const char *text, struct url *url, struct error *err) {
    while (is_blank(*text))
        text++;
    size_t length = strlen(text);
    while (length && is_blank(text[length - 1]))
        length--;
    if (!length)
        return error_set(err, ERROR_INVALID, "the URL is empty");
    if (length > LIMIT_URL_BYTES)
        return error_set(err, ERROR_INVALID, "the URL is %zu bytes; at most %zu", length, LIMIT_URL_BYTES);
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return error_set(err, ERROR_INVALID, "the URL has a control character inside");
    }
    const char *at = arena_text_part(arena, text, length);
    struct url made = {0};
    size_t scheme = scheme_length(at);
    if (scheme) {
        made.scheme = lowered(arena, at, scheme);
        at += scheme + 1;
    }
    if (at[0] == '/' && at[1] == '/') {
        size_t authority = strcspn(at + 2, "/?#");
        if (!parse_authority(arena, at + 2, authority, &made, err))
            return false;
        at += 2 + authority;
    }
    size_t path = strcspn(at, "?#");
    made.path = arena_text_part(arena, at, path);
    at += path;
    if (*at == '?') {
        size_t query = strcspn(++at, "#");
        made.query = arena_text_part(arena, at, query);
        at += query;
    }
    if (*at == '#')
        made.fragment = at + 1;
    *url = made;
    return true;
}

/* What may stand in a URL as it is: unreserved, reserved and '%' (RFC 3986 sections 2.1 to 2.3). */
static bool is_url_byte(char c) {
    return is_alpha(c) || is_digit(c) || (c && strchr("-._~:/?#[]@!$&'()*+,;=%", c));
}

static void append_part(struct text *out, const char *part) {
    static const char hex[] = "0123456789ABCDEF";
    for (; *part; part++) {
        unsigned char byte = (unsigned char)*part;
        if (is_url_byte(*part)) {
            text_append_char(out, *part);
        } else {
            char escaped[3] = {'%', hex[byte >> 4], hex[byte & 15]};
            text_append_part(out, escaped, sizeof(escaped));
        }
    }
}

char *url_text(struct arena *arena, const struct url *url) {
    struct text TEXT_SCOPED out;
    text_open(&out, 8 * LIMIT_URL_BYTES);
    if (url->scheme) {
        text_append(&out, url->scheme);
        text_append_char(&out, ':');
    }
    if (url->host) {
        text_append(&out, "//");
        if (url->user_info) {
            append_part(&out, url->user_info);
            text_append_char(&out, '@');
        }
        text_append(&out, url->host); /* a name with letters beyond ASCII is for the resolver, not for percent signs */
        if (url->port) {
            text_append_char(&out, ':');
            text_append(&out, url->port);
        }
    }
    append_part(&out, url->path);
    if (url->query) {
        text_append_char(&out, '?');
        append_part(&out, url->query);
    }
    if (url->fragment) {
        text_append_char(&out, '#');
        append_part(&out, url->fragment);
    }
    return arena_text(arena, text_value(&out));
}

/* RFC 3986 section 5.2.4, in one pass over the parts. */
static char *remove_dots(struct arena *arena, const char *path) {
    size_t length = strlen(path);
    char *out = arena_alloc(arena, length + 2);
    size_t made = 0;
    const char *at = path;
    while (*at) {
        size_t part = strcspn(at + 1, "/") + 1; /* with the slash in front of it */
        bool slash = *at == '/';
        const char *name = slash ? at + 1 : at;
        size_t name_length = slash ? part - 1 : strcspn(at, "/");
        if (!slash)
            part = name_length;
        bool last = !at[part];
        bool one = name_length == 1 && name[0] == '.';
        bool two = name_length == 2 && name[0] == '.' && name[1] == '.';
        if (two) {
            while (made && out[made - 1] != '/')
                made--;
            if (made)
                made--;
        }
        if ((one || two) && slash && last)
            out[made++] = '/';
        if (!one && !two) {
            memcpy(out + made, at, part);
            made += part;
        }
        at += part;
    }
    out[made] = 0;
    return out;
}

/* RFC 3986 section 5.2.3. */
static char *merge_paths(struct arena *arena, const struct url *base, const char *path) {
    if (base->host && !*base->path)
        return arena_format(arena, "/%s", path);
    const char *slash = strrchr(base->path, '/');
    size_t keep = slash ? (size_t)(slash + 1 - base->path) : 0;
    return arena_format(arena, "%.*s%s", (int)keep, base->path, path);
}

static struct url resolved(struct arena *arena, const struct url *base, const struct url *reference) {
    struct url target = *reference;
    if (reference->scheme) {
        target.path = remove_dots(arena, reference->path);
        return target;
    }
    target.scheme = base->scheme;
    if (reference->host) {
        target.path = remove_dots(arena, reference->path);
        if (target.port && text_equal(target.port, default_port(target.scheme)))
            target.port = NULL;
        return target;
    }
    target.user_info = base->user_info;
    target.host = base->host;
    target.port = base->port;
    if (!*reference->path) {
        target.path = base->path;
        if (!reference->query)
            target.query = base->query;
    } else if (*reference->path == '/') {
        target.path = remove_dots(arena, reference->path);
    } else {
        target.path = remove_dots(arena, merge_paths(arena, base, reference->path));
    }
    return target;
}

char *url_resolve(struct arena *arena, const char *base, const char *reference, struct error *err) {
    struct url from = {.path = ""};
    struct url to = {0};
    bool nothing = !*reference && base;
    if (base && !url_parse(arena, base, &from, err))
        return NULL;
    if (nothing)
        to = (struct url){.path = ""};
    else if (!url_parse(arena, reference, &to, err))
        return NULL;
    struct url target = resolved(arena, &from, &to);
    if (!target.scheme) {
        error_set(err, ERROR_INVALID, "the URL is relative to nothing");
        return NULL;
    }
    return url_text(arena, &target);
}

bool url_is_web(const char *text) {
    struct arena *arena ARENA_OWNED = arena_open();
    struct url url = {0};
    return text && url_parse(arena, text, &url, NULL) && url.host && *url.host &&
           (text_equal(url.scheme, "http") || text_equal(url.scheme, "https"));
}

char *url_host(struct arena *arena, const char *text) {
    struct url url = {0};
    if (!url_parse(arena, text, &url, NULL) || !url.host || !*url.host)
        return NULL;
    return arena_text(arena, url.host);
}

/* ---- encodings ---- */

static int hex_value(char c) {
    if (is_digit(c))
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%xx" at `at` stands for, or -1. */
static int escaped_byte(const char *at) {
    if (at[0] != '%')
        return -1;
    int high = hex_value(at[1]);
    int low = high < 0 ? -1 : hex_value(at[2]);
    return low < 0 ? -1 : high * 16 + low;
}

static char *decoded(struct arena *arena, const char *text, size_t length) {
    char *out = arena_alloc(arena, length + 1);
    size_t made = 0;
    for (size_t i = 0; i < length; i++) {
        int byte = i + 2 < length ? escaped_byte(text + i) : -1;
        if (byte > 0) {
            out[made++] = (char)byte;
            i += 2;
        } else {
            out[made++] = text[i];
        }
    }
    return out;
}

char *url_without_user(struct arena *arena, const char *text, char **user, char **password) {
    struct url url = {0};
    if (user)
        *user = NULL;
    if (password)
        *password = NULL;
    if (!url_parse(arena, text, &url, NULL) || !url.user_info)
        return arena_text(arena, text);
    size_t name = strcspn(url.user_info, ":");
    const char *secret = url.user_info[name] ? url.user_info + name + 1 : NULL;
    if (user)
        *user = decoded(arena, url.user_info, name);
    if (password && secret)
        *password = decoded(arena, secret, strlen(secret));
    url.user_info = NULL;
    return url_text(arena, &url);
}

/* ---- normal form ---- */

/* Escapes of unreserved characters are undone, others in capitals (RFC 3986 sections 6.2.2.1 and 6.2.2.2); forbidden
 * bytes escaped. */
static const char *normal_part(struct arena *arena, const char *part) {
    static const char hex[] = "0123456789ABCDEF";
    struct text TEXT_SCOPED out;
    text_open(&out, 4 * LIMIT_URL_BYTES);
    for (; *part; part++) {
        int byte = escaped_byte(part);
        int plain = byte >= 0 ? byte : (unsigned char)*part;
        char c = (char)plain;
        bool unreserved = is_alpha(c) || is_digit(c) || (c && strchr("-._~", c));
        if (unreserved || (byte < 0 && is_url_byte(c) && c != '%')) {
            text_append_char(&out, c);
        } else {
            char escaped[3] = {'%', hex[plain >> 4], hex[plain & 15]};
            text_append_part(&out, escaped, sizeof(escaped));
        }
        if (byte >= 0)
            part += 2;
    }
    return arena_text(arena, text_value(&out));
}

static void normalize(struct arena *arena, struct url *url) {
    url->fragment = NULL;
    url->path = normal_part(arena, url->path);
    if (url->host)
        url->path = remove_dots(arena, url->path);
    if (url->host && !*url->path)
        url->path = "/";
    if (url->query)
        url->query = normal_part(arena, url->query);
    if (url->user_info)
        url->user_info = normal_part(arena, url->user_info);
    size_t host = url->host ? strlen(url->host) : 0;
    while (host > 1 && url->host[host - 1] == '.')
        host--;
    if (url->host)
        url->host = arena_text_part(arena, url->host, host);
}

char *url_normal(struct arena *arena, const char *text) {
    struct url url = {0};
    if (!url_parse(arena, text, &url, NULL) || !url.scheme)
        return arena_text(arena, text);
    normalize(arena, &url);
    return url_text(arena, &url);
}

/* ---- secrets ---- */

static bool is_secret_name(const char *name, size_t length) {
    static const char *const words[] = {"token", "key", "auth",       "sig",    "secret",
                                        "pass",  "pwd", "credential", "session"};
    char shown[64];
    size_t size = length < sizeof(shown) - 1 ? length : sizeof(shown) - 1;
    memcpy(shown, name, size);
    shown[size] = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (text_contains_nocase(shown, words[i]))
            return true;
    }
    return false;
}

void url_redact_secrets(const char *text) {
    struct arena *arena ARENA_OWNED = arena_open();
    struct url url = {0};
    if (!url_parse(arena, text, &url, NULL))
        return;
    const char *secret = url.user_info ? strchr(url.user_info, ':') : NULL;
    if (secret) {
        redact_add(secret + 1);
        redact_add(decoded(arena, secret + 1, strlen(secret + 1)));
    }
    for (const char *at = url.query ? url.query : ""; *at;) {
        size_t pair = strcspn(at, "&");
        const char *equals = memchr(at, '=', pair);
        if (equals && is_secret_name(at, (size_t)(equals - at)))
            redact_add(arena_text_part(arena, equals + 1, pair - (size_t)(equals + 1 - at)));
        at += pair + (at[pair] == '&');
    }
}
