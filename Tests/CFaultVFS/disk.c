#include "disk.h"

#include <stdlib.h>
#include <string.h>

uint64_t cfaultvfs_roll(cfaultvfs_disk *disk) {
    uint64_t z = (disk->random += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

// MARK: - Images

void cfaultvfs_image_resize(struct image *image, size_t size) {
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

void cfaultvfs_image_write(struct image *image, const void *bytes, size_t length, size_t offset) {
    if (offset + length > image->size) cfaultvfs_image_resize(image, offset + length);
    memcpy(image->bytes + offset, bytes, length);
    image->exists = 1;
}

static void image_copy(struct image *to, const struct image *from) {
    cfaultvfs_image_resize(to, from->size);
    if (from->size) memcpy(to->bytes, from->bytes, from->size);
    to->exists = from->exists;
}

// MARK: - Changes

void cfaultvfs_file_note(struct file *file, int kind, const void *bytes, size_t length, size_t offset) {
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

void cfaultvfs_file_settle(cfaultvfs_disk *disk, struct file *file, int all) {
    struct image *image = &file->durable;
    for (struct change *change = file->first, *next; change; change = next) {
        next = change->next;
        switch (change->kind) {
            case WRITE:
                for (size_t done = 0; done < change->length;) {
                    size_t place = change->offset + done;
                    size_t length = SECTOR - place % SECTOR;
                    if (length > change->length - done) length = change->length - done;
                    if (all || cfaultvfs_roll(disk) & 1) cfaultvfs_image_write(image, change->bytes + done, length, place);
                    done += length;
                }
                break;
            case TRUNCATE:
                if (all || cfaultvfs_roll(disk) & 1) cfaultvfs_image_resize(image, change->offset);
                break;
            case DELETE:
                if (all || cfaultvfs_roll(disk) & 1) {
                    cfaultvfs_image_resize(image, 0);
                    image->exists = 0;
                }
                break;
        }
        free(change);
    }
    file->first = NULL;
    file->last = &file->first;
}

void cfaultvfs_file_forget(struct file *file) {
    for (struct change *change = file->first, *next; change; change = next) {
        next = change->next;
        free(change);
    }
    file->first = NULL;
    file->last = &file->first;
}

struct file *cfaultvfs_disk_file(cfaultvfs_disk *disk, const char *name, int make) {
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

uint64_t cfaultvfs_disk_size(cfaultvfs_disk *disk) {
    uint64_t size = 0;
    for (struct file *file = disk->files; file; file = file->next) size += file->seen.size;
    return size;
}

static int strike(struct failures *failures, uint64_t call) {
    if (!failures->count || call < failures->at) return SQLITE_OK;
    failures->count--;
    return failures->code;
}

int cfaultvfs_disk_admit(cfaultvfs_disk *disk, int is_sync, int failure) {
    if (disk->cut) return failure;
    disk->calls++;
    if (is_sync) disk->sync_calls++;
    if (disk->cut_at && disk->calls >= disk->cut_at) {
        disk->cut = 1;
        return failure;
    }
    int result = strike(&disk->failing, disk->calls);
    return result == SQLITE_OK && is_sync ? strike(&disk->failing_syncs, disk->sync_calls) : result;
}

// MARK: - What tests order

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
            case CFAULTVFS_LOSE_ALL: cfaultvfs_file_forget(file); break;
            case CFAULTVFS_KEEP_ALL: cfaultvfs_file_settle(disk, file, 1); break;
            case CFAULTVFS_LOSE_SOME: cfaultvfs_file_settle(disk, file, 0); break;
        }
        if (fate == CFAULTVFS_KEEP_ALL && was_made) file->durable.exists = 1;
        if (!file->durable.exists) cfaultvfs_image_resize(&file->durable, 0);
        image_copy(&file->seen, &file->durable);
    }
    disk->cut = 0;
    disk->cut_at = disk->failing.count = disk->failing_syncs.count = 0;
    pthread_mutex_unlock(&disk->mutex);
}

static void fail(cfaultvfs_disk *disk, struct failures *which, struct failures failures, uint64_t seed) {
    pthread_mutex_lock(&disk->mutex);
    // So far `at` counts from now.
    failures.at += which == &disk->failing ? disk->calls : disk->sync_calls;
    *which = failures;
    disk->random ^= seed;
    pthread_mutex_unlock(&disk->mutex);
}

void cfaultvfs_fail(cfaultvfs_disk *disk, uint64_t call, uint64_t count, int code, uint64_t seed) {
    fail(disk, &disk->failing, (struct failures){call, count, code}, seed);
}

void cfaultvfs_fail_syncs(cfaultvfs_disk *disk, uint64_t call, uint64_t count, int code, uint64_t seed) {
    fail(disk, &disk->failing_syncs, (struct failures){call, count, code}, seed);
}

void cfaultvfs_set_capacity(cfaultvfs_disk *disk, uint64_t bytes) {
    pthread_mutex_lock(&disk->mutex);
    disk->capacity = bytes;
    pthread_mutex_unlock(&disk->mutex);
}

uint64_t cfaultvfs_size(cfaultvfs_disk *disk) {
    pthread_mutex_lock(&disk->mutex);
    uint64_t size = cfaultvfs_disk_size(disk);
    pthread_mutex_unlock(&disk->mutex);
    return size;
}
