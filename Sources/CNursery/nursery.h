#ifndef NURSERY_H
#define NURSERY_H

/// The nursery's side of the warm door. `scripts/stage` makes a shared object of it and CConfine, which nursery.py loads
/// into its interpreter, and of watcher.c a program.

#include <stdint.h>

/// What a strategy finds when it comes out of nursery_serve: both lists of its plan's RETURN.
struct nursery_child {
    const uint8_t *arguments;
    const uint8_t *environment;
    uint32_t arguments_length;
    uint32_t environment_length;
};

/// Fills the gaps between the heap's pieces, so that what a strategy asks for lies together behind them: a piece in a gap
/// would make a page that all share a page of its own. Call it when everything is loaded.
void nursery_fill_gaps(void);

/// Tells the supervisor, in one packet of at most 64 KiB, that everything is loaded. Returns 0 or -errno.
int nursery_ready(const char *words);

/// Makes a strategy for each request (confine.h, struct confine_request). Returns 0 in a strategy's process, behind all its walls; in the nursery it never
/// returns, and the process ends with the supervisor's end of the socket. Call it with the interpreter's lock held and
/// with one thread; no Python runs in the nursery from then on.
int nursery_serve(struct nursery_child *child);

/// Gives back what nursery_serve left in place for its caller, `child`'s texts among it. For the strategy's process.
void nursery_release(void);

#endif
