#include "http/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

enum { BACKLOG = 128, HOST_LONGEST = 255 };

/* Cuts "HOST:PORT"; an empty host for every address. */
static bool split(const char *text, char host[HOST_LONGEST + 1], const char **port, struct error *err) {
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;
    bool bracketed = length >= 2 && text[0] == '[' && text[length - 1] == ']';
    uint64_t number;
    if (!colon || !text_to_uint64(colon + 1, &number) || number > 65535 || length > HOST_LONGEST ||
        (!bracketed && memchr(text, ':', length))) {
        error_set(err, ERROR_CONFIG, "cannot listen on %s", text);
        error_hint(err, "write HOST:PORT, as in 127.0.0.1:8080, [::1]:8080 or *:8080");
        return false;
    }
    if (bracketed)
        snprintf(host, HOST_LONGEST + 1, "%.*s", (int)(length - 2), text + 1);
    else
        snprintf(host, HOST_LONGEST + 1, "%.*s", (int)length, text);
    if (strcmp(host, "*") == 0)
        host[0] = 0;
    *port = colon + 1;
    return true;
}

/* One candidate; -1 with errno. */
static int listen_on(const struct addrinfo *candidate) {
    int handle = socket(candidate->ai_family, candidate->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (handle < 0)
        return -1;
    int on = 1, off = 0;
    setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)); /* a restart need not wait for old connections */
    if (candidate->ai_family == AF_INET6)
        setsockopt(handle, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(handle, candidate->ai_addr, candidate->ai_addrlen) == 0 && listen(handle, BACKLOG) == 0)
        return handle;
    int os = errno;
    close(handle);
    errno = os;
    return -1;
}

static bool listen_failed(int os, const char *text, struct error *err) {
    error_set_os(err, os, "cannot listen on %s", text);
    if (os == EADDRINUSE && err) {
        err->code = ERROR_BUSY;
        error_hint(err, "another program has this port; name another one, or 0 for any");
    }
    return false;
}

/* The file's mode keeps everybody else out. Whoever calls this holds the data directory's lock, so a socket that is
 * there is nobody's any more. */
static int listen_unix(const char *path, struct error *err) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        error_set(err, ERROR_CONFIG, "the path of the socket is longer than %zu bytes: %s",
                  sizeof(address.sun_path) - 1, path);
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    unlink(path);
    int handle = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (handle >= 0 && bind(handle, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
        chmod(path, 0600) == 0 && listen(handle, BACKLOG) == 0)
        return handle;
    error_set_os(err, errno, "cannot listen on %s", path);
    if (handle >= 0)
        close(handle);
    return -1;
}

int listen_open(const char *text, struct error *err) {
    if (text_starts(text, "unix:"))
        return listen_unix(text + 5, err);
    char host[HOST_LONGEST + 1] = "";
    const char *port;
    if (!split(text, host, &port, err))
        return -1;
    struct addrinfo wanted = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    int failed = getaddrinfo(host[0] ? host : NULL, port, &wanted, &found);
    if (failed) {
        error_set(err, ERROR_CONFIG, "cannot listen on %s: %s", text, gai_strerror(failed));
        return -1;
    }
    /* For every address IPv6 first, since such a socket takes IPv4 too; for a name the order that the system gives. */
    int handle = -1, os = EADDRNOTAVAIL;
    for (int round = 0; round < 2 && handle < 0; round++) {
        for (const struct addrinfo *one = found; one && handle < 0; one = one->ai_next) {
            bool early = !host[0] && one->ai_family == AF_INET6;
            if (early != (round == 0))
                continue;
            handle = listen_on(one);
            os = handle < 0 ? errno : 0;
        }
    }
    freeaddrinfo(found);
    if (handle < 0)
        listen_failed(os, text, err);
    return handle;
}

bool listen_address(int handle, char address[LISTEN_ADDRESS_SIZE], struct error *err) {
    struct sockaddr_storage storage = {0};
    socklen_t length = sizeof(storage);
    char host[64] = "", port[8] = "";
    if (getsockname(handle, (struct sockaddr *)&storage, &length) != 0)
        return error_set_os(err, errno, "cannot tell where the server listens");
    if (storage.ss_family == AF_UNIX) {
        snprintf(address, LISTEN_ADDRESS_SIZE, "unix socket");
        return true;
    }
    int failed = getnameinfo((const struct sockaddr *)&storage, length, host, sizeof(host), port, sizeof(port),
                             NI_NUMERICHOST | NI_NUMERICSERV);
    if (failed)
        return error_set(err, ERROR_IO, "cannot tell where the server listens: %s", gai_strerror(failed));
    bool all = strcmp(host, "::") == 0 || strcmp(host, "0.0.0.0") == 0;
    bool six = storage.ss_family == AF_INET6 && !all;
    snprintf(address, LISTEN_ADDRESS_SIZE, "http://%s%s%s:%s", six ? "[" : "", all ? "localhost" : host, six ? "]" : "",
             port);
    return true;
}
