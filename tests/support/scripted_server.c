#include "support/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

enum { ANSWERS_MOST = 32 };

struct scripted_server {
    int listening;
    pthread_t thread;
    char url[64];
    pthread_mutex_t lock; /* guards the rest */
    char *answers[ANSWERS_MOST];
    bool silent[ANSWERS_MOST];
    unsigned first, count, requests;
    char *heard, *shown;
};

static void must(bool good, const char *what) {
    if (good)
        return;
    fprintf(stderr, "scripted server: %s\n", what);
    abort();
}

/* Reads a request with its body. False when the peer went away. */
static bool hear(int link, struct text *got) {
    char part[4096];
    for (;;) {
        const char *end = got->data ? strstr(got->data, "\r\n\r\n") : NULL;
        const char *length = got->data ? strcasestr(got->data, "Content-Length:") : NULL;
        if (end &&
            (!length || length > end || got->length >= (size_t)(end + 4 - got->data) + strtoul(length + 15, NULL, 10)))
            return true;
        ssize_t size = recv(link, part, sizeof(part), 0);
        if (size <= 0)
            return false;
        text_append_part(got, part, (size_t)size);
    }
}

static void answer(struct scripted_server *server, int link) {
    struct text got TEXT_SCOPED;
    text_open(&got, 1 << 24);
    if (!hear(link, &got))
        return;
    char *said = NULL;
    bool silent = false;
    pthread_mutex_lock(&server->lock);
    server->requests++;
    free(server->heard);
    server->heard = text_take(&got);
    if (server->count > 0) {
        said = server->answers[server->first];
        silent = server->silent[server->first];
        server->first = (server->first + 1) % ANSWERS_MOST;
        server->count--;
    }
    pthread_mutex_unlock(&server->lock);
    const char *text = said ? said : "HTTP/1.1 599 None\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    for (size_t sent = 0, length = silent ? 0 : strlen(text); sent < length;) {
        ssize_t part = send(link, text + sent, length - sent, MSG_NOSIGNAL);
        if (part <= 0)
            break;
        sent += (size_t)part;
    }
    free(said);
}

static void *serve(void *of) {
    struct scripted_server *server = of;
    int link;
    while ((link = accept(server->listening, NULL, NULL)) >= 0) {
        answer(server, link);
        shutdown(link, SHUT_WR);
        close(link);
    }
    return NULL;
}

struct scripted_server *scripted_server_open(void) {
    struct scripted_server *server = memory_alloc(sizeof(*server));
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(where);
    pthread_mutex_init(&server->lock, NULL);
    server->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(server->listening, (struct sockaddr *)&where, sizeof(where)) == 0 && listen(server->listening, 64) == 0 &&
             getsockname(server->listening, (struct sockaddr *)&where, &size) == 0,
         "cannot listen");
    snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%d", ntohs(where.sin_port));
    must(pthread_create(&server->thread, NULL, serve, server) == 0, "cannot start its thread");
    return server;
}

void scripted_server_close(struct scripted_server *server) {
    shutdown(server->listening, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listening);
    scripted_server_reset(server);
    free(server->shown);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

const char *scripted_server_url(const struct scripted_server *server) {
    return server->url;
}

void scripted_server_say(struct scripted_server *server, int status, const char *headers, const char *body) {
    struct text text;
    text_open(&text, 1 << 24);
    text_append_format(&text, "HTTP/1.1 %d Said\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n", status,
                       body ? strlen(body) : 0, headers);
    text_append(&text, body ? body : "");
    pthread_mutex_lock(&server->lock);
    must(server->count < ANSWERS_MOST, "too many answers");
    unsigned at = (server->first + server->count++) % ANSWERS_MOST;
    server->answers[at] = text_take(&text);
    server->silent[at] = body == NULL;
    pthread_mutex_unlock(&server->lock);
}

const char *scripted_server_heard(struct scripted_server *server) {
    pthread_mutex_lock(&server->lock);
    free(server->shown);
    server->shown = memory_text(server->heard ? server->heard : "");
    pthread_mutex_unlock(&server->lock);
    return server->shown;
}

unsigned scripted_server_reset(struct scripted_server *server) {
    pthread_mutex_lock(&server->lock);
    unsigned requests = server->requests;
    for (; server->count > 0; server->count--) {
        free(server->answers[server->first]);
        server->first = (server->first + 1) % ANSWERS_MOST;
    }
    free(server->heard);
    server->heard = NULL;
    server->requests = 0;
    pthread_mutex_unlock(&server->lock);
    return requests;
}
