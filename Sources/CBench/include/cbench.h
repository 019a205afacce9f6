#ifndef CBENCH_H
#define CBENCH_H

/// A libwebsockets server that answers every request with the same few bytes: the least that a server on this library
/// can cost. For scripts/bench only.

/// Starts it on 127.0.0.1 on a thread of its own, once per process. Returns its port, or -1.
int cbench_bare_server_start(void);

/// Ends it and waits for its thread.
void cbench_bare_server_stop(void);

#endif
