/* Log lines for whoever runs the program, on stderr. Library code returns errors and logs at debug only; commands and
 * the server log the rest. Secrets that were registered never appear: each occurrence prints as ***. Control characters
 * print as escapes, so that no title can forge a line. */
#ifndef TIDEMILL_BASE_LOG_H
#define TIDEMILL_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_TRACE, LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

/* What is below `level` is left out; LOG_WARN at start. Any thread. */
void log_set_level(enum log_level level);
enum log_level log_level(void);
/* "trace" … "error", "off". */
bool log_level_parse(const char *name, enum log_level *level);

/* Where lines go instead of stderr (tests, the server's file); NULL restores stderr. Set before threads start. */
void log_set_sink(void (*sink)(void *to, enum log_level level, const char *line), void *to);

/* "2026-11-23T01:22:45.123Z warn  feed: hardfork: …". `room` names the speaker. */
void log_line(enum log_level level, const char *room, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define log_debug(room, ...) log_line(LOG_DEBUG, room, __VA_ARGS__)
#define log_info(room, ...) log_line(LOG_INFO, room, __VA_ARGS__)
#define log_warn(room, ...) log_line(LOG_WARN, room, __VA_ARGS__)
#define log_error(room, ...) log_line(LOG_ERROR, room, __VA_ARGS__)

/* From now on `secret` (at least 4 bytes; shorter ones are ignored) prints as *** in every log line and in what
 * redact_text is given. Copied. Any thread. */
void redact_add(const char *secret);
/* Forgets one that is of no use to anybody any more (a session token after its end). NULL is allowed. */
void redact_remove(const char *secret);
/* Replaces registered secrets in `text` by ***, in place (the text gets no longer). Returns `text`. */
char *redact_text(char *text);
/* Writes `url` to `out` with its user information and the values of query parameters that look like credentials (token,
 * key, auth, sig, secret, password, …) as ***; also long random-looking path parts of private feeds. Returns `out`. */
char *redact_url(const char *url, char *out, size_t size);

#endif
