#ifndef OPENING_H
#define OPENING_H

/// What is opened for a nursery of lent ids, which it may not open itself.

/// Has these files opened, then makes each call of the process that opens them fail: it says which error, with its end, and
/// hands nothing over. Returns how many faults that were.
int try_opening(char **files, int count);

#endif
