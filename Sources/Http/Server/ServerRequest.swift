// What a handler is given.

public import Coro
public import CoroTLS
public import HttpWire

extension HTTPServer {
    /// A request: its head, parsed in place and read lazily, and its body, read as it arrives.
    public struct Request: Sendable {
        /// The head; its strings are made when asked for.
        public let head: RequestHead
        /// The body. Bytes are taken off the connection only as they are read here. What a handler does not read is
        /// dropped after it returns.
        public let body: IncomingBody
        /// What the router found in the path's `{name}` places, percent-decoded.
        public internal(set) var parameters = Parameters()

        private let connection: ServerConnection

        init(head: RequestHead, body: IncomingBody, connection: ServerConnection) {
            self.head = head
            self.body = body
            self.connection = connection
        }

        /// The method.
        public var method: Method { head.method }
        /// The request target as it was sent.
        public var target: String { head.target }
        /// The target's path, not decoded.
        public var path: String { head.path }
        /// What follows the `?`, not decoded; nil without one.
        public var query: String? { head.query }
        /// The fields, read where they lie.
        public var fields: FieldView { head.fields }

        /// The loop the connection lives on: for `sleep`, futures and coroutines within a handler.
        public var loop: EventLoop { connection.stream.loop }

        /// Whether it came over TLS.
        public var isSecure: Bool { connection.stream.layer != nil }

        /// What was agreed on with the client: version, name that it asked for, its certificate; nil for plain HTTP.
        public var tls: TLSSession? { connection.stream.tls }

        /// Who asks; nil when the connection is gone.
        public var peerAddress: SocketAddress? { connection.stream.peerAddress }
    }

    /// What a route's `{name}` places matched.
    public struct Parameters: Sendable {
        private var values: [(name: String, value: String)] = []

        init() {}

        /// The value of the place called `name`; nil when the route has none.
        public subscript(name: String) -> String? { values.first { $0.name == name }?.value }

        var isEmpty: Bool { values.isEmpty }
        mutating func append(_ name: String, _ value: String) { values.append((name, value)) }
        mutating func removeLast() { values.removeLast() }
    }
}
