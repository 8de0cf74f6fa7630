// What the client knows of TLS, all in one place; a build without TLS has the second half of this file.
//
// Reading the system's trusted certificates takes a hundred file reads and some ten milliseconds. So it is done when the
// first https URL comes, once, on the blocking pool, and whoever comes meanwhile waits for the same.

internal import Coro
#if TLS
public import CoroTLS

final class ClientSecurity: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): `made` is touched on the client's loop only.

    struct Options: Sendable {
        var tls = TLSClient.Options()
    }

    static let isBuiltIn = true

    private let options: TLSClient.Options
    /// On its way, or there.
    private var made: Future<TLSClient>?

    init(_ options: Options) {
        var tls = options.tls
        // What is spoken inside is this client's to say (RFC 7301 §6).
        tls.protocols = ["http/1.1"]
        self.options = tls
    }

    /// Makes a connection that was just made secure.
    func secure(_ stream: ByteStream, host: String, port: UInt16) async throws {
        let client = try await client(on: stream.loop)
        do {
            try await stream.startTLS(client, host: host, port: port)
        } catch StreamError.broken(let error) {
            throw TLSError.handshake("the connection broke in the middle of it: \(error)")
        }
    }

    private func client(on loop: EventLoop) async throws -> TLSClient {
        let options = options
        let future = made ?? loop.blocking { try TLSClient(options) }
        made = future
        do {
            return try await future.value
        } catch let error as TLSError {
            // A file that is missing now may be there for the next fetch.
            if made === future { made = nil }
            throw error
        }
    }
}

extension HTTPClient.Configuration {
    /// How connections for `https` URLs are secured: whom they trust, who we are. The protocols in it are not used: this
    /// client speaks `http/1.1`.
    ///
    /// Files that it names are read when the first `https` URL is fetched; what is wrong with them is that fetch's error.
    public var tls: TLSClient.Options {
        get { security.tls }
        set { security.tls = newValue }
    }
}
#else

final class ClientSecurity: Sendable {
    struct Options: Sendable {}

    static let isBuiltIn = false

    init(_ options: Options) {}

    func secure(_ stream: ByteStream, host: String, port: UInt16) async throws {
        throw HTTPClientError.unsupportedScheme("https")
    }
}
#endif
