/* Writing where nobody reads raises SIGPIPE. Sockets have MSG_NOSIGNAL against it; pipes and sendfile(2) have nothing.
 * Between these two calls the signal is blocked for this thread; one that was raised meanwhile is taken back, unless
 * one was pending before, which then was not ours. */
#ifndef CLOOP_NO_SIGPIPE_H
#define CLOOP_NO_SIGPIPE_H

#include <errno.h>
#include <signal.h>
#include <time.h>

typedef struct {
    sigset_t before;
    int was_blocked;
    int was_pending;
} no_sigpipe;

static inline int no_sigpipe_begin(no_sigpipe *quiet) {
    sigset_t pipe, pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    int failure = pthread_sigmask(SIG_BLOCK, &pipe, &quiet->before);
    if (failure != 0) return -failure;
    quiet->was_blocked = sigismember(&quiet->before, SIGPIPE) == 1;
    /* A signal that is not blocked is delivered at once: only one that is can be pending. */
    quiet->was_pending = quiet->was_blocked && sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
    return 0;
}

/* `error` is the errno of the call in between, 0 when it went well. */
static inline void no_sigpipe_end(const no_sigpipe *quiet, int error) {
    if (error == EPIPE && !quiet->was_pending) {
        const struct timespec at_once = {0, 0};
        sigset_t pipe;
        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
        while (sigtimedwait(&pipe, NULL, &at_once) < 0 && errno == EINTR) {}
    }
    if (!quiet->was_blocked) pthread_sigmask(SIG_SETMASK, &quiet->before, NULL);
}

#endif
