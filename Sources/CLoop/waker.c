#define _GNU_SOURCE
#include "cloop.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int cloop_waker_open(void) {
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

int cloop_waker_signal(int waker) {
    uint64_t one = 1;
    ssize_t written;
    do written = write(waker, &one, sizeof one); while (written < 0 && errno == EINTR);
    /* EAGAIN: the counter is at its maximum, so the eventfd is readable already, which is all we want. */
    return written >= 0 || errno == EAGAIN ? 0 : -errno;
}
