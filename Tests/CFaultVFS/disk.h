#ifndef CFAULTVFS_DISK_H
#define CFAULTVFS_DISK_H

#include "cfaultvfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

/// A disk in memory: what its files show, what of them would survive, and which calls fail. The file system on it is in
/// faultvfs.c. Whoever calls one of these functions holds the disk's mutex.

enum { SECTOR = 512, LOCKS = SQLITE_SHM_NLOCK, NAME = 512, REGIONS = 64 };

struct image {
    unsigned char *bytes;
    size_t size, capacity;
    int exists;
};

/// A change that was not synchronised yet.
struct change {
    struct change *next;
    enum { WRITE, TRUNCATE, DELETE } kind;
    size_t offset, length;  // for TRUNCATE, `offset` is the new size
    unsigned char bytes[];
};

struct file {
    struct file *next;
    char name[NAME];
    struct image seen;     // what readers see
    struct image durable;  // what survives whatever happens
    struct change *first, **last;
    // Locks of the database file.
    int shared;
    void *reserved, *pending, *exclusive;
    // The index of the write-ahead log.
    void *regions[REGIONS];
    int users;
    int shm_shared[LOCKS];
    void *shm_exclusive[LOCKS];
};

/// Which calls fail, and how.
struct failures {
    uint64_t at, count;
    int code;
};

struct cfaultvfs_disk {
    sqlite3_vfs vfs;
    char name[64];
    pthread_mutex_t mutex;
    struct file *files;
    uint64_t calls, cut_at, sync_calls, capacity, random;
    struct failures failing, failing_syncs;
    int cut;
};

#define LEAVE(result)                       \
    do {                                    \
        int result_ = (result);             \
        pthread_mutex_unlock(&disk->mutex); \
        return result_;                     \
    } while (0)

/// What is new is nought.
void cfaultvfs_image_resize(struct image *image, size_t size);

/// Makes room for it where that is needed.
void cfaultvfs_image_write(struct image *image, const void *bytes, size_t length, size_t offset);

/// Notes a change that is not synchronised yet.
void cfaultvfs_file_note(struct file *file, int kind, const void *bytes, size_t length, size_t offset);

/// Carries the changes over to the durable image: all of them, or with each piece subject to the dice.
void cfaultvfs_file_settle(cfaultvfs_disk *disk, struct file *file, int all);

/// Lets go of the changes.
void cfaultvfs_file_forget(struct file *file);

/// The file of this name; made when it may be, or NULL.
struct file *cfaultvfs_disk_file(cfaultvfs_disk *disk, const char *name, int make);

/// How many bytes all files together have.
uint64_t cfaultvfs_disk_size(cfaultvfs_disk *disk);

/// Counts a call that changes something, and says what becomes of it: SQLITE_OK, or the code that it fails with.
int cfaultvfs_disk_admit(cfaultvfs_disk *disk, int is_sync, int failure);

/// The next number of the disk's dice.
uint64_t cfaultvfs_roll(cfaultvfs_disk *disk);

#endif
