#define _GNU_SOURCE
#include "cloop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

int cloop_socket_open(int family, int type, int protocol) {
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    return fd >= 0 ? fd : -errno;
}

int cloop_socket_accept(int listener, struct sockaddr *address, socklen_t *length) {
    socklen_t room = *length;
    for (;;) {
        *length = room;
        int fd = accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) return fd;
        /* accept(2): errors already pending on the new connection are reported here, and mean "try the next". */
        if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO) return -errno;
    }
}

int cloop_socket_connect(int fd, const struct sockaddr *address, socklen_t length) {
    /* Never repeated on EINTR: POSIX lets the connection go on by itself, just as with EINPROGRESS. */
    if (connect(fd, address, length) == 0) return 0;
    return errno == EINTR ? -EINPROGRESS : -errno;
}

int cloop_socket_error(int fd) {
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return -errno;
    return -error;
}

int64_t cloop_socket_receive(int fd, void *bytes, size_t count) {
    ssize_t got;
    do got = recv(fd, bytes, count, 0); while (got < 0 && errno == EINTR);
    return got >= 0 ? got : -errno;
}

int64_t cloop_socket_receive_local(int fd, void *bytes, size_t count, int *stopped) {
    struct iovec piece = {bytes, count};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    ssize_t got;
    do got = recvmsg(fd, &message, 0); while (got < 0 && errno == EINTR);
    *stopped = got > 0 && (message.msg_flags & MSG_CTRUNC) != 0;
    return got >= 0 ? got : -errno;
}

int64_t cloop_socket_send(int fd, const void *bytes, size_t count) {
    ssize_t sent;
    do sent = send(fd, bytes, count, MSG_NOSIGNAL); while (sent < 0 && errno == EINTR);
    return sent >= 0 ? sent : -errno;
}

int64_t cloop_socket_send_more(int fd, const void *bytes, size_t count) {
    ssize_t sent;
    do sent = send(fd, bytes, count, MSG_NOSIGNAL | MSG_MORE); while (sent < 0 && errno == EINTR);
    return sent >= 0 ? sent : -errno;
}

static int64_t send_pieces(int fd, const struct iovec *pieces, int count, int flags) {
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count};
    ssize_t sent;
    do sent = sendmsg(fd, &message, MSG_NOSIGNAL | flags); while (sent < 0 && errno == EINTR);
    return sent >= 0 ? sent : -errno;
}

int64_t cloop_socket_send_pieces(int fd, const struct iovec *pieces, int count) {
    return send_pieces(fd, pieces, count, 0);
}

int64_t cloop_socket_send_two(int fd, const void *first, size_t count, const void *second, size_t others, int more) {
    struct iovec pieces[] = {{(void *)first, count}, {(void *)second, others}};
    return send_pieces(fd, pieces, 2, more ? MSG_MORE : 0);
}

int cloop_socket_set(int fd, int level, int option, int value) {
    return setsockopt(fd, level, option, &value, sizeof value) == 0 ? 0 : -errno;
}

int cloop_socket_get(int fd, int level, int option) {
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(fd, level, option, &value, &length) == 0 ? value : -errno;
}

int cloop_socket_adopt(int fd) {
    int status = fcntl(fd, F_GETFL);
    if (status < 0 || fcntl(fd, F_SETFL, status | O_NONBLOCK) < 0) return -errno;
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? 0 : -errno;
}

int cloop_socket_reset_on_close(int fd) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    return setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0 ? 0 : -errno;
}

int cloop_socket_linger_in_background(int fd) {
    struct linger linger = {.l_onoff = 0, .l_linger = 0};
    return setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0 ? 0 : -errno;
}

int cloop_socket_has_room(int fd) {
    /* Asked in vain, it has the kernel remember that somebody waits for room (SOCK_NOSPACE). */
    struct pollfd ask = {.fd = fd, .events = POLLOUT};
    int answered;
    do answered = poll(&ask, 1, 0); while (answered < 0 && errno == EINTR);
    return answered >= 0 ? answered : -errno;
}

int cloop_socket_pair(int pair[2]) {
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0 ? 0 : -errno;
}
