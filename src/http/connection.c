#include "http/connection.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct connection {
    struct connection *next, *previous;
    int handle;
    unsigned char address[16]; /* IPv4 as ::ffff:a.b.c.d */
    int64_t deadline_ms;
};

struct connection_list {
    pthread_mutex_t lock; /* guards all below, and the fields of every connection */
    struct connection *first;
    size_t count;
    unsigned per_address;
};

struct connection_list *connection_list_open(unsigned per_address) {
    struct connection_list *list = memory_alloc(sizeof(*list));
    pthread_mutex_init(&list->lock, NULL);
    list->per_address = per_address;
    return list;
}

void connection_list_close(struct connection_list *list) {
    if (!list)
        return;
    while (list->first)
        connection_remove(list, list->first);
    pthread_mutex_destroy(&list->lock);
    free(list);
}

/* The address in 16 bytes. An IPv6 client is told by its network's first 64 bits, since it has the rest to choose from.
 */
static void address_bytes(const struct sockaddr *address, unsigned char bytes[16]) {
    memset(bytes, 0, 16);
    if (address->sa_family == AF_UNIX)
        bytes[15] = 1; /* of this machine, as ::1 is */
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
        bytes[10] = bytes[11] = 0xFF;
        memcpy(bytes + 12, &four->sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;
        const struct in6_addr *number = &six->sin6_addr;
        bool whole = IN6_IS_ADDR_V4MAPPED(number) || IN6_IS_ADDR_LOOPBACK(number);
        memcpy(bytes, number, whole ? 16 : 8);
    }
}

static bool is_loopback(const unsigned char bytes[16]) {
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    static const unsigned char six[16] = {[15] = 1};
    return memcmp(bytes, six, 16) == 0 || (memcmp(bytes, mapped, 12) == 0 && bytes[12] == 127);
}

bool connection_is_loopback(const struct sockaddr *address) {
    unsigned char bytes[16];
    address_bytes(address, bytes);
    return is_loopback(bytes);
}

bool connection_allowed(struct connection_list *list, const struct sockaddr *address) {
    unsigned char bytes[16];
    address_bytes(address, bytes);
    if (is_loopback(bytes))
        return true;
    unsigned have = 0;
    pthread_mutex_lock(&list->lock);
    for (const struct connection *one = list->first; one; one = one->next)
        have += memcmp(one->address, bytes, 16) == 0;
    pthread_mutex_unlock(&list->lock);
    return have < list->per_address;
}

struct connection *connection_add(struct connection_list *list, int handle, const struct sockaddr *address,
                                  int64_t deadline_ms) {
    struct connection *connection = memory_alloc(sizeof(*connection));
    connection->handle = handle;
    connection->deadline_ms = deadline_ms;
    if (address)
        address_bytes(address, connection->address);
    pthread_mutex_lock(&list->lock);
    connection->next = list->first;
    if (list->first)
        list->first->previous = connection;
    list->first = connection;
    list->count++;
    pthread_mutex_unlock(&list->lock);
    return connection;
}

void connection_remove(struct connection_list *list, struct connection *connection) {
    pthread_mutex_lock(&list->lock);
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        list->first = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    list->count--;
    pthread_mutex_unlock(&list->lock);
    free(connection);
}

void connection_deadline(struct connection_list *list, struct connection *connection, int64_t deadline_ms) {
    pthread_mutex_lock(&list->lock);
    connection->deadline_ms = deadline_ms;
    pthread_mutex_unlock(&list->lock);
}

size_t connection_drop_late(struct connection_list *list, int64_t now_ms) {
    size_t dropped = 0;
    pthread_mutex_lock(&list->lock);
    for (struct connection *one = list->first; one; one = one->next) {
        if (now_ms < one->deadline_ms)
            continue;
        shutdown(one->handle, SHUT_RDWR);
        one->deadline_ms = INT64_MAX;
        dropped++;
    }
    pthread_mutex_unlock(&list->lock);
    return dropped;
}

size_t connection_count(struct connection_list *list) {
    pthread_mutex_lock(&list->lock);
    size_t count = list->count;
    pthread_mutex_unlock(&list->lock);
    return count;
}
