/* CLoop: the Linux calls that Swift's Glibc module hides (they need _GNU_SOURCE, variadic arguments or packed
 * structs). Syscalls in, values out.
 *
 * Every function returns >= 0 on success or -errno on failure; none logs, allocates, keeps state or calls back.
 * EINTR is retried wherever the call may be retried without changing its meaning. Descriptors come out
 * non-blocking and close-on-exec. Any thread may call any function unless the kernel says otherwise. */
#ifndef CLOOP_H
#define CLOOP_H

#if !defined(__linux__)
#error "Coro runs on Linux only: CLoop is epoll, eventfd and accept4. Build it on Linux or in a Linux container."
#endif

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Readiness and interest, the epoll(7) bits by a name that Swift can read. */
#define CLOOP_READABLE 0x001u        /* EPOLLIN */
#define CLOOP_URGENT 0x002u          /* EPOLLPRI: the peer sent out-of-band data */
#define CLOOP_WRITABLE 0x004u        /* EPOLLOUT */
#define CLOOP_ERROR 0x008u           /* EPOLLERR, always reported */
#define CLOOP_HANG_UP 0x010u         /* EPOLLHUP, always reported */
#define CLOOP_PEER_CLOSED 0x2000u    /* EPOLLRDHUP: the peer sent FIN */
#define CLOOP_EDGE_TRIGGERED 0x80000000u /* EPOLLET */

/* One reported readiness. epoll_event is packed on x86-64 (12 bytes), so Swift must never guess its layout:
 * this is the same struct, declared where the C compiler checks it against the kernel's. */
typedef struct {
    uint32_t readiness;
    uint32_t token_low;
    uint32_t token_high;
} cloop_event;

/* Poller: epoll(7). */

/* Opens an epoll instance. */
int cloop_poller_open(void);
/* Adds `fd` with an interest set; `token` comes back with each event. -EEXIST when it is already there. */
int cloop_poller_add(int poller, int fd, uint32_t interest, uint64_t token);
/* Replaces the interest set and the token of `fd`. -ENOENT when it is not there. */
int cloop_poller_modify(int poller, int fd, uint32_t interest, uint64_t token);
/* Forgets `fd`. -ENOENT when it is not there, -EBADF when it is closed already. */
int cloop_poller_remove(int poller, int fd);
/* Waits for events, at most `capacity` of them; the timeout is in nanoseconds, < 0 waits for ever.
 * Returns how many were written. A signal ends the wait with 0 events: the caller's iteration decides what next. */
int cloop_poller_wait(int poller, cloop_event *events, int capacity, int64_t timeout_ns);

/* Waker: eventfd(2). */

/* Opens an eventfd whose counter starts at zero. */
int cloop_waker_open(void);
/* Makes the eventfd readable. Thread-safe and async-signal-safe. */
int cloop_waker_signal(int waker);

/* Sockets. */

/* Creates a socket. */
int cloop_socket_open(int family, int type, int protocol);
/* Takes one pending connection; *length holds the room in `address` and then the address's size. Connections the
 * peer aborted while they waited (ECONNABORTED, EPROTO) are skipped. */
int cloop_socket_accept(int listener, struct sockaddr *address, socklen_t *length);
/* Starts connecting. -EINPROGRESS: wait until writable, then ask cloop_socket_error. */
int cloop_socket_connect(int fd, const struct sockaddr *address, socklen_t length);
/* Takes the pending error (SO_ERROR): 0, or -errno of what went wrong. */
int cloop_socket_error(int fd);
/* Receives at most `count` bytes; 0 is the end of the stream. */
int64_t cloop_socket_receive(int fd, void *bytes, size_t count);
/* The same from a unix socket; `*stopped` is 1 when descriptors came, which are closed: a read ends behind them (unix(7)). */
int64_t cloop_socket_receive_local(int fd, void *bytes, size_t count, int *stopped);
/* Sends at most `count` bytes, never raising SIGPIPE. */
int64_t cloop_socket_send(int fd, const void *bytes, size_t count);
/* The same, when more follows at once: the kernel fills a packet before it sends it, for 200 ms at most (tcp(7), TCP_CORK). */
int64_t cloop_socket_send_more(int fd, const void *bytes, size_t count);
/* Sends pieces in order with one call, never raising SIGPIPE. -EMSGSIZE when there are more than IOV_MAX (1024). */
int64_t cloop_socket_send_pieces(int fd, const struct iovec *pieces, int count);
/* The same of two; `more`: more follows at once, as above. */
int64_t cloop_socket_send_two(int fd, const void *first, size_t count, const void *second, size_t others, int more);
/* Sets a socket option whose value is an int. */
int cloop_socket_set(int fd, int level, int option, int value);
/* The value of a socket option that is an int >= 0. */
int cloop_socket_get(int fd, int level, int option);
/* Makes a socket that somebody else has opened like those opened here: non-blocking, close-on-exec. */
int cloop_socket_adopt(int fd);
/* Makes the coming close(2) send RST instead of FIN and drop what is unsent (SO_LINGER with time zero). */
int cloop_socket_reset_on_close(int fd);
/* Takes that back: close(2) returns at once and the kernel goes on sending. */
int cloop_socket_linger_in_background(int fd);
/* 1 when the kernel has room to send (a third of its buffer, for TCP) or an error to tell, else 0; then epoll will
 * announce the room, an edge too. */
int cloop_socket_has_room(int fd);
/* A connected pair of stream sockets. */
int cloop_socket_pair(int pair[2]);

