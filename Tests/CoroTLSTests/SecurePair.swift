#if TLS

import Coro
@testable import CoroTLS
import CoroTesting
import Glibc

/// Two ends of one secured connection.
struct SecurePair {
    let client: ByteStream
    let server: ByteStream

    init(
        on loop: EventLoop, _ client: TLSClient? = nil, _ server: TLSServer? = nil, host: String = "localhost"
    ) async throws {
        let pair = try StreamPair(on: loop)
        let client = try client ?? TestAuthority.client()
        let server = try server ?? TestAuthority.server()
        self.client = pair.left
        self.server = pair.right
        try await loop.withScope { scope in
            scope.spawn { try await pair.left.startTLS(client, host: host) }
            scope.spawn { try await pair.right.startTLS(server) }
        }
    }
}

extension ByteStream {
    /// Ends the connection below TLS, as a broken network or an attacker would.
    func cutWithoutFarewell() {
        // With the server's tickets unread it would be RST instead of FIN.
        _ = receiveUnannouncedNow()
        (layer as? TLSLayer)?.close(orderly: false)
        close()
    }
}
#endif
