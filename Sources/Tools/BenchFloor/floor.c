// A server as plain as it gets. It is a yardstick and no example: it trusts its peer, and memory to be there.
#define _GNU_SOURCE
#include "bench_floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    int fd;
    bool awaits_room;
    size_t filled, sent;
    unsigned char message[];
};

struct floor {
    int poller;
    enum floor_service service;
    size_t size;
};

/// Small messages come many at a time through here; each is then copied to its place, as any parser would.
static unsigned char scratch[64 * 1024];

int floor_listen(uint16_t *port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 1024) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static void take_all(const struct floor *floor, int listener) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct connection *connection = calloc(1, sizeof *connection + floor->size);
        connection->fd = fd;
        connection->awaits_room = floor->service == FLOOR_SEND;
        struct epoll_event event = {.data.ptr = connection};
        event.events = connection->awaits_room ? EPOLLOUT : EPOLLIN;
        epoll_ctl(floor->poller, EPOLL_CTL_ADD, fd, &event);
    }
}

static void await_room(const struct floor *floor, struct connection *connection, bool awaits_room) {
    if (connection->awaits_room == awaits_room) return;
    connection->awaits_room = awaits_room;
    struct epoll_event event = {.data.ptr = connection, .events = awaits_room ? EPOLLOUT : EPOLLIN};
    epoll_ctl(floor->poller, EPOLL_CTL_MOD, connection->fd, &event);
}

/// Each of these does what can be done now; false when the connection is over.

static bool receive_message(const struct floor *floor, struct connection *connection) {
    ssize_t got = recv(connection->fd, connection->message + connection->filled, floor->size - connection->filled, 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    connection->filled += (size_t)got;
    return true;
}

static bool send_message(const struct floor *floor, struct connection *connection) {
    ssize_t sent = send(
        connection->fd, connection->message + connection->sent, floor->size - connection->sent, MSG_NOSIGNAL);
    if (sent < 0) {
        await_room(floor, connection, true);
        return errno == EAGAIN;
    }
    connection->sent += (size_t)sent;
    return true;
}

static bool echo(const struct floor *floor, struct connection *connection) {
    if (connection->filled < floor->size && !receive_message(floor, connection)) return false;
    if (connection->filled < floor->size) return true;
    if (!send_message(floor, connection)) return false;
    bool is_done = connection->sent == floor->size;
    if (is_done) connection->filled = connection->sent = 0;
    await_room(floor, connection, !is_done);
    return true;
}

static bool send_messages(const struct floor *floor, struct connection *connection) {
    // Others get a turn after some of them.
    for (int count = 0; count < 64; count++) {
        size_t sent = connection->sent;
        if (!send_message(floor, connection)) return false;
        if (connection->sent == sent) return true;
        if (connection->sent == floor->size) connection->sent = 0;
    }
    return true;
}

static bool receive_messages(const struct floor *floor, struct connection *connection) {
    if (floor->size >= sizeof scratch) {
        if (receive_message(floor, connection)) {
            if (connection->filled == floor->size) connection->filled = 0;
            return true;
        }
    } else {
        ssize_t got = recv(connection->fd, scratch, sizeof scratch, 0);
        for (ssize_t at = 0; at < got;) {
            size_t part = floor->size - connection->filled, rest = (size_t)(got - at);
            if (part > rest) part = rest;
            memcpy(connection->message + connection->filled, scratch + at, part);
            connection->filled = (connection->filled + part) % floor->size;
            at += (ssize_t)part;
        }
        if (got > 0 || (got < 0 && errno == EAGAIN)) return true;
    }
    send(connection->fd, "", 1, MSG_NOSIGNAL);
    return false;
}

static bool serve_once(const struct floor *floor, struct connection *connection) {
    switch (floor->service) {
    case FLOOR_ECHO: return echo(floor, connection);
    case FLOOR_SEND: return send_messages(floor, connection);
    case FLOOR_RECEIVE: return receive_messages(floor, connection);
    case FLOOR_CHURN: return recv(connection->fd, scratch, 1, 0) < 0 && errno == EAGAIN;
    }
    return false;
}

int floor_serve(int listener, enum floor_service service, size_t size) {
    struct floor floor = {.service = service, .size = size, .poller = epoll_create1(EPOLL_CLOEXEC)};
    struct epoll_event events[64] = {{.events = EPOLLIN}};
    if (floor.poller < 0 || epoll_ctl(floor.poller, EPOLL_CTL_ADD, listener, events) < 0) return -errno;
    while (true) {
        int count = epoll_wait(floor.poller, events, 64, -1);
        if (count < 0 && errno != EINTR) return -errno;
        for (int index = 0; index < count; index++) {
            struct connection *connection = events[index].data.ptr;
            if (connection == NULL) {
                take_all(&floor, listener);
            } else if (!serve_once(&floor, connection)) {
                close(connection->fd);
                free(connection);
            }
        }
    }
}
