#define _GNU_SOURCE
#include "cloop.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int cloop_signals_open(const int *signals, int count) {
    sigset_t set;
    sigemptyset(&set);
    for (int index = 0; index < count; index++) {
        if (sigaddset(&set, signals[index]) != 0) return -errno;
    }
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0) return -errno;
    /* signalfd(2): an unblocked signal would still be delivered the old way. Blocked last, so that without a descriptor to
     * read them from they are not. */
    int failure = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (failure == 0) return fd;
    close(fd);
    return -failure;
}

int cloop_signals_take(int signals) {
    struct signalfd_siginfo info;
    ssize_t got;
    do got = read(signals, &info, sizeof info); while (got < 0 && errno == EINTR);
    if (got == (ssize_t)sizeof info) return (int)info.ssi_signo;
    return got < 0 ? -errno : -EAGAIN;
}
