/// Put before Sources/CNursery/watcher.c, whose calls the build renames: the FAULT-th of them fails with EIO. It has no C
/// library whose functions could be wrapped.
static int calls_made;

#define fallible_call(number, ...)                                                                                     \
    (++calls_made != FAULT ? call(number, __VA_ARGS__) : (number) == SYS_close ? (call(number, __VA_ARGS__), -5) : -5)
