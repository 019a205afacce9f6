#include "cweblink.h"

#include <libwebsockets.h>
#include <netdb.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct cweblink_client {
    struct lws_context *context;
    // One for each kind of address: a host of the second kind cannot make a socket of the first where there is no IPv6.
    struct lws_vhost *four;
    struct lws_vhost *six;
    struct cweblink_callbacks callbacks;
    struct lws_protocols protocols[2];
    lws_sorted_usec_list_t alarm;
};

struct cweblink_link {
    struct cweblink_client *client;
    struct lws *wsi;
    // NULL once the last word was said.
    void *handle;
    char *headers;
    int has_opened;
    int was_reached;
    // While cweblink_connect() runs: nothing is told then, and the link is not freed under it.
    int is_starting;
    int was_destroyed;
    int has_failed;
    char failure[160];
};

static void free_link(struct cweblink_link *link) {
    free(link->headers);
    free(link);
}

static void end(struct cweblink_link *link, const char *reason, int status) {
    void *handle = link->handle;
    if (!handle) return;
    link->handle = NULL;
    link->client->callbacks.ended(handle, reason, status, link->was_reached);
}

static int add_headers(struct cweblink_link *link, void *in, size_t length) {
    unsigned char **place = in;
    size_t count = strlen(link->headers);
    if (count >= length) return -1;
    memcpy(*place, link->headers, count);
    *place += count;
    return 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length) {
    struct cweblink_link *link = wsi ? lws_get_opaque_user_data(wsi) : NULL;
    if (!link) return 0;
    const struct cweblink_callbacks *callbacks = &link->client->callbacks;
    void *handle = link->handle;

    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        link->was_reached = 1;
        return add_headers(link, in, length);
    case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
        // `user` is OpenSSL's, `length` what it thinks of the certificate so far. Its reason is kept, since the error
        // that comes of it has none; the verdict stays OpenSSL's.
        if (length == 0) {
            int code = X509_STORE_CTX_get_error(user);
            snprintf(link->failure, sizeof link->failure, "certificate: %s", X509_verify_cert_error_string(code));
        }
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR: {
        char copy[160];
        snprintf(copy, sizeof copy, "%.*s", (int)(in ? length : 0), in ? (const char *)in : "");
        const char *words = link->failure[0] ? link->failure : copy;
        int status = (int)lws_http_client_http_response(wsi);
        if (link->is_starting) {
            link->has_failed = 1;
            if (words == copy) memcpy(link->failure, copy, sizeof copy);
        } else {
            end(link, words, status);
        }
        return 0;
    }
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        link->has_opened = 1;
        if (!handle) return -1;
        callbacks->opened(handle);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        // Never anything but 0 here: libwebsockets 4.1.6 goes on to read into a buffer that it then does not empty any
        // more, and past its end, when this call asks for a close with a code in the middle of a frame.
        if (handle)
            callbacks->received(
                handle, in, length, lws_remaining_packet_payload(wsi), lws_frame_is_binary(wsi),
                lws_is_first_fragment(wsi), lws_is_final_fragment(wsi));
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        if (handle) callbacks->pong(handle);
        return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return handle ? callbacks->writable(handle) : -1;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        if (handle) {
            const uint8_t *bytes = in;
            if (length >= 2)
                callbacks->peer_closes(handle, bytes[0] << 8 | bytes[1], bytes + 2, length - 2);
            else
                callbacks->peer_closes(handle, 0, NULL, 0);
        }
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        end(link, NULL, 0);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        end(link, link->has_opened ? NULL : "the connection could not be made", 0);
        lws_set_opaque_user_data(wsi, NULL);
        if (link->is_starting)
            link->was_destroyed = 1;
        else
            free_link(link);
        return 0;
    default:
        return 0;
    }
}

int cweblink_resolve(const char *host, char *addresses, int room, const char **reason) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    int code = getaddrinfo(host, NULL, &hints, &found);
    if (code != 0) {
        // AI_ADDRCONFIG leaves out loopback addresses of hosts that have no others.
        hints.ai_flags = 0;
        code = getaddrinfo(host, NULL, &hints, &found);
    }
    if (code != 0) {
        *reason = gai_strerror(code);
        return 0;
    }
    int count = 0;
    for (struct addrinfo *each = found; each && count < room; each = each->ai_next) {
        char *place = addresses + (size_t)count * CWEBLINK_ADDRESS_SIZE;
        if (getnameinfo(each->ai_addr, each->ai_addrlen, place, CWEBLINK_ADDRESS_SIZE, NULL, 0, NI_NUMERICHOST) == 0)
            count++;
    }
    freeaddrinfo(found);
    if (count == 0) *reason = "the name has no address";
    return count;
}

