import Glibc

/// What the kernel writes down of a process that crashes.
public enum CoreDumps {
    /// Keeps this process from leaving a core dump. Secrets that are locked are in none anyway; this is for what passes
    /// through other memory on its way there.
    ///
    /// A limit of one byte, not of nought, also keeps it from programs that take dumps on their standard input (`|` in
    /// core_pattern; fs/coredump.c of Linux).
    public static func forbid() {
        var limit = rlimit()
        // It fails only for limits above the hard one.
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
        limit.rlim_cur = min(1, limit.rlim_max)
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
    }
}
