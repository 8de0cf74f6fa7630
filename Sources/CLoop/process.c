#define _GNU_SOURCE
#include "cloop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child says through the pipe when it could not become the program. */
typedef struct {
    int step;
    int error;
} complaint;

/* Gives the child its three descriptors, the pipe for its complaint at `*end`, and no other. */
static int keep_only(const int descriptors[3], int *end) {
    /* All out of the way first: what is to become 1 may be 0 now, and the pipe anything. */
    int moved[3];
    int spare = fcntl(*end, F_DUPFD_CLOEXEC, 4);
    if (spare < 0) return -1;
    *end = spare;
    for (int index = 0; index < 3; index++) {
        moved[index] = fcntl(descriptors[index], F_DUPFD_CLOEXEC, 4);
        if (moved[index] < 0) return -1;
    }
    /* dup2(2) clears close-on-exec. */
    for (int index = 0; index < 3; index++) {
        if (dup2(moved[index], index) < 0) return -1;
    }
    if (dup3(*end, 3, O_CLOEXEC) < 0) return -1;
    *end = 3;
    /* All others, also those that somebody opened without O_CLOEXEC. Not left to execve, which takes its time: until they
     * are closed here, who closes a pipe or a socket in the parent has not closed it. */
    return (int)syscall(SYS_close_range, 4u, ~0u, 0u);
}

/* Everything from vfork(2) to execve(2). The child has the parent's memory and stands on its stack, so it calls nothing
 * that is not async-signal-safe, and leaves by execve or _exit only. */
static void become(const cloop_process_plan *plan, int *end, complaint *why) {
    why->step = CLOOP_STEP_DESCRIPTORS;
    if (keep_only(plan->descriptors, end) != 0) return;

    /* A handler of the parent's must not run here, in the parent's memory: dispositions first, the mask after. By the
     * system call itself, whose struct is all zero for SIG_DFL: sigaction(3) refuses the signals that glibc uses. */
    const unsigned long by_default[8] = {0};
    for (int number = 1; number < NSIG; number++) syscall(SYS_rt_sigaction, number, by_default, NULL, 8);
    sigset_t none;
    sigemptyset(&none);

    why->step = CLOOP_STEP_GROUP;
    if (plan->group == CLOOP_GROUP_OWN && setpgid(0, 0) != 0) return;
    if (plan->group == CLOOP_GROUP_SESSION && setsid() < 0) return;

    why->step = CLOOP_STEP_DIRECTORY;
    if (plan->directory != NULL && chdir(plan->directory) != 0) return;

    why->step = CLOOP_STEP_PROGRAM;
    char *const *environment = plan->environment != NULL ? plan->environment : environ;
    int denied = 0;
    errno = ENOENT;
    if (pthread_sigmask(SIG_SETMASK, &none, NULL) != 0) return;
    for (int index = 0; plan->programs[index] != NULL; index++) {
        execve(plan->programs[index], plan->arguments, environment);
        if (errno == EACCES) denied = 1;
        else if (errno != ENOENT && errno != ENOTDIR) return;
    }
    /* As execvp(3) has it: one that was found and may not be run is the better answer than one that was not found. */
    if (denied) errno = EACCES;
}

int cloop_process_spawn(const cloop_process_plan *plan, int *pid, int *step) {
    int ends[2];
    *step = CLOOP_STEP_FORK;
    if (pipe2(ends, O_CLOEXEC) != 0) return -errno;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = vfork();
    if (child == 0) {
        complaint why = {0, 0};
        int end = ends[1];
        become(plan, &end, &why);
        why.error = errno;
        ssize_t written;
        do written = write(end, &why, sizeof why); while (written < 0 && errno == EINTR);
        _exit(127);
    }
    int failure = child < 0 ? -errno : 0;
    close(ends[1]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure < 0) {
        close(ends[0]);
        return failure;
    }
    complaint why;
    ssize_t got;
    do got = read(ends[0], &why, sizeof why); while (got < 0 && errno == EINTR);
    close(ends[0]);
    if (got == (ssize_t)sizeof why) {
        *step = why.step;
        failure = -why.error;
    } else {
        /* The numbers that the pipe had are free for it. Nobody but us reaps the child, so its number is still its own;
         * unless this process ignores SIGCHLD, and the child has come and gone: ESRCH. */
        int process = (int)syscall(SYS_pidfd_open, child, 0);
        if (process >= 0) {
            *pid = (int)child;
            return process;
        }
        failure = -errno;
        if (failure != -ESRCH) kill(child, SIGKILL);
    }
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    return failure;
}

int cloop_process_reap(int process, int *number) {
    siginfo_t end;
    int result;
    end.si_pid = 0;
    do result = waitid((idtype_t)3 /* P_PIDFD */, (id_t)process, &end, WEXITED | WNOHANG);
    while (result != 0 && errno == EINTR);
    if (result != 0) return -errno;
    if (end.si_pid == 0) return CLOOP_PROCESS_RUNS;
    *number = end.si_status;
    return end.si_code == CLD_EXITED ? CLOOP_PROCESS_EXITED : CLOOP_PROCESS_SIGNALLED;
}

int cloop_process_signal(int process, int signal) {
    return syscall(SYS_pidfd_send_signal, process, signal, NULL, 0) == 0 ? 0 : -errno;
}

char *const *cloop_process_environment(void) { return environ; }
