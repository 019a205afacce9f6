#ifndef CFAULTVFS_H
#define CFAULTVFS_H

#include <stddef.h>
#include <stdint.h>

/// A disk in memory behind a SQLite file system, on which the power can fail.
///
/// What was written is seen at once by everybody who reads, and survives a power cut only once it was
/// synchronised. A failed synchronisation loses a part of what it was asked to save, for good: asking again does
/// not bring it back (as Linux does since the first fsync). All calls may come from any thread.
typedef struct cfaultvfs_disk cfaultvfs_disk;

/// What happens to writes that were never synchronised when the power fails.
enum cfaultvfs_fate {
    CFAULTVFS_LOSE_ALL = 0,
    CFAULTVFS_KEEP_ALL = 1,
    /// Each sector of 512 bytes, each truncation and each deletion survives or does not, as the seed says.
    CFAULTVFS_LOSE_SOME = 2,
};

/// Makes an empty disk and registers it under `name`. Null when memory runs out.
cfaultvfs_disk *cfaultvfs_create(const char *name);

/// Takes the disk away. No connection may be open.
void cfaultvfs_destroy(cfaultvfs_disk *disk);

/// How many calls have changed something or asked for synchronisation so far.
uint64_t cfaultvfs_calls(cfaultvfs_disk *disk);

/// Lets the power fail at the `call`-th such call from now, counted from 1: it and every later call fail, until
/// cfaultvfs_restore. Nought takes that back.
void cfaultvfs_cut_after(cfaultvfs_disk *disk, uint64_t call);

/// Whether the power has failed.
int cfaultvfs_is_cut(cfaultvfs_disk *disk);

/// Turns the power on again: from here on the disk holds what survived. Every connection must be closed.
void cfaultvfs_restore(cfaultvfs_disk *disk, enum cfaultvfs_fate fate, uint64_t seed);

/// Lets `count` calls fail with SQLite's `code`, from the `call`-th from now on, counted from 1. A write that fails
/// writes a part of its bytes. A `count` of nought takes that back.
void cfaultvfs_fail(cfaultvfs_disk *disk, uint64_t call, uint64_t count, int code, uint64_t seed);

/// As cfaultvfs_fail, but only calls that synchronise are counted, and fail.
void cfaultvfs_fail_syncs(cfaultvfs_disk *disk, uint64_t call, uint64_t count, int code, uint64_t seed);

/// How many bytes all files together may have; a write beyond it fails with SQLITE_FULL. Nought is no limit.
void cfaultvfs_set_capacity(cfaultvfs_disk *disk, uint64_t bytes);

/// How many bytes all files together have.
uint64_t cfaultvfs_size(cfaultvfs_disk *disk);

#endif
