#include "http/defer.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "http/exchange.h"
#include "http/reply.h"

/* A deferral has two holders: the exchange, and whoever will answer. It goes when both have let go of it. All fields
 * are guarded by the list's lock. */
struct server_deferral {
    struct deferral_list *list;
    struct server_deferral *next, *previous; /* among those without an answer */
    struct MHD_Connection *connection;
    int socket;
    enum server_defer_kind kind;
    bool attached;  /* the exchange holds it */
    bool held;      /* whoever will answer holds it */
    bool suspended; /* the connection is */
    bool answered;
    bool by_server; /* and not by whoever holds it */
    server_deferred *ended;
    server_deferred *fill; /* NULL when it was called */
    void *to;
};

struct deferral_list {
    pthread_mutex_t lock;
    struct server_deferral *first;
    size_t holders; /* of all deferrals together; the list goes with the last one */
    size_t count, long_count, longest;
    bool closed, end_long, end_all;
};

struct deferral_list *deferral_list_open(size_t longest) {
    struct deferral_list *list = memory_alloc(sizeof(*list));
    pthread_mutex_init(&list->lock, NULL);
    list->longest = longest;
    return list;
}

/* Ends a change of `list`, which may be the last one. */
static void unlock(struct deferral_list *list) {
    bool last = list->closed && list->holders == 0;
    pthread_mutex_unlock(&list->lock);
    if (last) {
        pthread_mutex_destroy(&list->lock);
        free(list);
    }
}

void deferral_list_close(struct deferral_list *list) {
    if (!list)
        return;
    pthread_mutex_lock(&list->lock);
    list->closed = true;
    unlock(list);
}

/* ---- with the lock ---- */

static void let_go(struct server_deferral *deferral) {
    deferral->list->holders--;
    if (!deferral->attached && !deferral->held)
        free(deferral);
}

static void unlink_waiting(struct server_deferral *deferral) {
    struct deferral_list *list = deferral->list;
    if (deferral->previous)
        deferral->previous->next = deferral->next;
    else
        list->first = deferral->next;
    if (deferral->next)
        deferral->next->previous = deferral->previous;
    list->count--;
    list->long_count -= deferral->kind == SERVER_DEFER_LONG;
}

static void set_answer(struct server_deferral *deferral, server_deferred *fill, void *to) {
    unlink_waiting(deferral);
    deferral->answered = true;
    deferral->fill = fill;
    deferral->to = to;
    if (deferral->suspended) {
        deferral->suspended = false;
        MHD_resume_connection(deferral->connection);
    }
}

static void end_waiting(struct server_deferral *deferral) {
    set_answer(deferral, deferral->ended, NULL);
    deferral->by_server = true;
}

static bool is_to_end(const struct server_deferral *deferral) {
    const struct deferral_list *list = deferral->list;
    return list->end_all || (list->end_long && deferral->kind == SERVER_DEFER_LONG);
}

static void fill_ended(void *to, const struct server_request *request, struct server_response *response) {
    (void)to;
    reply_error(request, response, true, 503, "unavailable", "The server is stopping.");
}

/* The client closed its side, or its connection broke. Data that waits (the next request) is none of that. */
static bool is_gone(int socket) {
    char byte;
    return recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* ---- the list ---- */

void deferral_list_end(struct deferral_list *list, bool all) {
    pthread_mutex_lock(&list->lock);
    list->end_long = true;
    list->end_all |= all;
    for (struct server_deferral *one = list->first, *next; one; one = next) {
        next = one->next;
        if (one->suspended && is_to_end(one))
            end_waiting(one);
    }
    unlock(list);
}

size_t deferral_list_drop_gone(struct deferral_list *list) {
    size_t dropped = 0;
    pthread_mutex_lock(&list->lock);
    for (struct server_deferral *one = list->first, *next; one; one = next) {
        next = one->next;
        if (one->suspended && is_gone(one->socket)) {
            end_waiting(one);
            dropped++;
        }
    }
    unlock(list);
    return dropped;
}

size_t deferral_list_count(struct deferral_list *list) {
    pthread_mutex_lock(&list->lock);
    size_t count = list->count;
    unlock(list);
    return count;
}

/* ---- the exchange's side ---- */

struct server_deferral *deferral_open(struct deferral_list *list, struct MHD_Connection *connection,
                                      enum server_defer_kind kind, server_deferred *ended) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct server_deferral *made = NULL;
    pthread_mutex_lock(&list->lock);
    if (kind != SERVER_DEFER_LONG || list->long_count < list->longest) {
        made = memory_alloc(sizeof(*made));
        *made = (struct server_deferral){.list = list,
                                         .next = list->first,
                                         .connection = connection,
                                         .socket = info->connect_fd,
                                         .kind = kind,
                                         .attached = true,
                                         .held = true,
                                         .ended = ended ? ended : fill_ended};
        if (list->first)
            list->first->previous = made;
        list->first = made;
        list->holders += 2;
        list->count++;
        list->long_count += kind == SERVER_DEFER_LONG;
    }
    unlock(list);
    return made;
}

bool deferral_wait(struct server_deferral *deferral) {
    struct deferral_list *list = deferral->list;
    pthread_mutex_lock(&list->lock);
    if (!deferral->answered && is_to_end(deferral))
        end_waiting(deferral);
    if (!deferral->answered) {
        MHD_suspend_connection(deferral->connection);
        deferral->suspended = true;
    }
    bool suspended = deferral->suspended;
    unlock(list);
    return suspended;
}

void deferral_fill(struct server_deferral *deferral, const struct server_request *request,
                   struct server_response *response) {
    struct deferral_list *list = deferral->list;
    pthread_mutex_lock(&list->lock);
    server_deferred *fill = deferral->fill;
    void *to = deferral->to;
    deferral->fill = NULL;
    unlock(list);
    if (fill)
        fill(to, request, response);
}

void deferral_detach(struct server_deferral *deferral) {
    if (!deferral)
        return;
    struct deferral_list *list = deferral->list;
    pthread_mutex_lock(&list->lock);
    server_deferred *fill = deferral->by_server ? NULL : deferral->fill; /* an answer that nobody came to take */
    void *to = deferral->to;
    if (!deferral->answered) {
        unlink_waiting(deferral);
        deferral->answered = true;
    }
    deferral->attached = false;
    let_go(deferral);
    unlock(list);
    if (fill)
        fill(to, NULL, NULL);
}

/* ---- the handler's side ---- */

struct server_deferral *server_defer(const struct server_request *request, enum server_defer_kind kind,
                                     server_deferred *ended) {
    return exchange_defer(request->exchange, kind, ended);
}

void server_deferral_answer(struct server_deferral *deferral, server_deferred *fill, void *to) {
    struct deferral_list *list = deferral->list;
    pthread_mutex_lock(&list->lock);
    /* What was waited for long may not be given twice (a task of an activity), so its client must still be there. */
    if (deferral->suspended && deferral->kind == SERVER_DEFER_LONG && is_gone(deferral->socket))
        end_waiting(deferral);
    bool late = deferral->answered;
    if (!late)
        set_answer(deferral, fill, to);
    deferral->held = false;
    let_go(deferral);
    unlock(list);
    if (late)
        fill(to, NULL, NULL);
}
