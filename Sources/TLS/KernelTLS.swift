// The kernel's TLS, as somebody asks for it who may have to say that there is none.
#if TLS

internal import Coro
internal import COpenSSL

/// TLS in the kernel (kTLS): after the handshake it enciphers what is sent, and files are sent without coming to user space.
///
/// `usesKernelTLS` of a server's or a client's options asks for it; `TLSSession.isEncipheredByKernel` says what came of it.
public enum KernelTLS {
    /// True when this kernel has TLS and the OpenSSL that this was built with can use it.
    ///
    /// It is the kernel's module `tls` (`modprobe tls`). A process that may (CAP_NET_ADMIN) has it loaded by asking. One
    /// system call or two.
    public static var isSupported: Bool { copenssl_has_kernel_tls == 1 && Kernel.hasTLS }
}
#endif
