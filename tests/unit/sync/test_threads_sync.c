/* Many objects by many workers, and listings that nobody reads to their end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "store/object/directory.h"
#include "support/memory_store.h"
#include "support/scratch.h"
#include "support/unit.h"
#include "sync/listing.h"
#include "sync/sync.h"

enum { OBJECTS = 300 };

static void fill(struct object_store *store, const char *folder) {
    for (int i = 0; i < OBJECTS; i++) {
        char key[64];
        char text[64];
        snprintf(key, sizeof(key), "%s/%03d", folder, i);
        int length = snprintf(text, sizeof(text), "%s %d", folder, i);
        assert_true(
            object_put_bytes(store, key, text, (size_t)length, &(struct object_put_options){.lazy = true}, NULL));
    }
}

static void many_workers(void **state) {
    (void)state;
    struct scratch *scratch = scratch_open();
    assert_int_equal(mkdir(scratch_path(scratch, "left"), 0755), 0);
    struct object_store *left = directory_store_open(scratch_path(scratch, "left"), NULL);
    struct object_store *right = memory_store_open(&(struct memory_settings){0});
    fill(left, "up");
    fill(right, "down");
    fill(left, "same");
    fill(right, "same");
    struct sync_settings settings = {
        .left = left,
        .right = right,
        .left_name = "left",
        .right_name = "right",
        .direction = SYNC_BOTH,
        .memory = scratch_path(scratch, "memory"),
        .jobs = 16,
    };
    struct sync_report report;
    for (int round = 0; round < 2; round++) {
        struct sync *sync = sync_open(&settings, NULL);
        assert_non_null(sync);
        assert_true(sync_look(sync, NULL));
        assert_true(sync_carry_out(sync, NULL));
        sync_report_read(sync, &report);
        sync_close(sync);
        assert_int_equal(report.right.copied, round ? 0 : OBJECTS);
        assert_int_equal(report.left.copied, round ? 0 : OBJECTS);
        assert_int_equal(report.failed, 0);
    }
    assert_int_equal(report.equal, 3 * OBJECTS);
    assert_int_equal(memory_store_count(right), 3 * OBJECTS);
    object_store_close(left);
    object_store_close(right);
    scratch_close(scratch);
}

static void broken_off_listings(void **state) {
    (void)state;
    static const struct filter none = {0};
    struct object_store *store = memory_store_open(&(struct memory_settings){0});
    for (int i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof(name), "folder%d", i);
        fill(store, name);
    }
    for (int read = 0; read < 40; read++) {
        struct listing *listing = listing_open(store, NULL, 0, &none, NULL);
        struct listing_item item;
        assert_non_null(listing);
        for (int i = 0; i < read * 50; i++)
            assert_int_equal(listing_next(listing, &item, NULL), 1);
        listing_close(listing);
    }
    const char *prefixes[] = {"folder7/", "folder2/"};
    struct listing *listing = listing_open(store, prefixes, 2, &none, NULL);
    struct listing_item item;
    char last[64] = "";
    while (listing_next(listing, &item, NULL) == 1) {
        assert_true(strcmp(last, item.key) < 0);
        snprintf(last, sizeof(last), "%s", item.key);
    }
    assert_int_equal(listing_count(listing), 2 * OBJECTS);
    assert_string_equal(last, "folder7/299");
    listing_close(listing);
    object_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_workers),
        cmocka_unit_test(broken_off_listings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
