#include "support/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/connection.h"

static struct sockaddr_storage address_of(const char *text) {
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)&storage;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)&storage;
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1)
        storage.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1)
        storage.ss_family = AF_INET6;
    else
        fail_msg("%s is no address", text);
    return storage;
}

static const struct sockaddr *plain(const struct sockaddr_storage *storage) {
    return (const struct sockaddr *)storage;
}

static void only_those_over_their_time_are_dropped(void **state) {
    int pairs[3][2];
    struct connection *connections[3];
    struct sockaddr_storage address = address_of("192.0.2.1");
    struct connection_list *list = connection_list_open(10);
    char byte;
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), 0);
        connections[i] = connection_add(list, pairs[i][0], plain(&address), 1000 + i);
    }
    assert_int_equal(connection_drop_late(list, 999), 0);
    connection_deadline(list, connections[2], INT64_MAX);
    assert_int_equal(connection_drop_late(list, 1000), 1);
    assert_int_equal(connection_drop_late(list, 1000), 0); /* once is enough */
    assert_int_equal(recv(pairs[0][1], &byte, 1, MSG_DONTWAIT), 0);
    assert_int_equal(recv(pairs[1][1], &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(connection_drop_late(list, INT64_MAX - 1), 1);
    assert_int_equal(recv(pairs[2][1], &byte, 1, MSG_DONTWAIT), -1);
    connection_remove(list, connections[1]); /* the middle, the ends */
    assert_int_equal(connection_count(list), 2);
    connection_remove(list, connections[2]);
    connection_remove(list, connections[0]);
    assert_int_equal(connection_count(list), 0);
    connection_list_close(list);
    for (int i = 0; i < 3; i++) {
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
}

static void an_address_has_a_limit(void **state) {
    static const struct {
        const char *held, *asks;
        bool allowed;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", false},
        {"192.0.2.1", "192.0.2.2", true},
        {"::ffff:192.0.2.1", "192.0.2.1", false},           /* the same client over a socket of both families */
        {"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", false}, /* one network, one client */
        {"2001:db8:1:2::1", "2001:db8:1:3::1", true},
        {"127.0.0.1", "127.0.0.1", true}, /* a proxy in front */
        {"::1", "::1", true},
        {"::ffff:127.0.0.1", "::ffff:127.0.0.1", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct connection_list *list = connection_list_open(2);
        struct sockaddr_storage held = address_of(rows[i].held), asks = address_of(rows[i].asks);
        struct connection *one = connection_add(list, -1, plain(&held), INT64_MAX);
        assert_true(connection_allowed(list, plain(&asks)));
        connection_add(list, -1, plain(&held), INT64_MAX);
        if (connection_allowed(list, plain(&asks)) != rows[i].allowed)
            fail_msg("%s beside %s", rows[i].asks, rows[i].held);
        connection_remove(list, one);
        assert_true(connection_allowed(list, plain(&asks)));
        connection_list_close(list);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_those_over_their_time_are_dropped),
        cmocka_unit_test(an_address_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
