#define _GNU_SOURCE
#include "cloop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "no_sigpipe.h"

int64_t cloop_file_send(int socket, int file, int64_t *offset, size_t count) {
    off_t at = (off_t)*offset;
    /* sendfile(2) knows no MSG_NOSIGNAL. */
    no_sigpipe quiet;
    int failure = no_sigpipe_begin(&quiet);
    if (failure < 0) return failure;
    ssize_t sent;
    do sent = sendfile(socket, file, &at, count); while (sent < 0 && errno == EINTR);
    int error = sent < 0 ? errno : 0;
    no_sigpipe_end(&quiet, error);
    *offset = (int64_t)at;
    return error == 0 ? sent : -error;
}

int64_t cloop_file_read_cached(int file, void *bytes, size_t count, int64_t offset) {
    struct iovec piece = {.iov_base = bytes, .iov_len = count};
    ssize_t got;
    do got = preadv2(file, &piece, 1, (off_t)offset, RWF_NOWAIT); while (got < 0 && errno == EINTR);
    return got >= 0 ? got : -errno;
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