static void on_alarm(lws_sorted_usec_list_t *alarm) {
    // lws_service() ends its wait to come here, and the caller looks at its clock afterwards.
    (void)alarm;
}

struct cweblink_client *cweblink_create(const char *authorities, const struct cweblink_callbacks *callbacks) {
    struct cweblink_client *client = calloc(1, sizeof *client);
    if (!client) return NULL;
    client->callbacks = *callbacks;
    client->alarm.cb = on_alarm;
    client->protocols[0].name = "bullpen-client";
    client->protocols[0].callback = on_event;
    client->protocols[0].rx_buffer_size = 16 << 10;

    // Who writes the lines is left as it is: the server of this process may have said so.
    lws_set_log_level(LLL_ERR | LLL_WARN, NULL);

    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = client->protocols;
    info.pt_serv_buf_size = 16 << 10;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT
        | LWS_SERVER_OPTION_VALIDATE_UTF8;
    client->context = lws_create_context(&info);
    if (!client->context) {
        free(client);
        return NULL;
    }
    // The caller's own deadlines are shorter.
    info.timeout_secs = 120;
    info.client_ssl_ca_filepath = authorities;
    if (authorities) info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
    info.vhost_name = "six";
    client->six = lws_create_vhost(client->context, &info);
    info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
    info.vhost_name = "four";
    client->four = lws_create_vhost(client->context, &info);
    if (!client->six || !client->four) {
        cweblink_destroy(client);
        return NULL;
    }
    return client;
}

int cweblink_serve(struct cweblink_client *client) { return lws_service(client->context, 0); }

void cweblink_wake(struct cweblink_client *client) { lws_cancel_service(client->context); }

void cweblink_set_alarm(struct cweblink_client *client, int64_t milliseconds) {
    lws_sul_schedule(
        client->context, 0, &client->alarm, on_alarm,
        milliseconds < 0 ? LWS_SET_TIMER_USEC_CANCEL : milliseconds * 1000);
}

void cweblink_destroy(struct cweblink_client *client) {
    cweblink_set_alarm(client, -1);
    lws_context_destroy(client->context);
    free(client);
}

struct cweblink_link *cweblink_connect(
    struct cweblink_client *client, const struct cweblink_target *target, void *handle, char *reason, size_t size) {
    struct cweblink_link *link = calloc(1, sizeof *link);
    if (link) link->headers = strdup(target->headers);
    if (!link || !link->headers) {
        free(link);
        snprintf(reason, size, "out of memory");
        return NULL;
    }
    link->client = client;
    link->handle = handle;
    link->is_starting = 1;

    struct lws_client_connect_info info;
    memset(&info, 0, sizeof info);
    info.context = client->context;
    info.vhost = strchr(target->address, ':') ? client->six : client->four;
    info.address = target->address;
    info.port = target->port;
    info.host = target->host;
    info.path = target->path;
    info.local_protocol_name = client->protocols[0].name;
    info.alpn = "http/1.1";
    info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (target->is_tls ? LCCSCF_USE_SSL : 0);
    info.opaque_user_data = link;
    info.pwsi = &link->wsi;
    struct lws *wsi = lws_client_connect_via_info(&info);
    link->is_starting = 0;
    if (wsi && !link->has_failed && !link->was_destroyed) {
        link->wsi = wsi;
        return link;
    }
    snprintf(reason, size, "%s", link->failure[0] ? link->failure : "the connection could not be started");
    link->handle = NULL;
    // A link whose socket is still there is freed with it.
    if (!wsi || link->was_destroyed) free_link(link);
    return NULL;
}

void cweblink_want_writable(struct cweblink_link *link) { lws_callback_on_writable(link->wsi); }

int cweblink_send(struct cweblink_link *link, enum cweblink_kind kind, const uint8_t *bytes, size_t count) {
    // libwebsockets writes the frame's head before the message and masks the message in its place.
    unsigned char *room = malloc(LWS_PRE + count + 1);
    if (!room) return -1;
    if (count > 0) memcpy(room + LWS_PRE, bytes, count);
    enum lws_write_protocol how = kind == CWEBLINK_TEXT ? LWS_WRITE_TEXT
        : kind == CWEBLINK_BINARY                       ? LWS_WRITE_BINARY
                                                        : LWS_WRITE_PING;
    int written = lws_write(link->wsi, room + LWS_PRE, count, how);
    free(room);
    return written < (int)count ? -1 : 0;
}

void cweblink_set_close(struct cweblink_link *link, int code) {
    lws_close_reason(link->wsi, (enum lws_close_status)code, NULL, 0);
}

void cweblink_abandon(struct cweblink_link *link) {
    link->handle = NULL;
    lws_set_timeout(link->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
}
