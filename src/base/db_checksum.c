/* The layer sees pages when they go into the database's file and come out of it, which in WAL mode is at checkpoints
 * and at reads that no cache answers; the log is left alone. What the methods have to do: SQLite's documentation, "OS
 * Interface". */
#include "base/db_checksum.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { HEADER_RESERVED_AT = 20, PAGE_LEAST = 512, PAGE_MOST = 65536 };

#define LAYER_NAME "tidemill-checksum"

struct checked_file {
    sqlite3_file file;
    sqlite3_file *below; /* stands behind this struct */
    bool checked;        /* the database's header says that pages have the place */
};

static sqlite3_vfs *below_vfs;
static sqlite3_vfs layer;
static bool layer_stands;

static sqlite3_file *below(sqlite3_file *file) {
    return ((struct checked_file *)(void *)file)->below;
}

/* The sums of SQLite's log (SQLite file format, "4.2. Checksum Algorithm"), begun with the page's number so that a page
 * in the wrong place is found out, and that nothing but zeros is wrong too. */
static void page_sum(const unsigned char *page, int size, int64_t number, unsigned char sum[DB_CHECKSUM_BYTES]) {
    uint32_t s1 = (uint32_t)number + 1;
    uint32_t s2 = 0x7469646D;
    for (int i = 0; i + DB_CHECKSUM_BYTES < size; i += DB_CHECKSUM_BYTES) {
        uint32_t words[2];
        memcpy(words, page + i, sizeof(words));
        s1 += words[0] + s2;
        s2 += words[1] + s1;
    }
    memcpy(sum, &s1, sizeof(s1));
    memcpy(sum + sizeof(s1), &s2, sizeof(s2));
}

static bool is_page(int amount, sqlite3_int64 at) {
    return amount >= PAGE_LEAST && amount <= PAGE_MOST && !(amount & (amount - 1)) && at % amount == 0;
}

/* The header is seen first of all: SQLite reads it at opening, and writes it when it makes the file. */
static void look_at_header(struct checked_file *checked, const void *data, int amount, sqlite3_int64 at) {
    if (at == 0 && amount > HEADER_RESERVED_AT)
        checked->checked = ((const unsigned char *)data)[HEADER_RESERVED_AT] == DB_CHECKSUM_BYTES;
}

static int file_read(sqlite3_file *file, void *data, int amount, sqlite3_int64 at) {
    struct checked_file *checked = (struct checked_file *)(void *)file;
    int code = checked->below->pMethods->xRead(checked->below, data, amount, at);
    if (code != SQLITE_OK)
        return code;
    look_at_header(checked, data, amount, at);
    if (!checked->checked || !is_page(amount, at))
        return SQLITE_OK;
    unsigned char sum[DB_CHECKSUM_BYTES];
    page_sum(data, amount, at / amount, sum);
    if (memcmp((const unsigned char *)data + amount - DB_CHECKSUM_BYTES, sum, sizeof(sum)) == 0)
        return SQLITE_OK;
    sqlite3_log(SQLITE_IOERR_DATA, "page %lld is damaged", (long long)(at / amount + 1));
    return SQLITE_IOERR_DATA;
}

static int file_write(sqlite3_file *file, const void *data, int amount, sqlite3_int64 at) {
    struct checked_file *checked = (struct checked_file *)(void *)file;
    look_at_header(checked, data, amount, at);
    if (!checked->checked || !is_page(amount, at))
        return checked->below->pMethods->xWrite(checked->below, data, amount, at);
    unsigned char *page = memory_alloc((size_t)amount); /* the caller's bytes are not to be changed */
    memcpy(page, data, (size_t)amount);
    page_sum(page, amount, at / amount, page + amount - DB_CHECKSUM_BYTES);
    int code = checked->below->pMethods->xWrite(checked->below, page, amount, at);
    free(page);
    return code;
}

/* ---- the rest is handed down ---- */

