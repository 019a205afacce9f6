#ifndef FAULTS_H
#define FAULTS_H

/// Makes one system call of the launcher, the watcher or the strategy fail.
///
/// Every call of CConfine's into the C library goes through a wrapper (`ld --wrap`) that counts it. What is counted
/// lies in memory that all processes of one launch share.

/// Who makes a call. The test program itself is none of them, and its calls go through untouched.
enum role { ROLE_NONE, ROLE_NURSERY, ROLE_LAUNCHER, ROLE_WATCHER, ROLE_STRATEGY, ROLES };

enum fault_kind {
    /// The call is not made and fails with `error`.
    FAULT_FAILS,
    /// The call is not made and fails with EINTR. Only calls that wait are counted.
    FAULT_INTERRUPTED,
    /// A write takes one byte less than it could. Only writes of two bytes and more are counted.
    FAULT_SHORT,
    FAULT_KINDS,
};

struct faults {
    enum role role;
    enum fault_kind kind;
    /// Which call of that role and kind fails, from 1.
    int number;
    int error;
    /// How many calls each role has made that `kind` is about.
    int count[ROLES];
    /// Whether it has happened, to which call, and to which number of `syscall`.
    int hit;
    char call[24];
    long which;
};

extern struct faults *faults;
extern enum role role;

#endif
