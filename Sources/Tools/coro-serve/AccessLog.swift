// One line an answer on standard error, which never waits for whoever reads it.
//
// A reader that has stopped, a pager or a full pipe, would stop the server with it: its loops would stand in write(2). So
// poll(2) is asked first. What finds no room waits in memory, and what is more than that holds is counted and dropped.

internal import Console
internal import Coro
internal import Glibc
internal import Http

final class AccessLog: Sendable {
    private struct Lines {
        /// What could not be written yet, behind what was, whole lines.
        var bytes: [UInt8] = []
        var written = 0
        /// Lines that found no place there.
        var dropped = 0
        var isWriteDue = false

        var waiting: ArraySlice<UInt8> { bytes[written...] }

        mutating func noteWritten(_ count: Int) {
            written += count
            // Moved seldom, so that moving costs little for each byte.
            guard written > bytes.count / 2 else { return }
            bytes.removeFirst(written)
            written = 0
        }
    }

    private let lines = Locked(Lines())
    /// Where to try again, while lines wait.
    private let loop: EventLoop

    /// So many bytes of lines may wait.
    private static let waitingMax = 1024 * 1024
    /// A descriptor that poll(2) calls writable takes so much without blocking (PIPE_BUF, pipe(7)).
    private static let pieceMax = 4096
    private static let retryInterval = Duration.milliseconds(100)

    init(on loop: EventLoop) { self.loop = loop }

    /// `200 GET /path 153 0.42ms 127.0.0.1:50312`: status, method, target, bytes sent, duration, peer. Any thread.
    @Sendable func answered(_ exchange: HTTPServer.Exchange) {
        let request = exchange.request
        let peer = request.peerAddress.map { "\($0)" } ?? "-"
        add(
            "\(exchange.status.code) \(request.method) \(request.target) \(exchange.bytesSent) "
                + "\(AccessLog.milliseconds(exchange.duration))ms \(peer)\n")
    }

    /// `--- 127.0.0.1:50312 The TLS handshake failed: …`: a connection that got no request as far as us. Any thread.
    @Sendable func refused(_ error: any Error, _ peer: SocketAddress?) {
        add("--- \(peer.map { "\($0)" } ?? "-") \(error)\n")
    }

    /// Writes what waits. The reader has a second to make room, each time.
    func finish() {
        while !lines.withLock({ AccessLog.write(&$0) }), AccessLog.hasRoom(within: 1_000) {}
    }

    /// The lines of one iteration are written together.
    private func add(_ line: String) {
        let isFirst = lines.withLock { lines in
            if lines.waiting.count + line.utf8.count > AccessLog.waitingMax {
                lines.dropped += 1
            } else {
                lines.bytes += line.utf8
            }
            defer { lines.isWriteDue = true }
            return !lines.isWriteDue
        }
        if isFirst { (EventLoop.current ?? loop).addCallback(writeSome) }
    }

    @Sendable private func writeSome() {
        let isDone = lines.withLock { lines in
            lines.isWriteDue = !AccessLog.write(&lines)
            return !lines.isWriteDue
        }
        if !isDone { loop.callLater(AccessLog.retryInterval) { self.writeSome() } }
    }

    /// Writes what the reader has room for; true when nothing is left.
    private static func write(_ lines: inout Lines) -> Bool {
        while !lines.waiting.isEmpty || lines.dropped > 0 {
            guard hasRoom(within: 0) else { return false }
            if lines.waiting.isEmpty {
                lines.bytes += "--- \(lines.dropped) lines are missing here: nobody read the log\n".utf8
                lines.dropped = 0
            }
            var piece = lines.waiting.prefix(pieceMax)
            // Whole lines, so that those of other processes do not come in between.
            if let end = piece.lastIndex(of: UInt8(ascii: "\n")) { piece = piece[...end] }
            Console.note(piece)
            lines.noteWritten(piece.count)
        }
        return true
    }

    private static func hasRoom(within milliseconds: Int32) -> Bool {
        var question = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        // A reader that has gone is answered by write(2), with an error that nobody has to wait for.
        return poll(&question, 1, milliseconds) == 1
    }

    /// With two decimals.
    private static func milliseconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let hundredths = seconds * 100_000 + attoseconds / 10_000_000_000_000
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    }
}
