// OpenSSL 3 as Swift can see it. Most of its calls are functions and come through as they are; those that are macros have a
// function of the same meaning here. Nothing else: no policy, no state.
#ifndef CORO_OPENSSL_SHIM_H
#define CORO_OPENSSL_SHIM_H

#if !__has_include(<openssl/ssl.h>)
#error "Coro's TLS needs the headers of OpenSSL 3. Get them: `apt-get install libssl-dev` (Debian, Ubuntu), `dnf install openssl-devel` (Fedora). Or build without TLS: `swift build --disable-default-traits`."
#else

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "Coro's TLS needs OpenSSL 3 or later; the headers found are older. Build without TLS: `swift build --disable-default-traits`."
#endif

// Constants that are more than a number to the importer.
static const uint64_t copenssl_op_no_renegotiation = SSL_OP_NO_RENEGOTIATION;
static const uint64_t copenssl_op_no_compression = SSL_OP_NO_COMPRESSION;
static const uint64_t copenssl_op_server_preference = SSL_OP_CIPHER_SERVER_PREFERENCE;
static const uint64_t copenssl_op_no_ticket = SSL_OP_NO_TICKET;
// Kernel TLS. What OpenSSL says of it to a BIO is an interface that bio.h documents by number, in a comment, the same from
// 3.0 on. An OpenSSL that was built without (no-ktls) never says it.
static const uint64_t copenssl_op_kernel_tls = SSL_OP_ENABLE_KTLS;
static const int copenssl_ctrl_kernel_keys = 72;
static const int copenssl_ctrl_kernel_sends = BIO_CTRL_GET_KTLS_SEND;
static const int copenssl_ctrl_kernel_record = 74;
static const int copenssl_ctrl_kernel_record_no_more = 75;
#ifdef OPENSSL_NO_KTLS
static const int copenssl_has_kernel_tls = 0;
#else
static const int copenssl_has_kernel_tls = 1;
#endif
// Sessions are handed to the callback and not kept by OpenSSL too.
static const long copenssl_cache_client_outside = SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL;
// RFC 2253's escapes, with a space behind the comma, UTF-8 left as it is, and the short names of the fields.
static const unsigned long copenssl_name_flags =
    (ASN1_STRFLGS_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) | XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN;
static const int copenssl_utf8_text = MBSTRING_UTF8;

static inline int copenssl_ctx_set_versions(SSL_CTX *context, int lowest, int highest) {
    return SSL_CTX_set_min_proto_version(context, lowest) && SSL_CTX_set_max_proto_version(context, highest);
}

static inline void copenssl_ctx_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }

static inline void copenssl_ctx_set_read_ahead(SSL_CTX *context, int on) { SSL_CTX_set_read_ahead(context, on); }

static inline void copenssl_ctx_set_session_cache_mode(SSL_CTX *context, long mode) {
    SSL_CTX_set_session_cache_mode(context, mode);
}

static inline int copenssl_ctx_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(context, certificate);
}

static inline int copenssl_ctx_clear_chain(SSL_CTX *context) { return (int)SSL_CTX_clear_chain_certs(context); }

static inline void copenssl_ctx_set_server_name_callback(SSL_CTX *context, int (*callback)(SSL *, int *, void *)) {
    SSL_CTX_set_tlsext_servername_callback(context, callback);
}

// The key of an HMAC with SHA-256.
static inline int copenssl_mac_set_key(EVP_MAC_CTX *mac, const unsigned char *key, size_t length) {
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key, length),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, parameters);
}

static inline int copenssl_ctx_set_groups(SSL_CTX *context, const char *groups) {
    return (int)SSL_CTX_set1_groups_list(context, groups);
}

static inline int copenssl_set_server_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}

static inline const char *copenssl_group_name(SSL *ssl) {
    return SSL_group_to_name(ssl, (int)SSL_get_negotiated_group(ssl));
}

static inline void copenssl_bio_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void copenssl_bio_set_retry_write(BIO *bio) { BIO_set_retry_write(bio); }
static inline void copenssl_bio_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

static inline long copenssl_bio_contents(BIO *bio, char **bytes) { return BIO_get_mem_data(bio, bytes); }

static inline EVP_PKEY *copenssl_make_ec_key(const char *curve) { return EVP_EC_gen(curve); }
static inline EVP_PKEY *copenssl_make_rsa_key(unsigned int bits) { return EVP_RSA_gen(bits); }

static inline void copenssl_free(void *memory) { OPENSSL_free(memory); }

static inline int copenssl_error_reason(unsigned long error) { return ERR_GET_REASON(error); }
static inline int copenssl_error_library(unsigned long error) { return ERR_GET_LIB(error); }

static inline int copenssl_names_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
static inline const GENERAL_NAME *copenssl_name_at(const GENERAL_NAMES *names, int index) {
    return sk_GENERAL_NAME_value(names, index);
}
static inline void copenssl_names_free(GENERAL_NAMES *names) { GENERAL_NAMES_free(names); }
static inline const ASN1_STRING *copenssl_name_string(const GENERAL_NAME *name) {
    return name->type == GEN_DNS || name->type == GEN_IPADD ? name->d.ia5 : NULL;
}
static inline int copenssl_name_is_address(const GENERAL_NAME *name) { return name->type == GEN_IPADD; }

#endif
#endif
