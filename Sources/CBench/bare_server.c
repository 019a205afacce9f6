#include "cbench.h"

#include <libwebsockets.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static struct lws_context *context;
static pthread_t thread;
static atomic_int is_stopping;

static const char body[] =
    "{\"status\":\"ok\",\"version\":\"0.1.0\",\"uptime_seconds\":100,"
    "\"parts\":{\"journal\":\"ok\",\"paper_venue\":\"ok\",\"sandbox\":\"ok\",\"feeds\":\"ok\"}}";

// As libwebsockets' own minimal example has it: headers at once, the body when the socket is writable.
static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length) {
    unsigned char buffer[LWS_PRE + 1024], *start = buffer + LWS_PRE, *at = start, *end = buffer + sizeof buffer - 1;
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        if (lws_add_http_common_headers(wsi, HTTP_STATUS_OK, "application/json", sizeof body - 1, &at, end)
            || lws_finalize_write_http_header(wsi, start, &at, end))
            return 1;
        lws_callback_on_writable(wsi);
        return 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        memcpy(start, body, sizeof body - 1);
        if (lws_write(wsi, start, sizeof body - 1, LWS_WRITE_HTTP_FINAL) < 0) return 1;
        return lws_http_transaction_completed(wsi) ? -1 : 0;
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, length);
    }
}

static const struct lws_protocols protocols[] = {{"http", on_http, 0, 0, 0, NULL, 0}, {NULL, NULL, 0, 0, 0, NULL, 0}};

static void *serve(void *unused) {
    (void)unused;
    while (!atomic_load(&is_stopping) && lws_service(context, 0) >= 0) {}
    return NULL;
}

int cbench_bare_server_start(void) {
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    lws_set_log_level(LLL_ERR, NULL);
    info.iface = "127.0.0.1";
    info.protocols = protocols;
    info.options = LWS_SERVER_OPTION_DISABLE_IPV6 | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    context = lws_create_context(&info);
    if (!context) return -1;
    struct lws_vhost *vhost = lws_create_vhost(context, &info);
    if (!vhost || pthread_create(&thread, NULL, serve, NULL) != 0) {
        lws_context_destroy(context);
        return -1;
    }
    return lws_get_vhost_listen_port(vhost);
}

void cbench_bare_server_stop(void) {
    atomic_store(&is_stopping, 1);
    lws_cancel_service(context);
    pthread_join(thread, NULL);
    lws_context_destroy(context);
}
