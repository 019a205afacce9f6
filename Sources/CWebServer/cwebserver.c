#include "cwebserver.h"

#include <errno.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct cweb_server {
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct cweb_callbacks callbacks;
    struct lws_protocols protocols[2];
};

// What libwebsockets keeps for each connection.
struct session {
    void *handle;
};

static void (*log_line)(const char *line);

static void emit(int level, const char *line) {
    (void)level;
    if (log_line) log_line(line);
}

static struct cweb_connection *wrap(struct lws *wsi) { return (struct cweb_connection *)wsi; }

static struct lws *unwrap(struct cweb_connection *connection) { return (struct lws *)connection; }

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length) {
    struct session *session = user;
    struct cweb_server *server = lws_context_user(lws_get_context(wsi));
    void *handle = session ? session->handle : NULL;

    switch (reason) {
    case LWS_CALLBACK_RAW_ADOPT: {
        char peer[64] = "";
        lws_get_peer_simple(wsi, peer, sizeof peer);
        // The adopt call comes before a TLS handshake, which has its own time-out inside libwebsockets.
        session->handle = server->callbacks.opened(server->callbacks.owner, wrap(wsi), peer);
        return session->handle ? 0 : -1;
    }
    case LWS_CALLBACK_RAW_RX:
        return handle ? server->callbacks.received(handle, in, length) : -1;
    case LWS_CALLBACK_RAW_WRITEABLE:
        return handle ? server->callbacks.writable(handle) : -1;
    case LWS_CALLBACK_TIMER:
        return handle ? server->callbacks.timer(handle) : -1;
    case LWS_CALLBACK_RAW_CLOSE:
        if (handle) {
            session->handle = NULL;
            server->callbacks.closed(handle);
        }
        return 0;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        if (server) server->callbacks.woken(server->callbacks.owner);
        return 0;
    default:
        return 0;
    }
}

int cweb_probe(const char *address, int port) {
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(address, service, &hints, &found) != 0) return -EINVAL;
    int result = 0;
    int on = 1;
    int socket_number = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_number < 0 || setsockopt(socket_number, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0
        || bind(socket_number, found->ai_addr, found->ai_addrlen) < 0 || listen(socket_number, 1) < 0)
        result = -errno;
    if (socket_number >= 0) close(socket_number);
    freeaddrinfo(found);
    return result;
}

struct cweb_server *cweb_create(const struct cweb_options *options, const struct cweb_callbacks *callbacks) {
    struct cweb_server *server = calloc(1, sizeof *server);
    if (!server) return NULL;
    server->callbacks = *callbacks;
    server->protocols[0].name = "bullpen";
    server->protocols[0].callback = on_event;
    server->protocols[0].per_session_data_size = sizeof(struct session);
    server->protocols[0].rx_buffer_size = 16 << 10;

    log_line = callbacks->logged;
    lws_set_log_level(LLL_ERR | LLL_WARN, emit);

    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.user = server;
    info.pt_serv_buf_size = 16 << 10;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    if (options->certificate) info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    server->context = lws_create_context(&info);
    if (!server->context) {
        free(server);
        return NULL;
    }

    int is_any = strcmp(options->address, "0.0.0.0") == 0 || strcmp(options->address, "::") == 0;
    info.vhost_name = "bullpen";
    info.port = options->port;
    info.iface = is_any ? NULL : options->address;
    info.protocols = server->protocols;
    info.listen_accept_role = "raw-skt";
    info.listen_accept_protocol = "bullpen";
    info.timeout_secs = 10;
    info.options = LWS_SERVER_OPTION_ADOPT_APPLY_LISTEN_ACCEPT_CONFIG | LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND;
    if (!strchr(options->address, ':')) info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
    if (options->certificate) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = options->certificate;
        info.ssl_private_key_filepath = options->key;
        info.alpn = "http/1.1";
    }
    server->vhost = lws_create_vhost(server->context, &info);
    if (!server->vhost) {
        cweb_destroy(server);
        return NULL;
    }
    return server;
}

int cweb_port(struct cweb_server *server) { return lws_get_vhost_listen_port(server->vhost); }

int cweb_serve(struct cweb_server *server) { return lws_service(server->context, 0); }

void cweb_wake(struct cweb_server *server) { lws_cancel_service(server->context); }

void cweb_destroy(struct cweb_server *server) {
    lws_context_destroy(server->context);
    free(server);
}

int cweb_write(struct cweb_connection *connection, const uint8_t *bytes, size_t count) {
    // A raw connection's bytes are passed on as they are; nothing is put before them.
    return lws_write(unwrap(connection), (unsigned char *)bytes, count, LWS_WRITE_RAW) < 0 ? -1 : 0;
}

int cweb_is_choked(struct cweb_connection *connection) {
    return lws_partial_buffered(unwrap(connection));
}

void cweb_want_writable(struct cweb_connection *connection) { lws_callback_on_writable(unwrap(connection)); }

void cweb_set_reading(struct cweb_connection *connection, int reads) {
    lws_rx_flow_control(unwrap(connection), reads ? 1 : 0);
}

void cweb_set_timer(struct cweb_connection *connection, int64_t milliseconds) {
    lws_set_timer_usecs(
        unwrap(connection), milliseconds < 0 ? LWS_SET_TIMER_USEC_CANCEL : milliseconds * 1000);
}

void cweb_shutdown_writing(struct cweb_connection *connection) {
    struct lws *wsi = unwrap(connection);
    if (!lws_is_ssl(wsi)) shutdown(lws_get_socket_fd(wsi), SHUT_WR);
}

int cweb_accept_key(const char *key, char answer[32]) {
    unsigned char joined[128], digest[20];
    int length = snprintf((char *)joined, sizeof joined, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    if (length < 0 || (size_t)length >= sizeof joined) return -1;
    lws_SHA1(joined, (size_t)length, digest);
    return lws_b64_encode_string((char *)digest, sizeof digest, answer, 32) < 0 ? -1 : 0;
}

void cweb_close(struct cweb_connection *connection) {
    lws_set_timeout(unwrap(connection), PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
}