static int file_close(sqlite3_file *file) {
    return below(file)->pMethods->xClose(below(file));
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    return below(file)->pMethods->xTruncate(below(file), size);
}

static int file_sync(sqlite3_file *file, int flags) {
    return below(file)->pMethods->xSync(below(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
    return below(file)->pMethods->xFileSize(below(file), size);
}

static int file_lock(sqlite3_file *file, int level) {
    return below(file)->pMethods->xLock(below(file), level);
}

static int file_unlock(sqlite3_file *file, int level) {
    return below(file)->pMethods->xUnlock(below(file), level);
}

static int file_is_reserved(sqlite3_file *file, int *is) {
    return below(file)->pMethods->xCheckReservedLock(below(file), is);
}

static int file_control(sqlite3_file *file, int operation, void *argument) {
    return below(file)->pMethods->xFileControl(below(file), operation, argument);
}

static int file_sector(sqlite3_file *file) {
    return below(file)->pMethods->xSectorSize(below(file));
}

static int file_device(sqlite3_file *file) {
    return below(file)->pMethods->xDeviceCharacteristics(below(file));
}

static int file_map(sqlite3_file *file, int region, int size, int extend, void volatile **at) {
    return below(file)->pMethods->xShmMap(below(file), region, size, extend, at);
}

static int file_map_lock(sqlite3_file *file, int offset, int count, int flags) {
    return below(file)->pMethods->xShmLock(below(file), offset, count, flags);
}

static void file_map_barrier(sqlite3_file *file) {
    below(file)->pMethods->xShmBarrier(below(file));
}

static int file_unmap(sqlite3_file *file, int remove) {
    return below(file)->pMethods->xShmUnmap(below(file), remove);
}

/* Version 2: without xFetch, by which pages would be seen unchecked. */
static const sqlite3_io_methods methods = {.iVersion = 2,
                                           .xClose = file_close,
                                           .xRead = file_read,
                                           .xWrite = file_write,
                                           .xTruncate = file_truncate,
                                           .xSync = file_sync,
                                           .xFileSize = file_size,
                                           .xLock = file_lock,
                                           .xUnlock = file_unlock,
                                           .xCheckReservedLock = file_is_reserved,
                                           .xFileControl = file_control,
                                           .xSectorSize = file_sector,
                                           .xDeviceCharacteristics = file_device,
                                           .xShmMap = file_map,
                                           .xShmLock = file_map_lock,
                                           .xShmBarrier = file_map_barrier,
                                           .xShmUnmap = file_unmap};

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
    (void)vfs;
    if (!(flags & SQLITE_OPEN_MAIN_DB)) /* logs, journals, temporary files */
        return below_vfs->xOpen(below_vfs, name, file, flags, out);
    struct checked_file *checked = (struct checked_file *)(void *)file;
    *checked = (struct checked_file){.below = (sqlite3_file *)(void *)(checked + 1)};
    int code = below_vfs->xOpen(below_vfs, name, checked->below, flags, out);
    if (checked->below->pMethods) /* then SQLite closes it, also after a failure */
        checked->file.pMethods = &methods;
    return code;
}

static void set_up(void) {
    below_vfs = sqlite3_vfs_find(NULL);
    if (!below_vfs)
        return;
    layer = *below_vfs; /* the functions that open no file do not look at whose they are */
    layer.zName = LAYER_NAME;
    layer.szOsFile = (int)sizeof(struct checked_file) + below_vfs->szOsFile;
    layer.xOpen = open_file;
    layer_stands = sqlite3_vfs_register(&layer, 0) == SQLITE_OK;
}

const char *db_checksum_vfs(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up);
    return layer_stands ? LAYER_NAME : NULL;
}

void db_checksum_reserve(sqlite3 *handle) {
    int bytes = DB_CHECKSUM_BYTES;
    sqlite3_file_control(handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes);
}
