/* URLs as RFC 3986 defines them, with the leniency that feeds need: white space around is cut, spaces and other
 * forbidden bytes inside are percent-encoded on the way out, scheme and host are compared without case. */
#ifndef TIDEMILL_WEB_URL_H
#define TIDEMILL_WEB_URL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"

/* The parts of a URL reference (RFC 3986 section 3 and appendix B), as written. A part that is not there is NULL;
 * `path` may be "" but is never NULL. */
struct url {
    const char *scheme;    /* lower case, "https" */
    const char *user_info; /* "name:secret", still encoded */
    const char *host;      /* lower case; an IPv6 literal with its brackets */
    const char *port;      /* digits; NULL also when it is the scheme's own */
    const char *path;
    const char *query;    /* without '?' */
    const char *fragment; /* without '#' */
};

/* Takes a URL or a relative reference apart. ERROR_INVALID: over LIMIT_URL_BYTES, a control character inside, a bad
 * port, an empty text. The parts are in `arena`. */
bool url_parse(struct arena *arena, const char *text, struct url *url, struct error *err);

/* Puts the parts together (RFC 3986 section 5.3); bytes that no URL may hold are percent-encoded. */
char *url_text(struct arena *arena, const struct url *url);

/* What `reference` means on a page at `base` (RFC 3986 section 5.2). An absolute reference may have a NULL base. NULL
 * and ERROR_INVALID if either does not parse or the result has no scheme. */
char *url_resolve(struct arena *arena, const char *base, const char *reference, struct error *err);

/* True for an absolute http or https URL with a host. */
bool url_is_web(const char *text);

/* The host in lower case, or NULL if there is none. */
char *url_host(struct arena *arena, const char *text);

/* The URL without its user information; *user and *password (may be NULL; decoded, NULL when absent) are what it held.
 * A URL that does not parse comes back as it is. */
char *url_without_user(struct arena *arena, const char *text, char **user, char **password);

/* The normal form for comparison (RFC 3986 section 6.2.2 and 6.2.3): case, encodings, dot segments, the scheme's own
 * port, an empty path; without fragment. What is no absolute URL is its own normal form. */
char *url_normal(struct arena *arena, const char *text);

/* A key that two URLs of the same audio share although trackers were put in front (podtrac, chartable, pdst.fm, op3,
 * blubrry and others nest the real URL in their path) or parameters that only count listeners were added. http and
 * https count as one. For hints only: never fetch it. */
char *url_audio_key(struct arena *arena, const char *text);
/* url_audio_key(a) equals url_audio_key(b). */
bool url_same_audio(const char *a, const char *b);

/* Registers with redact_add what is secret in a URL: its password and the values of parameters that look like
 * credentials. */
void url_redact_secrets(const char *text);

#endif
