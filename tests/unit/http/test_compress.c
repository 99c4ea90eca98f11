#include "support/unit.h"

#include <string.h>

#include <zlib.h>

#include "http/compress.h"

static void acceptance(void **state) {
    static const struct {
        const char *header;
        bool taken;
    } rows[] = {
        {NULL, false},          {"", false},
        {"gzip", true},         {"GZIP", true},
        {"br, gzip", true},     {"br;q=1.0, gzip;q=0.1", true},
        {"gzip;q=0", false},    {"gzip; q=0.000", false},
        {"gzip;q=0.001", true}, {"*", true},
        {"*;q=0", false},       {"gzip;q=0, *", false},
        {"identity", false},    {"br", false},
        {"x-gzip", false},      {"gzipped", false},
        {",,gzip,,", true},     {" \t gzip", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (compress_accepted(rows[i].header) != rows[i].taken)
            fail_msg("%s", rows[i].header);
    }
}

static void kinds(void **state) {
    (void)state;
    assert_true(compress_worthwhile("text/html; charset=utf-8", 1000));
    assert_true(compress_worthwhile("application/json; charset=utf-8", 1000));
    assert_true(compress_worthwhile("image/svg+xml", 1000));
    assert_false(compress_worthwhile("text/html", 100));
    assert_false(compress_worthwhile("audio/mpeg", 100000));
    assert_false(compress_worthwhile("image/png", 100000));
    assert_false(compress_worthwhile(NULL, 100000));
}

/* Back through zlib's own reader. */
static void check_round(struct arena *arena, const unsigned char *data, size_t length) {
    size_t packed, again;
    unsigned char *gzip = compress_gzip(arena, data, length, &packed);
    unsigned char *back = arena_alloc(arena, length + 1);
    z_stream stream = {.next_in = gzip, .avail_in = (uInt)packed, .next_out = back, .avail_out = (uInt)length + 1};
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.total_out, length);
    assert_int_equal(stream.avail_in, 0);
    inflateEnd(&stream);
    assert_memory_equal(back, data, length);
    assert_memory_equal(compress_gzip(arena, data, length, &again), gzip, packed); /* the same every time */
    assert_int_equal(again, packed);
}

static void nothing_is_lost(void **state) {
    static const size_t lengths[] = {0, 1, 859, 4096, 100000, 3000000};
    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct arena *arena = arena_open();
        unsigned char *data = arena_alloc(arena, lengths[i] + 1);
        for (size_t k = 0; k < lengths[i]; k++)
            data[k] = (unsigned char)(k * 2654435761u >> (i % 2 ? 24 : 28));
        check_round(arena, data, lengths[i]);
        arena_close(arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acceptance),
        cmocka_unit_test(kinds),
        cmocka_unit_test(nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
