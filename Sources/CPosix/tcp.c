#include "cposix.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int cposix_tcp_listen(const char *address, int port) {
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(address, service, &hints, &found) != 0) return -EINVAL;
    int on = 1;
    int result = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (result < 0) {
        result = -errno;
    } else if (setsockopt(result, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0
               || bind(result, found->ai_addr, found->ai_addrlen) < 0 || listen(result, 256) < 0) {
        int error = errno;
        close(result);
        result = -error;
    }
    freeaddrinfo(found);
    return result;
}

int cposix_tcp_port(int socket) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(socket, (struct sockaddr *)&address, &size) < 0) return -errno;
    if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

int cposix_tcp_accept(int socket, char *peer, int size) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int result = accept4(socket, (struct sockaddr *)&address, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (result < 0) return -errno;
    int on = 1;
    setsockopt(result, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (getnameinfo((struct sockaddr *)&address, length, peer, (socklen_t)size, NULL, 0, NI_NUMERICHOST) != 0)
        snprintf(peer, (size_t)size, "?");
    return result;
}

int cposix_tcp_reset_on_close(int socket) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    return setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) < 0 ? -errno : 0;
}
