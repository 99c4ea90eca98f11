/* Requests over a socket of the machine: the URL's host is only a name, and no address is judged. */
#include "support/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/http_client.h"
#include "support/scratch.h"

struct peer {
    int listener;
    char request[2048];
};

/* Takes one request, remembers it and answers. */
static void *serve(void *to) {
    struct peer *peer = to;
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
    int handle = accept(peer->listener, NULL, NULL);
    size_t length = 0;
    ssize_t got = 0;
    while (length + 1 < sizeof(peer->request) && !strstr(peer->request, "\r\n\r\nbody") &&
           (got = read(handle, peer->request + length, sizeof(peer->request) - 1 - length)) > 0)
        length += (size_t)got;
    ssize_t written = write(handle, answer, sizeof(answer) - 1);
    (void)written;
    close(handle);
    return NULL;
}

static void request_goes_over_the_socket(void **unused) {
    (void)unused;
    struct scratch *scratch = scratch_open();
    const char *path = scratch_path(scratch, "s");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    struct peer peer = {.listener = socket(AF_UNIX, SOCK_STREAM, 0)};
    assert_int_equal(bind(peer.listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(peer.listener, 1), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, serve, &peer), 0);

    struct error err = {0};
    struct http_client_settings settings = {.unix_socket = path, .attempts = 1};
    struct http_client *client = http_client_open(&settings, &err);
    assert_non_null(client);
    struct http_body body = {.data = "body", .length = 4};
    struct http_request request = {.method = "POST", .url = "http://nowhere.example/path", .body = &body};
    struct http_response response = {0};
    assert_true(http_perform(client, scratch->arena, &request, &response, &err));
    assert_int_equal(response.status, 200);
    assert_string_equal(response.body, "hello");
    pthread_join(thread, NULL);
    assert_non_null(strstr(peer.request, "POST /path HTTP/1.1\r\n"));
    assert_non_null(strstr(peer.request, "Host: nowhere.example\r\n"));
    close(peer.listener);

    /* Nobody listens any more. */
    assert_false(http_perform(client, scratch->arena, &request, &response, &err));
    assert_int_equal(err.code, ERROR_NETWORK);
    http_client_close(client);
    scratch_close(scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_goes_over_the_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
