#ifndef CWEBLINK_H
#define CWEBLINK_H

/// WebSockets as a client, by libwebsockets, on one thread.
///
/// libwebsockets keeps the sockets, the poll loop, TLS and the WebSocket frames; what is to be sent and when to give up
/// is decided by the caller. Every function is for the thread that calls cweblink_serve(), but for cweblink_wake() and
/// cweblink_resolve().

#include <stddef.h>
#include <stdint.h>

/// What keeps all links. Opaque.
struct cweblink_client;

/// One link. Opaque; valid from cweblink_connect() until `ended` or cweblink_abandon().
struct cweblink_link;

/// What a link tells. A nonzero result of `writable` ends the link.
struct cweblink_callbacks {
    void (*opened)(void *handle);
    /// A piece of a message. `left` is what this frame still holds after it. It cannot end the link, only ask for
    /// `writable` and do it there.
    void (*received)(
        void *handle, const uint8_t *bytes, size_t count, uint64_t left, int is_binary, int is_first, int is_final);
    void (*pong)(void *handle);
    int (*writable)(void *handle);
    /// The other side closes; `code` is 0 when it gave none.
    void (*peer_closes)(void *handle, int code, const uint8_t *reason, size_t count);
    /// The last word about a link. `reason` is libwebsockets' own and NULL for a link that had opened; `status` is that
    /// of an HTTP answer other than the one wanted, or 0; `was_reached` tells whether the handshake had begun.
    void (*ended)(void *handle, const char *reason, int status, int was_reached);
};

/// Where to connect. Strings need to live until cweblink_connect() returns.
struct cweblink_target {
    /// A numeric address.
    const char *address;
    int port;
    /// What the header Host says; the name before a colon is checked against the certificate.
    const char *host;
    const char *path;
    int is_tls;
    /// Further header lines, each with its CR LF; may be empty.
    const char *headers;
};

/// The longest numeric address, with its end.
#define CWEBLINK_ADDRESS_SIZE 64

/// Finds the numeric addresses of a host: at most `room`, each of CWEBLINK_ADDRESS_SIZE bytes. Waits for the resolver.
/// From any thread. Returns how many, or 0 with the reason in `reason`.
int cweblink_resolve(const char *host, char *addresses, int room, const char **reason);

/// Makes a client that trusts the PEM file `authorities`, or with NULL the system's authorities. Returns NULL when it
/// cannot.
struct cweblink_client *cweblink_create(const char *authorities, const struct cweblink_callbacks *callbacks);

/// Waits for something to happen, for cweblink_wake(), or for the alarm, and serves it. Returns 0, or negative when the
/// loop is broken.
int cweblink_serve(struct cweblink_client *client);

/// Ends the wait of cweblink_serve(). From any thread, until cweblink_destroy() is called.
void cweblink_wake(struct cweblink_client *client);

/// Ends the wait of cweblink_serve() after so many milliseconds; negative takes it back.
void cweblink_set_alarm(struct cweblink_client *client, int64_t milliseconds);

/// Closes every link and frees the client.
void cweblink_destroy(struct cweblink_client *client);

/// Starts to connect. Returns NULL when that failed at once, with the reason in `reason` of `size` bytes.
struct cweblink_link *cweblink_connect(
    struct cweblink_client *client, const struct cweblink_target *target, void *handle, char *reason, size_t size);

/// Asks for one call of `writable`.
void cweblink_want_writable(struct cweblink_link *link);

/// What to send.
enum cweblink_kind { CWEBLINK_TEXT, CWEBLINK_BINARY, CWEBLINK_PING };

/// Sends one message, from inside `writable`. What the socket does not take is kept by libwebsockets, which calls
/// `writable` only once it is gone. Returns 0, or -1 when the link is broken.
int cweblink_send(struct cweblink_link *link, enum cweblink_kind kind, const uint8_t *bytes, size_t count);

/// Sets the code with which the link closes when `writable` returns nonzero, from inside it.
void cweblink_set_close(struct cweblink_link *link, int code);

/// Ends a link at once and without a word to either side; `ended` is not called. Not from inside its own callbacks.
void cweblink_abandon(struct cweblink_link *link);

#endif
