#ifndef CWEBSERVER_H
#define CWEBSERVER_H

/// TCP connections, with or without TLS, served by libwebsockets on one thread.
///
/// libwebsockets keeps the sockets, the poll loop, the timers and TLS; bytes go up and down here and nothing is
/// known of HTTP. Every function is for the thread that calls cweb_serve(), but for cweb_wake().

#include <stddef.h>
#include <stdint.h>

/// A listening server. Opaque.
struct cweb_server;

/// One connection. Opaque; valid from `opened` until `closed`.
struct cweb_connection;

/// Where to listen. Strings need to live until cweb_create() returns.
struct cweb_options {
    /// A numeric address: IPv4 or IPv6.
    const char *address;
    /// 0 takes any free port.
    int port;
    /// PEM files, or NULL for no TLS.
    const char *certificate;
    const char *key;
};

/// What the server tells. A nonzero result closes the connection.
struct cweb_callbacks {
    void *owner;
    /// A connection is there; what is returned comes back as `handle`. NULL refuses it.
    void *(*opened)(void *owner, struct cweb_connection *connection, const char *peer);
    int (*received)(void *handle, const uint8_t *bytes, size_t count);
    int (*writable)(void *handle);
    int (*timer)(void *handle);
    /// The last word about a connection that `opened` accepted.
    void (*closed)(void *handle);
    /// cweb_wake() was called, perhaps several times.
    void (*woken)(void *owner);
    /// A line of libwebsockets' own log, errors and warnings only.
    void (*logged)(const char *line);
};

/// Tries whether an address can be listened on, since libwebsockets does not say why it cannot.
/// Returns 0 or -errno; -EINVAL when the address is not numeric.
int cweb_probe(const char *address, int port);

/// Makes a server that listens. Returns NULL when it cannot: the reason has gone to `logged`.
struct cweb_server *cweb_create(const struct cweb_options *options, const struct cweb_callbacks *callbacks);

/// The port that it listens on.
int cweb_port(struct cweb_server *server);

/// Waits for something to happen and serves it. Returns 0, or negative when the loop is broken.
int cweb_serve(struct cweb_server *server);

/// Makes cweb_serve() call `woken`. From any thread, until cweb_destroy() is called.
void cweb_wake(struct cweb_server *server);

/// Closes every connection and frees the server.
void cweb_destroy(struct cweb_server *server);

/// Writes; what the socket does not take is kept by libwebsockets, which calls `writable` only once it is gone.
/// Returns 0, or -1 when the connection is broken.
int cweb_write(struct cweb_connection *connection, const uint8_t *bytes, size_t count);

/// Whether libwebsockets still holds back something that the socket did not take.
int cweb_is_choked(struct cweb_connection *connection);

/// Asks for one call of `writable`.
void cweb_want_writable(struct cweb_connection *connection);

/// Whether to read from the connection.
void cweb_set_reading(struct cweb_connection *connection, int reads);

/// Calls `timer` once after so many milliseconds; negative takes it back.
void cweb_set_timer(struct cweb_connection *connection, int64_t milliseconds);

/// Tells the other side that nothing more will come. Without effect under TLS.
void cweb_shutdown_writing(struct cweb_connection *connection);

/// Writes the answer to a WebSocket client's key (RFC 6455, section 4.2.2): 28 characters and a nought.
/// Returns 0, or -1 when there is no room for the key.
int cweb_accept_key(const char *key, char answer[32]);

/// Closes the connection soon, from outside its own callbacks.
void cweb_close(struct cweb_connection *connection);

#endif
