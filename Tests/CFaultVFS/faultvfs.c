#include "cfaultvfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

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

struct cfaultvfs_disk {
    sqlite3_vfs vfs;
    char name[64];
    pthread_mutex_t mutex;
    struct file *files;
    uint64_t calls, cut_at, fail_at, fail_count, sync_calls, sync_fail_at, sync_fail_count, capacity, random;
    int cut, fail_code, sync_fail_code;
};

struct handle {
    sqlite3_file base;
    cfaultvfs_disk *disk;
    struct file *file;
    int level;
    int shm;
    unsigned shm_shared, shm_exclusive;
    int temporary;
};

static uint64_t roll(cfaultvfs_disk *disk) {
    uint64_t z = (disk->random += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

// MARK: - Images

static void image_resize(struct image *image, size_t size) {
    if (size > image->capacity) {
        size_t capacity = size * 2 < 65536 ? 65536 : size * 2;
        unsigned char *bytes = realloc(image->bytes, capacity);
        if (!bytes) abort();
        image->bytes = bytes;
        image->capacity = capacity;
    }
    if (size > image->size) memset(image->bytes + image->size, 0, size - image->size);
    image->size = size;
}

static void image_write(struct image *image, const void *bytes, size_t length, size_t offset) {
    if (offset + length > image->size) image_resize(image, offset + length);
    memcpy(image->bytes + offset, bytes, length);
    image->exists = 1;
}

static void image_copy(struct image *to, const struct image *from) {
    image_resize(to, from->size);
    if (from->size) memcpy(to->bytes, from->bytes, from->size);
    to->exists = from->exists;
}

// MARK: - Changes

static void file_note(struct file *file, int kind, const void *bytes, size_t length, size_t offset) {
    struct change *change = malloc(sizeof *change + (bytes ? length : 0));
    if (!change) abort();
    change->next = NULL;
    change->kind = kind;
    change->offset = offset;
    change->length = length;
    if (bytes) memcpy(change->bytes, bytes, length);
    *file->last = change;
    file->last = &change->next;
}

/// Carries the changes over to the durable image: all of them, or with each piece subject to the dice.
static void file_settle(cfaultvfs_disk *disk, struct file *file, int all) {
    struct image *image = &file->durable;
    for (struct change *change = file->first, *next; change; change = next) {
        next = change->next;
        switch (change->kind) {
            case WRITE:
                for (size_t done = 0; done < change->length;) {
                    size_t place = change->offset + done;
                    size_t length = SECTOR - place % SECTOR;
                    if (length > change->length - done) length = change->length - done;
                    if (all || roll(disk) & 1) image_write(image, change->bytes + done, length, place);
                    done += length;
                }
                break;
            case TRUNCATE:
                if (all || roll(disk) & 1) image_resize(image, change->offset);
                break;
            case DELETE:
                if (all || roll(disk) & 1) {
                    image_resize(image, 0);
                    image->exists = 0;
                }
                break;
        }
        free(change);
    }
    file->first = NULL;
    file->last = &file->first;
}

static void file_forget(struct file *file) {
    for (struct change *change = file->first, *next; change; change = next) {
        next = change->next;
        free(change);
    }
    file->first = NULL;
    file->last = &file->first;
}

static struct file *disk_file(cfaultvfs_disk *disk, const char *name, int make) {
    for (struct file *file = disk->files; file; file = file->next)
        if (strcmp(file->name, name) == 0) return file;
    if (!make) return NULL;
    struct file *file = calloc(1, sizeof *file);
    if (!file) abort();
    strncpy(file->name, name, NAME - 1);
    file->last = &file->first;
    file->next = disk->files;
    disk->files = file;
    return file;
}

static uint64_t disk_size(cfaultvfs_disk *disk) {
    uint64_t size = 0;
    for (struct file *file = disk->files; file; file = file->next) size += file->seen.size;
    return size;
}

/// Counts a call that changes something, and says what becomes of it.
static int disk_admit(cfaultvfs_disk *disk, int is_sync, int failure) {
    if (disk->cut) return failure;
    disk->calls++;
    if (is_sync) disk->sync_calls++;
    if (disk->cut_at && disk->calls >= disk->cut_at) {
        disk->cut = 1;
        return failure;
    }
    if (disk->fail_count && disk->calls >= disk->fail_at) {
        disk->fail_count--;
        return disk->fail_code;
    }
    if (is_sync && disk->sync_fail_count && disk->sync_calls >= disk->sync_fail_at) {
        disk->sync_fail_count--;
        return disk->sync_fail_code;
    }
    return SQLITE_OK;
}

#define ENTER(base_)                         \
    struct handle *h = (struct handle *)(base_); \
    cfaultvfs_disk *disk = h->disk;         \
    pthread_mutex_lock(&disk->mutex)
#define LEAVE(result)                       \
    do {                                    \
        int result_ = (result);             \
        pthread_mutex_unlock(&disk->mutex); \
        return result_;                     \
    } while (0)

// MARK: - Files

static int io_unlock(sqlite3_file *base, int level);

static int io_close(sqlite3_file *base) {
    io_unlock(base, SQLITE_LOCK_NONE);
    ENTER(base);
    if (h->temporary) {
        file_forget(h->file);
        free(h->file->seen.bytes);
        free(h->file);
    }
    LEAVE(SQLITE_OK);
}

static int io_read(sqlite3_file *base, void *buffer, int amount, sqlite3_int64 offset) {
    ENTER(base);
    if (disk->cut) LEAVE(SQLITE_IOERR_READ);
    struct image *image = &h->file->seen;
    size_t size = image->size, start = (size_t)offset, wanted = (size_t)amount;
    size_t there = start >= size ? 0 : size - start < wanted ? size - start : wanted;
    if (there) memcpy(buffer, image->bytes + start, there);
    if (there == wanted) LEAVE(SQLITE_OK);
    memset((char *)buffer + there, 0, wanted - there);
    LEAVE(SQLITE_IOERR_SHORT_READ);
}

static int io_write(sqlite3_file *base, const void *buffer, int amount, sqlite3_int64 offset) {
    ENTER(base);
    if (h->temporary) {
        image_write(&h->file->seen, buffer, (size_t)amount, (size_t)offset);
        LEAVE(SQLITE_OK);
    }
    size_t length = (size_t)amount, start = (size_t)offset;
    int was_cut = disk->cut;
    int result = disk_admit(disk, 0, SQLITE_IOERR_WRITE);
    if (disk->cut) {
        // The power failed during this write: it is one more change that was never synchronised.
        if (!was_cut) file_note(h->file, WRITE, buffer, length, start);
        LEAVE(result);
    }
    if (result == SQLITE_OK && disk->capacity) {
        uint64_t others = disk_size(disk) - h->file->seen.size;
        if (start + length > h->file->seen.size && others + start + length > disk->capacity) {
            result = SQLITE_FULL;
            uint64_t room = disk->capacity > others + start ? disk->capacity - others - start : 0;
            length = room < length ? (size_t)room : length;
        }
    } else if (result != SQLITE_OK) {
        length = (size_t)(roll(disk) % (length + 1));
    }
    if (length) {
        image_write(&h->file->seen, buffer, length, start);
        file_note(h->file, WRITE, buffer, length, start);
    }
    LEAVE(result);
}

static int io_truncate(sqlite3_file *base, sqlite3_int64 size) {
    ENTER(base);
    if (!h->temporary) {
        int result = disk_admit(disk, 0, SQLITE_IOERR_TRUNCATE);
        if (result != SQLITE_OK) LEAVE(result);
        file_note(h->file, TRUNCATE, NULL, 0, (size_t)size);
    }
    image_resize(&h->file->seen, (size_t)size);
    LEAVE(SQLITE_OK);
}

static int io_sync(sqlite3_file *base, int flags) {
    (void)flags;
    ENTER(base);
    if (h->temporary) LEAVE(SQLITE_OK);
    int result = disk_admit(disk, 1, SQLITE_IOERR_FSYNC);
    if (disk->cut) LEAVE(result);
    file_settle(disk, h->file, result == SQLITE_OK);
    if (result == SQLITE_OK && h->file->seen.exists) h->file->durable.exists = 1;
    LEAVE(result);
}

static int io_size(sqlite3_file *base, sqlite3_int64 *size) {
    ENTER(base);
    *size = (sqlite3_int64)h->file->seen.size;
    LEAVE(disk->cut ? SQLITE_IOERR_FSTAT : SQLITE_OK);
}

static int io_lock(sqlite3_file *base, int level) {
    ENTER(base);
    struct file *file = h->file;
    if (level <= h->level) LEAVE(SQLITE_OK);
    if (level == SQLITE_LOCK_SHARED) {
        if (file->pending || file->exclusive) LEAVE(SQLITE_BUSY);
        file->shared++;
    } else if (level == SQLITE_LOCK_RESERVED) {
        if (file->reserved && file->reserved != h) LEAVE(SQLITE_BUSY);
        file->reserved = h;
    } else {
        if ((file->pending && file->pending != h) || (file->reserved && file->reserved != h)) LEAVE(SQLITE_BUSY);
        file->pending = h;
        if (file->shared > 1) {
            h->level = SQLITE_LOCK_PENDING;
            LEAVE(SQLITE_BUSY);
        }
        file->exclusive = h;
    }
    h->level = level;
    LEAVE(SQLITE_OK);
}

static int io_unlock(sqlite3_file *base, int level) {
    ENTER(base);
    struct file *file = h->file;
    if (level < h->level) {
        if (file->exclusive == h) file->exclusive = NULL;
        if (file->pending == h) file->pending = NULL;
        if (file->reserved == h) file->reserved = NULL;
        if (level == SQLITE_LOCK_NONE && h->level >= SQLITE_LOCK_SHARED) file->shared--;
        h->level = level;
    }
    LEAVE(SQLITE_OK);
}

static int io_check_reserved(sqlite3_file *base, int *result) {
    ENTER(base);
    *result = h->file->reserved != NULL;
    LEAVE(SQLITE_OK);
}

static int io_control(sqlite3_file *base, int operation, void *argument) {
    (void)base;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int io_sector_size(sqlite3_file *base) {
    (void)base;
    return SECTOR;
}

static int io_characteristics(sqlite3_file *base) {
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

// MARK: - The log's index, shared between connections

static int io_shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **result) {
    ENTER(base);
    *result = NULL;
    if (disk->cut) LEAVE(SQLITE_IOERR_SHMMAP);
    if (region >= REGIONS) LEAVE(SQLITE_NOMEM);
    if (!h->shm) {
        h->shm = 1;
        h->file->users++;
    }
    if (!h->file->regions[region] && extend) {
        h->file->regions[region] = calloc(1, (size_t)size);
        if (!h->file->regions[region]) abort();
    }
    *result = h->file->regions[region];
    LEAVE(SQLITE_OK);
}

static int io_shm_lock(sqlite3_file *base, int offset, int count, int flags) {
    ENTER(base);
    struct file *file = h->file;
    unsigned mask = ((1u << count) - 1) << offset;
    if (flags & SQLITE_SHM_UNLOCK) {
        for (int slot = offset; slot < offset + count; slot++) {
            unsigned bit = 1u << slot;
            if (h->shm_shared & bit) file->shm_shared[slot]--;
            if (h->shm_exclusive & bit) file->shm_exclusive[slot] = NULL;
        }
        h->shm_shared &= ~mask;
        h->shm_exclusive &= ~mask;
        LEAVE(SQLITE_OK);
    }
    for (int slot = offset; slot < offset + count; slot++) {
        int others = file->shm_shared[slot] - (h->shm_shared >> slot & 1);
        if (file->shm_exclusive[slot] && file->shm_exclusive[slot] != h) LEAVE(SQLITE_BUSY);
        if ((flags & SQLITE_SHM_EXCLUSIVE) && others) LEAVE(SQLITE_BUSY);
    }
    for (int slot = offset; slot < offset + count; slot++) {
        unsigned bit = 1u << slot;
        if (flags & SQLITE_SHM_EXCLUSIVE) {
            file->shm_exclusive[slot] = h;
            h->shm_exclusive |= bit;
        } else if (!(h->shm_shared & bit)) {
            file->shm_shared[slot]++;
            h->shm_shared |= bit;
        }
    }
    LEAVE(SQLITE_OK);
}

static void io_shm_barrier(sqlite3_file *base) {
    (void)base;
    __sync_synchronize();
}

static int io_shm_unmap(sqlite3_file *base, int delete) {
    (void)delete;
    if (((struct handle *)base)->shm) io_shm_lock(base, 0, LOCKS, SQLITE_SHM_UNLOCK);
    ENTER(base);
    if (h->shm) {
        h->shm = 0;
        if (--h->file->users == 0) {
            for (int region = 0; region < REGIONS; region++) {
                free(h->file->regions[region]);
                h->file->regions[region] = NULL;
            }
        }
    }
    LEAVE(SQLITE_OK);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = io_close,
    .xRead = io_read,
    .xWrite = io_write,
    .xTruncate = io_truncate,
    .xSync = io_sync,
    .xFileSize = io_size,
    .xLock = io_lock,
    .xUnlock = io_unlock,
    .xCheckReservedLock = io_check_reserved,
    .xFileControl = io_control,
    .xSectorSize = io_sector_size,
    .xDeviceCharacteristics = io_characteristics,
    .xShmMap = io_shm_map,
    .xShmLock = io_shm_lock,
    .xShmBarrier = io_shm_barrier,
    .xShmUnmap = io_shm_unmap,
};

// MARK: - The file system

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out) {
    cfaultvfs_disk *disk = vfs->pAppData;
    struct handle *h = (struct handle *)base;
    memset(h, 0, sizeof *h);
    pthread_mutex_lock(&disk->mutex);
    if (disk->cut) LEAVE(SQLITE_CANTOPEN);
    h->disk = disk;
    if (name) {
        h->file = disk_file(disk, name, flags & SQLITE_OPEN_CREATE);
        if (!h->file || (!h->file->seen.exists && !(flags & SQLITE_OPEN_CREATE))) LEAVE(SQLITE_CANTOPEN);
        h->file->seen.exists = 1;
    } else {
        h->temporary = 1;
        h->file = calloc(1, sizeof *h->file);
        if (!h->file) abort();
        h->file->last = &h->file->first;
    }
    if (out) *out = flags;
    h->base.pMethods = &methods;
    LEAVE(SQLITE_OK);
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int synchronised) {
    cfaultvfs_disk *disk = vfs->pAppData;
    pthread_mutex_lock(&disk->mutex);
    struct file *file = disk_file(disk, name, 0);
    if (!file || !file->seen.exists) LEAVE(SQLITE_IOERR_DELETE_NOENT);
    int result = disk_admit(disk, 0, SQLITE_IOERR_DELETE);
    if (result != SQLITE_OK) LEAVE(result);
    image_resize(&file->seen, 0);
    file->seen.exists = 0;
    file_note(file, DELETE, NULL, 0, 0);
    if (synchronised) file_settle(disk, file, 1);
    LEAVE(SQLITE_OK);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *result) {
    (void)flags;
    cfaultvfs_disk *disk = vfs->pAppData;
    pthread_mutex_lock(&disk->mutex);
    struct file *file = disk_file(disk, name, 0);
    *result = file && file->seen.exists && (flags != SQLITE_ACCESS_EXISTS || file->seen.size > 0);
    LEAVE(disk->cut ? SQLITE_IOERR_ACCESS : SQLITE_OK);
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *result) {
    (void)vfs;
    sqlite3_snprintf(size, result, "%s", name);
    return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *bytes) {
    cfaultvfs_disk *disk = vfs->pAppData;
    pthread_mutex_lock(&disk->mutex);
    for (int index = 0; index < size; index++) bytes[index] = (char)roll(disk);
    LEAVE(size);
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
    (void)vfs;
    return microseconds;  // Nothing to wait for: time does not pass on this disk.
}

static int vfs_time(sqlite3_vfs *vfs, sqlite3_int64 *milliseconds) {
    (void)vfs;
    *milliseconds = 210866803200000;  // 1970, give or take: nothing stored depends on it.
    return SQLITE_OK;
}

static int vfs_current_time(sqlite3_vfs *vfs, double *days) {
    (void)vfs;
    *days = 2440587.5;
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *text) {
    (void)vfs;
    (void)size;
    (void)text;
    return 0;
}

// MARK: - For tests

cfaultvfs_disk *cfaultvfs_create(const char *name) {
    cfaultvfs_disk *disk = calloc(1, sizeof *disk);
    if (!disk) return NULL;
    strncpy(disk->name, name, sizeof disk->name - 1);
    pthread_mutex_init(&disk->mutex, NULL);
    disk->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = sizeof(struct handle),
        .mxPathname = NAME - 1,
        .zName = disk->name,
        .pAppData = disk,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_current_time,
        .xGetLastError = vfs_last_error,
        .xCurrentTimeInt64 = vfs_time,
    };
    if (sqlite3_vfs_register(&disk->vfs, 0) != SQLITE_OK) {
        free(disk);
        return NULL;
    }
    return disk;
}

void cfaultvfs_destroy(cfaultvfs_disk *disk) {
    sqlite3_vfs_unregister(&disk->vfs);
    for (struct file *file = disk->files, *next; file; file = next) {
        next = file->next;
        file_forget(file);
        free(file->seen.bytes);
        free(file->durable.bytes);
        free(file);
    }
    pthread_mutex_destroy(&disk->mutex);
    free(disk);
}

uint64_t cfaultvfs_calls(cfaultvfs_disk *disk) {
    pthread_mutex_lock(&disk->mutex);
    uint64_t calls = disk->calls;
    pthread_mutex_unlock(&disk->mutex);
    return calls;
}

void cfaultvfs_cut_after(cfaultvfs_disk *disk, uint64_t call) {
    pthread_mutex_lock(&disk->mutex);
    disk->cut_at = call ? disk->calls + call : 0;
    pthread_mutex_unlock(&disk->mutex);
}

int cfaultvfs_is_cut(cfaultvfs_disk *disk) {
    pthread_mutex_lock(&disk->mutex);
    LEAVE(disk->cut);
}

void cfaultvfs_restore(cfaultvfs_disk *disk, enum cfaultvfs_fate fate, uint64_t seed) {
    pthread_mutex_lock(&disk->mutex);
    disk->random = seed;
    for (struct file *file = disk->files; file; file = file->next) {
        int was_made = file->seen.exists;
        switch (fate) {
            case CFAULTVFS_LOSE_ALL: file_forget(file); break;
            case CFAULTVFS_KEEP_ALL: file_settle(disk, file, 1); break;
            case CFAULTVFS_LOSE_SOME: file_settle(disk, file, 0); break;
        }
        if (fate == CFAULTVFS_KEEP_ALL && was_made) file->durable.exists = 1;
        if (!file->durable.exists) image_resize(&file->durable, 0);
        image_copy(&file->seen, &file->durable);
    }
    disk->cut = 0;
    disk->cut_at = disk->fail_count = disk->sync_fail_count = 0;
    pthread_mutex_unlock(&disk->mutex);
}

void cfaultvfs_fail(cfaultvfs_disk *disk, uint64_t call, uint64_t count, int code, uint64_t seed) {
    pthread_mutex_lock(&disk->mutex);
    disk->fail_at = disk->calls + call;
    disk->fail_count = count;
    disk->fail_code = code;
    disk->random ^= seed;
    pthread_mutex_unlock(&disk->mutex);
}

void cfaultvfs_fail_syncs(cfaultvfs_disk *disk, uint64_t call, uint64_t count, int code, uint64_t seed) {
    pthread_mutex_lock(&disk->mutex);
    disk->sync_fail_at = disk->sync_calls + call;
    disk->sync_fail_count = count;
    disk->sync_fail_code = code;
    disk->random ^= seed;
    pthread_mutex_unlock(&disk->mutex);
}

void cfaultvfs_set_capacity(cfaultvfs_disk *disk, uint64_t bytes) {
    pthread_mutex_lock(&disk->mutex);
    disk->capacity = bytes;
    pthread_mutex_unlock(&disk->mutex);
}

uint64_t cfaultvfs_size(cfaultvfs_disk *disk) {
    pthread_mutex_lock(&disk->mutex);
    uint64_t size = disk_size(disk);
    pthread_mutex_unlock(&disk->mutex);
    return size;
}
