#ifndef CONFINE_PLAN_H
#define CONFINE_PLAN_H

#include "confine.h"

/// One operation, taken apart. Pointers go into the plan.
struct confine_step {
    uint32_t operation;
    uint64_t number[6];
    const char *text;
    struct {
        const uint8_t *bytes;
        uint32_t length;
    } blob[2];
};

struct confine_plan {
    uint32_t count;
    struct confine_step steps[CONFINE_MAX_STEPS];
};

/// Reads and checks all of it. Returns NULL, or why it is refused.
const char *confine_read(const uint8_t *bytes, size_t length, struct confine_plan *plan);

#endif
