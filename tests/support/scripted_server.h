/* An HTTP server on a thread of its own that answers what it was told, one connection a request, and keeps what it was
 * asked. For tests of clients; failures end the test program with a line. */
#ifndef TIDEMILL_TESTS_SUPPORT_SCRIPTED_SERVER_H
#define TIDEMILL_TESTS_SUPPORT_SCRIPTED_SERVER_H

struct scripted_server;

struct scripted_server *scripted_server_open(void);
void scripted_server_close(struct scripted_server *server);

/* "http://127.0.0.1:PORT", as long as the server lives. */
const char *scripted_server_url(const struct scripted_server *server);

/* The next answer that has none yet: status, further header lines ("Name: value\r\n", may be ""), body. A request for
 * which there is no answer gets 599. NULL as body: the connection is closed without a word. */
void scripted_server_say(struct scripted_server *server, int status, const char *headers, const char *body);

/* The last request, head and body as they came; lives until the next one. "" if there was none. */
const char *scripted_server_heard(struct scripted_server *server);
/* How many requests came, and forgets them, with the answers that were not used. */
unsigned scripted_server_reset(struct scripted_server *server);

#endif
