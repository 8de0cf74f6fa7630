#define _GNU_SOURCE
#include "cloop.h"

#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Headers of the C library may be older than the kernel's. */
#ifndef TCP_ULP
#define TCP_ULP 31
#endif
#ifndef SOL_TLS
#define SOL_TLS 282
#endif

int cloop_tls_is_there(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    /* A protocol that is not there is ENOENT; one that is there wants a connection, which this socket has not. */
    int is_there = setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls") == 0 || errno == ENOTCONN;
    close(fd);
    return is_there;
}

/* How long the description of a cipher's keys is; it begins by saying which cipher that is. 0 for one not known here. */
static socklen_t length_of(const struct tls_crypto_info *keys) {
    switch (keys->cipher_type) {
    case TLS_CIPHER_AES_GCM_128: return sizeof(struct tls12_crypto_info_aes_gcm_128);
    case TLS_CIPHER_AES_GCM_256: return sizeof(struct tls12_crypto_info_aes_gcm_256);
    case TLS_CIPHER_AES_CCM_128: return sizeof(struct tls12_crypto_info_aes_ccm_128);
#ifdef TLS_CIPHER_CHACHA20_POLY1305
    case TLS_CIPHER_CHACHA20_POLY1305: return sizeof(struct tls12_crypto_info_chacha20_poly1305);
#endif
    default: return 0;
    }
}

int cloop_tls_encipher(int fd, const void *keys) {
    socklen_t length = length_of(keys);
    if (length == 0) return -EINVAL;
    if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls") != 0) return -errno;
    return setsockopt(fd, SOL_TLS, TLS_TX, keys, length) == 0 ? 0 : -errno;
}

int64_t cloop_tls_send_record(int fd, uint8_t type, const void *bytes, size_t count) {
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof type)];
    } control = {.head = {.cmsg_len = CMSG_LEN(sizeof type), .cmsg_level = SOL_TLS, .cmsg_type = TLS_SET_RECORD_TYPE}};
    memcpy(CMSG_DATA(&control.head), &type, sizeof type);
    struct iovec piece = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = control.head.cmsg_len};
    ssize_t sent;
    do sent = sendmsg(fd, &message, MSG_NOSIGNAL); while (sent < 0 && errno == EINTR);
    return sent >= 0 ? sent : -errno;
}
