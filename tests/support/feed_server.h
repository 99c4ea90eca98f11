/* Starts tests/support/feed_server.py, whose own description lists how it can lie, and steers it. For tests: failures
 * end the test program with a line. */
#ifndef TIDEMILL_TESTS_FEED_SERVER_H
#define TIDEMILL_TESTS_FEED_SERVER_H

#include <jansson.h>

struct feed_server;

/* `root` is the folder it serves; NULL: none. Ends with exit code 77 when there is no Python. */
struct feed_server *feed_server_open(const char *root);
void feed_server_close(struct feed_server *server);

int feed_server_port(const struct feed_server *server);
/* "http://127.0.0.1:PORT" and `path`, in a buffer that lives as long as the server (each call has its own). */
const char *feed_server_url(struct feed_server *server, const char *path);
/* The same with another name or address for this machine, or with user information: "http://HOST:PORT/…". */
const char *feed_server_url_at(struct feed_server *server, const char *host, const char *path);

/* Sets rules: JSON text with ' for ", as in "{'/a.mp3': {'cut': 100}}". */
void feed_server_rules(struct feed_server *server, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Removes all rules and the log. */
void feed_server_reset(struct feed_server *server);
/* The requests so far; the caller releases the array. */
json_t *feed_server_log(struct feed_server *server);
json_t *feed_server_stats(struct feed_server *server);

#endif
