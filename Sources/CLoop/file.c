#define _GNU_SOURCE
#include "cloop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int64_t cloop_file_send(int socket, int file, int64_t *offset, size_t count) {
    off_t at = (off_t)*offset;
    ssize_t sent;
    /* sendfile(2) knows no MSG_NOSIGNAL: to a peer that has gone it raises SIGPIPE, for this thread. Blocked it becomes
     * pending, and is taken back, unless one was pending before, which then was not ours. */
    sigset_t pipe, before, pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    int failure = pthread_sigmask(SIG_BLOCK, &pipe, &before);
    if (failure != 0) return -failure;
    int was_pending = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
    do sent = sendfile(socket, file, &at, count); while (sent < 0 && errno == EINTR);
    int error = errno;
    if (sent < 0 && error == EPIPE && !was_pending) {
        const struct timespec at_once = {0, 0};
        while (sigtimedwait(&pipe, NULL, &at_once) < 0 && errno == EINTR) {}
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    *offset = (int64_t)at;
    return sent >= 0 ? sent : -error;
}

int cloop_file_open_beneath(int directory, const char *path) {
    /* O_NONBLOCK: opening a FIFO would otherwise block the loop until somebody writes to it. */
    struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    int fd;
    /* EAGAIN: a rename raced with the look-up (openat2(2)); a few tries settle it. */
    int tries = 8;
    do fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
    while (fd < 0 && (errno == EINTR || (errno == EAGAIN && --tries > 0)));
    return fd >= 0 ? fd : -errno;
}
