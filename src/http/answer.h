/* Turns a filled response into what goes over the wire: decides between 200, 206, 304 and 416, compresses, sets the
 * headers. */
#ifndef TIDEMILL_HTTP_ANSWER_H
#define TIDEMILL_HTTP_ANSWER_H

#include <microhttpd.h>

#include "http/message.h"

/* How an answer is sent. */
struct answer_facts {
    bool is_public; /* any origin may read it */
    bool last;      /* the connection closes after it */
};

/* Queues `response` for `request` on the connection; the response's file is closed in any case. *status and *bytes say
 * what was decided. False when the connection must be given up. */
bool answer_queue(struct MHD_Connection *connection, const struct server_request *request,
                  struct server_response *response, const struct answer_facts *facts, int *status, uint64_t *bytes);

#endif
