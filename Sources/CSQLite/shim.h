#ifndef CSQLITE_SHIM_H
#define CSQLITE_SHIM_H

#include <sqlite3.h>
#include <time.h>

/// What Swift cannot import from SQLite: variadic functions, SQLITE_TRANSIENT, and a hook that needs a C callback.

/// Sets a boolean option of one connection, such as SQLITE_DBCONFIG_DEFENSIVE. Returns SQLite's code.
static inline int csqlite_configure(sqlite3 *database, int option, int value) {
    return sqlite3_db_config(database, option, value, (int *)0);
}

/// Binds a copy of `length` bytes of UTF-8. Returns SQLite's code.
static inline int csqlite_bind_text(sqlite3_stmt *statement, int index, const char *text, int length) {
    return sqlite3_bind_text(statement, index, text, length, SQLITE_TRANSIENT);
}

/// Binds a copy of `length` bytes; `bytes` may be null only when `length` is nought. Returns SQLite's code.
static inline int csqlite_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, int length) {
    if (length == 0) return sqlite3_bind_zeroblob(statement, index, 0);
    return sqlite3_bind_blob(statement, index, bytes, length, SQLITE_TRANSIENT);
}

static inline int csqlite_store_frames(void *context, sqlite3 *database, const char *name, int frames) {
    (void)database;
    (void)name;
    *(int *)context = frames;
    return SQLITE_OK;
}

/// Writes the number of frames in the write-ahead log to `*frames` after every commit of this connection.
/// Replaces SQLite's automatic checkpoint.
static inline void csqlite_count_frames(sqlite3 *database, int *frames) {
    sqlite3_wal_hook(database, csqlite_store_frames, frames);
}

static inline int csqlite_past_deadline(void *context) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec > *(long long *)context;
}

/// Interrupts statements of this connection once the monotonic clock has passed `*deadline` nanoseconds. A null
/// `deadline` takes the limit away.
static inline void csqlite_limit_time(sqlite3 *database, long long *deadline) {
    sqlite3_progress_handler(database, deadline ? 1000 : 0, deadline ? csqlite_past_deadline : 0, deadline);
}

#endif
