/* Answers that come later. A handler that would have to wait (for a commit, for a task, for an execution to end) asks
 * for a deferral, hands it to whoever will know the answer, and returns: its connection is suspended and no thread
 * waits. So a hundred callers that wait cost a hundred connections and nothing else.
 *
 *     void answer(void *to, const struct server_request *request, struct server_response *response) {
 *         struct server_deferral *deferral = server_defer(request, SERVER_DEFER_SHORT, NULL);
 *         work_start(to, deferral);     // which calls server_deferral_answer once, from any thread, maybe at once
 *     } */
#ifndef TIDEMILL_HTTP_DEFER_H
#define TIDEMILL_HTTP_DEFER_H

#include <stdbool.h>
#include <stddef.h>

#include "http/message.h"

struct server_deferral;

enum server_defer_kind {
    SERVER_DEFER_SHORT, /* soon: a server that stops waits for it */
    SERVER_DEFER_LONG, /* seconds or more (long polls): at most half of the connections may wait so; a server that stops
                          ends it at once */
};

/* Fills in an answer, on a thread of the server. `request` NULL: nobody waits any more, `to` is only to be released
 * (on whatever thread). Called exactly once. */
typedef void server_deferred(void *to, const struct server_request *request, struct server_response *response);

/* To be called by a handler, at most once for a request; after that the handler fills in no status or body (headers
 * already put on the response stay) and returns. The request may be read by other threads until the answer is given.
 * `ended` (with a `to` of NULL, and always a request) writes the answer when the server stops before; NULL: a plain
 * 503. Returns NULL when too many wait already (SERVER_DEFER_LONG): the handler says so itself. */
struct server_deferral *server_defer(const struct server_request *request, enum server_defer_kind kind,
                                     server_deferred *ended);

/* Gives the answer; takes over the deferral. Any thread, also after the client went away or the server was closed: then
 * `fill` is called without a request. */
void server_deferral_answer(struct server_deferral *deferral, server_deferred *fill, void *to);

/* ---- for the server ---- */

struct deferral_list;
struct MHD_Connection;

/* `longest`: how many SERVER_DEFER_LONG may wait at a time. */
struct deferral_list *deferral_list_open(size_t longest);
/* To be called when no exchange has a deferral any more; those that were not answered may still be. */
void deferral_list_close(struct deferral_list *list);
/* Answers those that wait long, or (`all`) all that wait, for the server; the same for those to come. */
void deferral_list_end(struct deferral_list *list, bool all);
/* Ends those whose client has closed the connection, since a suspended connection is not looked at otherwise. Returns
 * how many. */
size_t deferral_list_drop_gone(struct deferral_list *list);
/* How many wait. */
size_t deferral_list_count(struct deferral_list *list);

struct server_deferral *deferral_open(struct deferral_list *list, struct MHD_Connection *connection,
                                      enum server_defer_kind kind, server_deferred *ended);
/* The handler has returned: suspends the connection, unless the answer is there already. True if it was suspended. */
bool deferral_wait(struct server_deferral *deferral);
/* Lets the answer be filled in. */
void deferral_fill(struct server_deferral *deferral, const struct server_request *request,
                   struct server_response *response);
/* The exchange ends. */
void deferral_detach(struct server_deferral *deferral);

#endif
