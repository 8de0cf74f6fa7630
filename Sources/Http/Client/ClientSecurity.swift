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
        var client: TLSClient?
    }

    static let isBuiltIn = true

    /// What is spoken inside is this client's to say, whatever the options do (RFC 9112 §9.7, RFC 7301 §6).
    private static let protocols = ["http/1.1"]

    private let options: Options
    /// On its way, or there.
    private var made: Future<TLSClient>?

    init(_ options: Options) { self.options = options }

    /// Makes a connection that was just made secure.
    func secure(_ stream: ByteStream, host: String, port: UInt16) async throws {
        let client = try await client(on: stream.loop)
        do {
            try await stream.startTLS(client, host: host, port: port, offering: ClientSecurity.protocols)
        } catch StreamError.broken(let error) {
            throw TLSError.handshake("the connection broke in the middle of it: \(error)")
        }
    }

    private func client(on loop: EventLoop) async throws -> TLSClient {
        if let client = options.client { return client }
        let tls = options.tls
        let future = made ?? loop.blocking { try TLSClient(tls) }
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
    /// client speaks `http/1.1`. Nor is its `handshakeTimeout`: `connectTimeout` covers the handshake.
    ///
    /// Files that it names are read when the first `https` URL is fetched; what is wrong with them is that fetch's error.
    public var tls: TLSClient.Options {
        get { security.tls }
        set { security.tls = newValue }
    }

    /// A client for TLS that is there already, used in place of one that is made of `tls`. HTTP clients that share one, on
    /// any loops, resume each other's sessions, and its files are read once. The protocols in its options are not used
    /// either, nor its `handshakeTimeout`.
    public var tlsClient: TLSClient? {
        get { security.client }
        set { security.client = newValue }
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
