/* The open connections: how many an address has, and until when each must have got somewhere. One lock inside; any
 * thread.
 *
 * libmicrohttpd's own limit counts from the last byte, so a client that sends one byte a minute would hold its place
 * for good. Here each phase of a connection has a deadline that bytes do not move: the head of a request, its body, the
 * wait for the next request. */
#ifndef TIDEMILL_HTTP_CONNECTION_H
#define TIDEMILL_HTTP_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct connection_list;
struct connection;

struct connection_list *connection_list_open(unsigned per_address);
void connection_list_close(struct connection_list *list); /* NULL is allowed; all connections must be gone */

bool connection_is_loopback(const struct sockaddr *address);

/* May this address open one more? Loopback addresses always may. */
bool connection_allowed(struct connection_list *list, const struct sockaddr *address);

/* A connection over socket `handle` (borrowed), which must be gone from the list before the socket is closed. */
struct connection *connection_add(struct connection_list *list, int handle, const struct sockaddr *address,
                                  int64_t deadline_ms);
void connection_remove(struct connection_list *list, struct connection *connection);

/* The monotonic time by which the present phase must be over; INT64_MAX: no limit of ours. */
void connection_deadline(struct connection_list *list, struct connection *connection, int64_t deadline_ms);

/* Shuts the sockets of those over their deadline down; their threads then see the end. Returns how many. */
size_t connection_drop_late(struct connection_list *list, int64_t now_ms);

size_t connection_count(struct connection_list *list);

#endif