/* The kernel's TLS (Documentation/networking/tls.rst), in the sending direction. */

/* 1 when this kernel has it, else 0. Has the module loaded when that is allowed (CAP_NET_ADMIN). */
int cloop_tls_is_there(void);
/* Has what is sent from now on enciphered under `keys`, a struct tls12_crypto_info_... of linux/tls.h: every send is one
 * record or more of application data, a sendfile(2) too. For a TCP socket that is connected, once. After an error it sends
 * as before. -EINVAL for a cipher that is not known. */
int cloop_tls_encipher(int fd, const void *keys);
/* Sends one record of another type (RFC 8446 section 5.1), whole or not at all, and what is open of a record before it. */
int64_t cloop_tls_send_record(int fd, uint8_t type, const void *bytes, size_t count);

/* Files. */

/* Copies file bytes to a socket inside the kernel (sendfile(2)), from *offset, which is moved on. */
int64_t cloop_file_send(int socket, int file, int64_t *offset, size_t count);
/* Reads at most `count` file bytes at `offset` without waiting for a disk: only what is in the page cache (preadv2(2),
 * RWF_NOWAIT). -EAGAIN when the first of them is not, -EOPNOTSUPP where the file system cannot tell. */
int64_t cloop_file_read_cached(int file, void *bytes, size_t count, int64_t offset);
/* Opens `path` relative to the directory `directory`, read-only, refusing any path that would leave it, by `..`,
 * by an absolute path or by a symbolic link (openat2(2), RESOLVE_BENEATH). -ENOSYS before Linux 5.6. */
int cloop_file_open_beneath(int directory, const char *path);

/* Pipes. */

/* A pipe, close-on-exec at both ends; ends[0] is read from. Both block: what a child gets must, and our own end is
 * made non-blocking by whoever keeps it. */
int cloop_pipe_open(int ends[2]);
/* Reads at most `count` bytes; 0 is the end: no writer is left. */
int64_t cloop_pipe_read(int fd, void *bytes, size_t count);
/* Writes at most `count` bytes, never raising SIGPIPE: -EPIPE when no reader is left. */
int64_t cloop_pipe_write(int fd, const void *bytes, size_t count);

/* Datagrams: recvmmsg(2) and sendmmsg(2). */

/* How many one call moves at most. */
#define CLOOP_DATAGRAMS_MAX 16

typedef struct {
    void *bytes;
    /* The room in `bytes`, and after receiving how many there are. */
    size_t count;
    struct sockaddr_storage address;
    /* Size of `address`; 0 sends to where the socket is connected. */
    socklen_t address_length;
    /* Set when a received datagram was longer than its room. */
    int is_truncated;
} cloop_datagram;

/* Receives at most `count` datagrams and returns how many came. */
int cloop_datagrams_receive(int fd, cloop_datagram *datagrams, int count);
/* Sends datagrams in order and returns how many went; an error is that of the first. */
int cloop_datagrams_send(int fd, cloop_datagram *datagrams, int count);

/* Processes. */

/* Which group a child belongs to. */
#define CLOOP_GROUP_INHERITED 0
#define CLOOP_GROUP_OWN 1     /* setpgid(2) */
#define CLOOP_GROUP_SESSION 2 /* setsid(2) */

/* Where starting a process failed. */
#define CLOOP_STEP_FORK 0
#define CLOOP_STEP_GROUP 1
#define CLOOP_STEP_DESCRIPTORS 2
#define CLOOP_STEP_DIRECTORY 3
#define CLOOP_STEP_PROGRAM 4

/* How a child stands. */
#define CLOOP_PROCESS_RUNS 0
#define CLOOP_PROCESS_EXITED 1
#define CLOOP_PROCESS_SIGNALLED 2

typedef struct {
    /* Paths, ended by NULL, tried in order while there is none or it may not be run. */
    char *const *programs;
    /* Ended by NULL, the program's name first. */
    char *const *arguments;
    /* "NAME=value", ended by NULL; NULL is the parent's. */
    char *const *environment;
    /* NULL is the parent's. */
    const char *directory;
    /* What become the child's 0, 1 and 2. */
    int descriptors[3];
    int group;
} cloop_process_plan;

/* Starts a program: vfork(2), execve(2). Signals are unblocked and have their default dispositions in it, and no
 * descriptor but 0, 1 and 2 is open. Blocks until the program has begun. Returns a pidfd and the child's number in
 * *pid; on failure no child is left, and *step tells where it was. Needs Linux 5.9. */
int cloop_process_spawn(const cloop_process_plan *plan, int *pid, int *step);
/* Reaps a child, if it has ended; *number is then its exit code or the signal. -ECHILD when somebody else has. */
int cloop_process_reap(int process, int *number);
/* Sends a signal to the process of a pidfd, and never to another that has its number. -ESRCH when it was reaped. */
int cloop_process_signal(int process, int signal);
/* The environment of this process, environ(7). */
char *const *cloop_process_environment(void);

/* Signals. */

/* Blocks these signals for this thread, and those it starts, and opens a signalfd(2) that reports them. */
int cloop_signals_open(const int *signals, int count);
/* Takes one pending signal: its number, or -EAGAIN. */
int cloop_signals_take(int signals);

/* Threads. */

/* Names the calling thread; the kernel keeps the first 15 bytes (PR_SET_NAME of prctl(2)). */
int cloop_thread_name(const char *name);

#endif
