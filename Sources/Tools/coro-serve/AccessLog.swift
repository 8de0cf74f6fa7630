// One line an answer.

internal import Console
internal import Coro
internal import Http

enum AccessLog {
    /// `200 GET /path 153 0.42ms 127.0.0.1:50312`: status, method, target, bytes sent, duration, peer.
    @Sendable static func write(_ exchange: HTTPServer.Exchange) {
        let request = exchange.request
        let peer = request.peerAddress.map { "\($0)" } ?? "-"
        Console.note(
            "\(exchange.status.code) \(request.method) \(request.target) \(exchange.bytesSent) "
                + "\(milliseconds(exchange.duration))ms \(peer)\n")
    }

    /// `--- 127.0.0.1:50312 The TLS handshake failed: …`: a connection that got no request as far as us.
    @Sendable static func refused(_ error: any Error, _ peer: SocketAddress?) {
        Console.note("--- \(peer.map { "\($0)" } ?? "-") \(error)\n")
    }

    /// With two decimals.
    private static func milliseconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let hundredths = seconds * 100_000 + attoseconds / 10_000_000_000_000
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    }
}
