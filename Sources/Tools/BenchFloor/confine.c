#define _GNU_SOURCE
#include "bench_floor.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

int confine_allowed(int *cores, int capacity) {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0) return -errno;
    int count = 0;
    for (int core = 0; core < CPU_SETSIZE && count < capacity; core++) {
        if (CPU_ISSET(core, &allowed)) cores[count++] = core;
    }
    return count;
}

int confine_to_core(int core) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    return sched_setaffinity(0, sizeof one, &one) < 0 ? -errno : 0;
}

int confine_to_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? -errno : 0; }
