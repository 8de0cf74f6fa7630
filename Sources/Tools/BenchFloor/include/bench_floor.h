// What `coro-bench net` holds Coro's streams against: the same service with nothing between it and the kernel. And what
// makes such comparisons fair: one core for the server, another one for the load.
//
// Every function returns >= 0 on success and -errno on failure.

#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <stddef.h>
#include <stdint.h>

/// What is done with each connection. The numbers stand in command lines between two processes of one program.
enum floor_service {
    FLOOR_ECHO = 0,     ///< Takes a message whole and sends it back.
    FLOOR_SEND = 1,     ///< Sends messages, one send(2) each as far as there is room, until the peer goes.
    FLOOR_RECEIVE = 2,  ///< Takes messages; answers one byte at their end, and closes.
    FLOOR_CHURN = 3,    ///< Takes one byte, and closes.
};

/// Listens on a free port of 127.0.0.1 and says which; returns the descriptor.
int floor_listen(uint16_t *port);

/// Serves every connection, messages of `size` bytes, until something fails: one thread, level-triggered epoll(7).
int floor_serve(int listener, enum floor_service service, size_t size);

/// Which cores this thread may run on, at most `capacity` of them; returns how many there are.
int confine_allowed(int *cores, int capacity);

/// Keeps this thread, and all it starts, on one core.
int confine_to_core(int core);

/// Kills this process when the thread that started it is gone, after execve(2) too (PR_SET_PDEATHSIG).
int confine_to_parent(void);

#endif
