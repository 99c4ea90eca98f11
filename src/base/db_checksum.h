/* A layer below SQLite that keeps a checksum in each page of a database, in eight bytes that SQLite leaves free there
 * for such use ("reserved space" in its file format). A page that was damaged or stands in another one's place is
 * an error (SQLITE_IOERR_DATA) when it is read, never other data: SQLite itself has checksums in its log only. A file
 * that was made without them is read and written as it is. */
#ifndef TIDEMILL_BASE_DB_CHECKSUM_H
#define TIDEMILL_BASE_DB_CHECKSUM_H

#include <sqlite3.h>

enum { DB_CHECKSUM_BYTES = 8 };

/* The name to open a database by (sqlite3_open_v2); NULL when SQLite could not take it. From any thread. */
const char *db_checksum_vfs(void);

/* Asks for the place in each page; before the first table of a new database. */
void db_checksum_reserve(sqlite3 *handle);

#endif
