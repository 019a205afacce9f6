// Writes a seccomp program to standard output: the calls named in the arguments are allowed, the rest fail with EPERM.
#include <errno.h>
#include <seccomp.h>

int main(int count, char **names) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter) return 1;
    for (int i = 1; i < count; i++) {
        int call = seccomp_syscall_resolve_name(names[i]);
        if (call >= 0 && seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) < 0) return 1;
    }
    return seccomp_export_bpf(filter, 1) < 0;
}
