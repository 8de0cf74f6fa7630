#define _GNU_SOURCE
#include "cloop.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "no_sigpipe.h"

int cloop_pipe_open(int ends[2]) {
    return pipe2(ends, O_CLOEXEC) == 0 ? 0 : -errno;
}

int64_t cloop_pipe_read(int fd, void *bytes, size_t count) {
    ssize_t got;
    do got = read(fd, bytes, count); while (got < 0 && errno == EINTR);
    return got >= 0 ? got : -errno;
}

int64_t cloop_pipe_write(int fd, const void *bytes, size_t count) {
    no_sigpipe quiet;
    int failure = no_sigpipe_begin(&quiet);
    if (failure < 0) return failure;
    ssize_t written;
    do written = write(fd, bytes, count); while (written < 0 && errno == EINTR);
    int error = written < 0 ? errno : 0;
    no_sigpipe_end(&quiet, error);
    return error == 0 ? written : -error;
}
