#include "disk.h"

#include <stdlib.h>
#include <string.h>

struct handle {
    sqlite3_file base;
    cfaultvfs_disk *disk;
    struct file *file;
    int level;
    int shm;
    unsigned shm_shared, shm_exclusive;
    int temporary;
};

#define ENTER(base_)                         \
    struct handle *h = (struct handle *)(base_); \
    cfaultvfs_disk *disk = h->disk;         \
    pthread_mutex_lock(&disk->mutex)

// MARK: - Files

static int io_unlock(sqlite3_file *base, int level);

static int io_close(sqlite3_file *base) {
    io_unlock(base, SQLITE_LOCK_NONE);
    ENTER(base);
    if (h->temporary) {
        cfaultvfs_file_forget(h->file);
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
        cfaultvfs_image_write(&h->file->seen, buffer, (size_t)amount, (size_t)offset);
        LEAVE(SQLITE_OK);
    }
    size_t length = (size_t)amount, start = (size_t)offset;
    int was_cut = disk->cut;
    int result = cfaultvfs_disk_admit(disk, 0, SQLITE_IOERR_WRITE);
    if (disk->cut) {
        // The power failed during this write: it is one more change that was never synchronised.
        if (!was_cut) cfaultvfs_file_note(h->file, WRITE, buffer, length, start);
        LEAVE(result);
    }
    if (result == SQLITE_OK && disk->capacity) {
        uint64_t others = cfaultvfs_disk_size(disk) - h->file->seen.size;
        if (start + length > h->file->seen.size && others + start + length > disk->capacity) {
            result = SQLITE_FULL;
            uint64_t room = disk->capacity > others + start ? disk->capacity - others - start : 0;
            length = room < length ? (size_t)room : length;
        }
    } else if (result != SQLITE_OK) {
        length = (size_t)(cfaultvfs_roll(disk) % (length + 1));
    }
    if (length) {
        cfaultvfs_image_write(&h->file->seen, buffer, length, start);
        cfaultvfs_file_note(h->file, WRITE, buffer, length, start);
    }
    LEAVE(result);
}

static int io_truncate(sqlite3_file *base, sqlite3_int64 size) {
    ENTER(base);
    if (!h->temporary) {
        int result = cfaultvfs_disk_admit(disk, 0, SQLITE_IOERR_TRUNCATE);
        if (result != SQLITE_OK) LEAVE(result);
        cfaultvfs_file_note(h->file, TRUNCATE, NULL, 0, (size_t)size);
    }
    cfaultvfs_image_resize(&h->file->seen, (size_t)size);
    LEAVE(SQLITE_OK);
}

static int io_sync(sqlite3_file *base, int flags) {
    (void)flags;
    ENTER(base);
    if (h->temporary) LEAVE(SQLITE_OK);
    int result = cfaultvfs_disk_admit(disk, 1, SQLITE_IOERR_FSYNC);
    if (disk->cut) LEAVE(result);
    cfaultvfs_file_settle(disk, h->file, result == SQLITE_OK);
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
        h->file = cfaultvfs_disk_file(disk, name, flags & SQLITE_OPEN_CREATE);
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
    struct file *file = cfaultvfs_disk_file(disk, name, 0);
    if (!file || !file->seen.exists) LEAVE(SQLITE_IOERR_DELETE_NOENT);
    int result = cfaultvfs_disk_admit(disk, 0, SQLITE_IOERR_DELETE);
    if (result != SQLITE_OK) LEAVE(result);
    cfaultvfs_image_resize(&file->seen, 0);
    file->seen.exists = 0;
    cfaultvfs_file_note(file, DELETE, NULL, 0, 0);
    if (synchronised) cfaultvfs_file_settle(disk, file, 1);
    LEAVE(SQLITE_OK);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *result) {
    (void)flags;
    cfaultvfs_disk *disk = vfs->pAppData;
    pthread_mutex_lock(&disk->mutex);
    struct file *file = cfaultvfs_disk_file(disk, name, 0);
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
    for (int index = 0; index < size; index++) bytes[index] = (char)cfaultvfs_roll(disk);
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

// MARK: - The disk itself

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
        cfaultvfs_file_forget(file);
        free(file->seen.bytes);
        free(file->durable.bytes);
        free(file);
    }
    pthread_mutex_destroy(&disk->mutex);
    free(disk);
}
