#define _GNU_SOURCE
#include "cloop.h"

#include <errno.h>
#include <sys/uio.h>

static void describe(cloop_datagram *datagrams, struct mmsghdr *messages, struct iovec *pieces, int count) {
    for (int index = 0; index < count; index++) {
        cloop_datagram *datagram = &datagrams[index];
        pieces[index] = (struct iovec){.iov_base = datagram->bytes, .iov_len = datagram->count};
        messages[index] = (struct mmsghdr){.msg_hdr = {
            /* A connected socket is sent to without an address (sendmsg(2), EISCONN). */
            .msg_name = datagram->address_length > 0 ? &datagram->address : NULL,
            .msg_namelen = datagram->address_length,
            .msg_iov = &pieces[index],
            .msg_iovlen = 1,
        }};
    }
}

int cloop_datagrams_receive(int fd, cloop_datagram *datagrams, int count) {
    struct mmsghdr messages[CLOOP_DATAGRAMS_MAX];
    struct iovec pieces[CLOOP_DATAGRAMS_MAX];
    if (count > CLOOP_DATAGRAMS_MAX) count = CLOOP_DATAGRAMS_MAX;
    for (int index = 0; index < count; index++) datagrams[index].address_length = sizeof datagrams[index].address;
    describe(datagrams, messages, pieces, count);
    int got;
    do got = recvmmsg(fd, messages, (unsigned)count, MSG_DONTWAIT, NULL); while (got < 0 && errno == EINTR);
    if (got < 0) return -errno;
    for (int index = 0; index < got; index++) {
        datagrams[index].count = messages[index].msg_len;
        datagrams[index].address_length = messages[index].msg_hdr.msg_namelen;
        datagrams[index].is_truncated = (messages[index].msg_hdr.msg_flags & MSG_TRUNC) != 0;
    }
    return got;
}

int cloop_datagrams_send(int fd, cloop_datagram *datagrams, int count) {
    struct mmsghdr messages[CLOOP_DATAGRAMS_MAX];
    struct iovec pieces[CLOOP_DATAGRAMS_MAX];
    if (count > CLOOP_DATAGRAMS_MAX) count = CLOOP_DATAGRAMS_MAX;
    describe(datagrams, messages, pieces, count);
    int sent;
    do sent = sendmmsg(fd, messages, (unsigned)count, MSG_DONTWAIT | MSG_NOSIGNAL); while (sent < 0 && errno == EINTR);
    return sent >= 0 ? sent : -errno;
}
