#define _GNU_SOURCE
#include "cloop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(cloop_event) == sizeof(struct epoll_event), "cloop_event is the kernel's epoll_event");
_Static_assert(CLOOP_READABLE == EPOLLIN && CLOOP_WRITABLE == EPOLLOUT, "interest bits are epoll's");
_Static_assert(CLOOP_URGENT == EPOLLPRI, "urgent data is epoll's priority bit");
_Static_assert(CLOOP_ERROR == EPOLLERR && CLOOP_HANG_UP == EPOLLHUP, "error bits are epoll's");
_Static_assert(CLOOP_PEER_CLOSED == EPOLLRDHUP && CLOOP_EDGE_TRIGGERED == EPOLLET, "mode bits are epoll's");

int cloop_poller_open(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

static int control(int poller, int operation, int fd, uint32_t interest, uint64_t token) {
    struct epoll_event event = {.events = interest, .data.u64 = token};
    return epoll_ctl(poller, operation, fd, &event) == 0 ? 0 : -errno;
}

int cloop_poller_add(int poller, int fd, uint32_t interest, uint64_t token) {
    return control(poller, EPOLL_CTL_ADD, fd, interest, token);
}

int cloop_poller_modify(int poller, int fd, uint32_t interest, uint64_t token) {
    return control(poller, EPOLL_CTL_MOD, fd, interest, token);
}

int cloop_poller_remove(int poller, int fd) {
    return control(poller, EPOLL_CTL_DEL, fd, 0, 0);
}

int cloop_poller_wait(int poller, cloop_event *events, int capacity, int64_t timeout_ns) {
    struct epoll_event *out = (struct epoll_event *)(void *)events;
    int count;
    /* epoll_wait(2) counts in milliseconds; epoll_pwait2(2) (Linux 5.11) in nanoseconds. Zero and infinity are
     * the same in both, so the busy loop stays on the older, everywhere allowed call. */
    if (timeout_ns > 0) {
        struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
        count = (int)syscall(SYS_epoll_pwait2, poller, out, capacity, &timeout, NULL, 0);
        /* EPERM is none of its errors: so answers a seccomp filter that is older than the call. */
        if (count < 0 && (errno == ENOSYS || errno == EPERM)) {
            /* Round up: a timer that wakes early would spin until it is due. */
            int64_t ms = timeout_ns / 1000000 + (timeout_ns % 1000000 != 0);
            count = epoll_wait(poller, out, capacity, ms > 3600000 ? 3600000 : (int)ms);
        }
    } else {
        count = epoll_wait(poller, out, capacity, timeout_ns < 0 ? -1 : 0);
    }
    if (count >= 0) return count;
    return errno == EINTR ? 0 : -errno;
}
