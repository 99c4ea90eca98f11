#include "support/feed_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/memory.h"
#include "base/text.h"

struct feed_server {
    pid_t process;
    int input; /* closing it ends the server */
    int port;
    struct arena *arena;
};

static void die(const char *what) {
    perror(what);
    exit(1);
}

struct feed_server *feed_server_open(const char *root) {
    const char *source = getenv("SOURCE_DIR");
    char script[4096];
    snprintf(script, sizeof(script), "%s/tests/support/feed_server.py", source ? source : ".");
    int in[2];
    int out[2];
    if (pipe(in) != 0 || pipe(out) != 0)
        die("pipe");
    pid_t process = fork();
    if (process < 0)
        die("fork");
    if (process == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[0]);
        close(in[1]);
        close(out[0]);
        close(out[1]);
        execlp("python3", "python3", script, "--root", root ? root : "/nonexistent", (char *)NULL);
        _exit(77);
    }
    close(in[0]);
    close(out[1]);
    struct feed_server *server = memory_alloc(sizeof(*server));
    server->process = process;
    server->input = in[1];
    server->arena = arena_open();
    FILE *lines = fdopen(out[0], "r");
    if (!lines || fscanf(lines, "%d", &server->port) != 1) {
        int status = 0;
        waitpid(process, &status, 0);
        fprintf(stderr, "feed_server.py did not start\n");
        exit(WIFEXITED(status) && WEXITSTATUS(status) == 77 ? 77 : 1);
    }
    fclose(lines);
    return server;
}

void feed_server_close(struct feed_server *server) {
    if (!server)
        return;
    close(server->input);
    waitpid(server->process, NULL, 0);
    arena_close(server->arena);
    free(server);
}

int feed_server_port(const struct feed_server *server) {
    return server->port;
}

const char *feed_server_url_at(struct feed_server *server, const char *host, const char *path) {
    return arena_format(server->arena, "http://%s:%d%s", host, server->port, path);
}

const char *feed_server_url(struct feed_server *server, const char *path) {
    return feed_server_url_at(server, "127.0.0.1", path);
}

/* A plain exchange of its own, so that the client under test is not the one that sets up its tests. The caller frees
 * the answer's body. */
static char *exchange(struct feed_server *server, const char *method, const char *path, const char *body) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
        die("connect to feed_server.py");
    dprintf(fd, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", method, path,
            strlen(body), body);
    struct text answer;
    text_open(&answer, 64u << 20);
    char piece[65536];
    ssize_t got;
    while ((got = read(fd, piece, sizeof(piece))) > 0)
        text_append_part(&answer, piece, (size_t)got);
    close(fd);
    const char *start = strstr(text_value(&answer), "\r\n\r\n");
    if (!start || !text_starts(text_value(&answer), "HTTP/1.1 200")) {
        fprintf(stderr, "feed_server.py answered: %.300s\n", text_value(&answer));
        exit(1);
    }
    char *copy = memory_text(start + 4);
    text_close(&answer);
    return copy;
}

void feed_server_rules(struct feed_server *server, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *rules = arena_format_list(server->arena, format, arguments);
    va_end(arguments);
    for (char *c = rules; *c; c++) {
        if (*c == '\'')
            *c = '"';
    }
    free(exchange(server, "POST", "/control", rules));
}

void feed_server_reset(struct feed_server *server) {
    free(exchange(server, "DELETE", "/control", ""));
}

static json_t *get_json(struct feed_server *server, const char *path) {
    char *text = exchange(server, "GET", path, "");
    json_t *value = json_loads(text, 0, NULL);
    free(text);
    if (!value) {
        fprintf(stderr, "feed_server.py: no JSON at %s\n", path);
        exit(1);
    }
    return value;
}

json_t *feed_server_log(struct feed_server *server) {
    return get_json(server, "/control/log");
}

json_t *feed_server_stats(struct feed_server *server) {
    return get_json(server, "/control/stats");
}
