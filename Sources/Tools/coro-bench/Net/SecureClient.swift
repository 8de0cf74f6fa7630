// The load of the TLS rows, the same for every server: OpenSSL in blocking calls, some threads with a connection each at a
// time. A process of its own, since a handshake takes a client as much CPU time as a server.
//
// Large answers are not deciphered: their records are counted as they are on the wire, and thrown away (MSG_TRUNC), so that it
// is the server that they take their time of.
#if TLS

internal import COpenSSL
internal import Console
internal import Coro
internal import Glibc

struct SecureClient: Sendable, Equatable {
    /// What is done on each connection.
    enum Work: String {
        /// A full handshake, a request and its answer.
        case full
        /// The same, with a handshake that goes on from the thread's connection before.
        case resumed
        /// A full handshake, a request, and an answer that is counted.
        case bulk
    }

    let work: Work
    let port: UInt16
    let path: String
    /// The body of an answer has so many bytes.
    let bytes: Int
    /// How many connections are there at the same time.
    let connections: Int
    let seconds: Double

    /// What came of it.
    struct Count: Sendable, Equatable {
        var connections = 0
        /// How many of them went on from another.
        var resumed = 0
        /// From the first connection's beginning to the last one's end.
        var seconds = 0.0

        /// "654 0 0.331".
        init?(_ text: String) {
            let words = text.split { $0 == " " || $0 == "\n" }
            guard words.count == 3, let connections = Int(words[0]), let resumed = Int(words[1]),
                let seconds = Double(words[2])
            else { return nil }
            self.connections = connections
            self.resumed = resumed
            self.seconds = seconds
        }

        init() {}

        var text: String { "\(connections) \(resumed) \(seconds)\n" }
    }

    /// The words that make this program such a client.
    var words: [String] {
        ["client", work.rawValue, "\(port)", path, "\(bytes)", "\(connections)", "\(seconds)"]
    }

    init(_ work: Work, _ port: UInt16, path: String, bytes: Int, connections: Int, seconds: Double) {
        self.work = work
        self.port = port
        self.path = path
        self.bytes = bytes
        self.connections = connections
        self.seconds = seconds
    }

    init?(_ words: [String]) {
        guard words.count == 7, words[0] == "client", let work = Work(rawValue: words[1]), let port = UInt16(words[2]),
            let bytes = Int(words[4]), let connections = Int(words[5]), connections > 0, let seconds = Double(words[6])
        else { return nil }
        self.init(work, port, path: words[3], bytes: bytes, connections: connections, seconds: seconds)
    }

    /// Connects until the time is over, and says on standard output what came of it.
    func run() -> Never {
        // OpenSSL's own sockets are written to by write(2).
        signal(SIGPIPE, SIG_IGN)
        do {
            let loop = try EventLoop()
            let threads = ThreadPool(threadsMax: connections)
            let start = Clock.wall
            var count = try loop.runSync {
                try await (0..<connections).mapConcurrently(limit: connections, on: loop) { _ in
                    try await loop.runBlocking(on: threads) { try connectRepeatedly(until: start + seconds * 1e9) }
                }.reduce(into: Count()) {
                    $0.connections += $1.connections
                    $0.resumed += $1.resumed
                }
            }
            count.seconds = (Clock.wall - start) / 1e9
            Console.print(count.text)
            exit(0)
        } catch {
            Console.note("\((error as? Complaint)?.text ?? "\(error)")\n")
            exit(1)
        }
    }

    /// One thread's connections, one after the other.
    private func connectRepeatedly(until end: Double) throws -> Count {
        let context = try SecureContext()
        var session: OpaquePointer?
        defer { SSL_SESSION_free(session) }
        // Whoever goes on from a connection has had one.
        if work == .resumed { (_, session) = try connect(context, resuming: nil) }
        var count = Count()
        repeat {
            let (isResumed, next) = try connect(context, resuming: session)
            count.connections += 1
            count.resumed += isResumed ? 1 : 0
            SSL_SESSION_free(session)
            session = next
        } while Clock.wall < end
        return count
    }

    /// One connection; returns a session to go on from, which the caller owns, when that is the work.
    private func connect(
        _ context: SecureContext, resuming session: OpaquePointer?
    ) throws -> (isResumed: Bool, next: OpaquePointer?) {
        let connection = try RawConnection(port: port)
        let ssl = SSL_new(context.pointer)
        defer { SSL_free(ssl) }
        SSL_set_fd(ssl, connection.descriptor)
        if let session { SSL_set_session(ssl, session) }
        guard SSL_connect(ssl) == 1 else { throw failure("the handshake") }
        let request = Array("GET \(path) HTTP/1.0\r\n\r\n".utf8)
        guard SSL_write(ssl, request, Int32(request.count)) > 0 else { throw failure("the request") }
        let received = try work == .bulk ? countOnWire(connection) : read(ssl)
        // A head comes before the body; a refusal would be much less.
        guard received >= bytes else { throw Complaint("port \(port): \(received) bytes of \(path) and no more") }
        // Freed as it is, it would spoil its session: it has said no farewell.
        SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        // Tickets came before the answer, and the last one counts.
        return (SSL_session_reused(ssl) == 1, work == .resumed ? SSL_get1_session(ssl) : nil)
    }

    /// Counts the bytes that are in the records until the server's farewell: each has a head of 5 bytes, the length in its
    /// last two, and behind its bytes one of type and 16 of authentication (RFC 8446 §5.2).
    private func countOnWire(_ connection: RawConnection) throws -> Int {
        try withUnsafeTemporaryAllocation(byteCount: 5, alignment: 1) { head in
            var received = 0
            while true {
                try connection.receive(all: head)
                let length = Int(head[3]) << 8 | Int(head[4])
                try connection.drop(length)
                // An alert of two bytes: close_notify, if nothing is missing.
                if length == 2 + 17, received >= bytes { return received }
                received += max(0, length - 17)
            }
        }
    }

    private func read(_ ssl: OpaquePointer?) throws -> Int {
        try withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 16) { room in
            var received = 0
            while true {
                let got = SSL_read(ssl, room.baseAddress, Int32(room.count))
                if got > 0 {
                    received += Int(got)
                } else if SSL_get_error(ssl, got) == SSL_ERROR_ZERO_RETURN {
                    return received
                } else {
                    throw failure("the answer")
                }
            }
        }
    }

    private func failure(_ stage: String) -> Complaint {
        let reason = ERR_reason_error_string(ERR_get_error()).map { String(cString: $0) } ?? "errno \(errno)"
        return Complaint("port \(port): \(stage) of a TLS connection failed: \(reason)")
    }
}

/// What a client offers: TLS 1.3, one cipher, and trust in everybody.
private final class SecureContext {
    let pointer: OpaquePointer

    init() throws {
        guard let pointer = SSL_CTX_new(TLS_client_method()) else { throw Complaint("OpenSSL makes no context.") }
        self.pointer = pointer
        _ = copenssl_ctx_set_versions(pointer, TLS1_3_VERSION, TLS1_3_VERSION)
        SSL_CTX_set_ciphersuites(pointer, SecureLoad.cipher)
    }

    deinit { SSL_CTX_free(pointer) }
}
#endif
