// What a handler gives back.

public import HttpWire

extension HTTPServer {
    /// An answer: status, fields and a body.
    ///
    /// The server adds `Date`, `Server` and the framing fields; `Content-Length`, `Transfer-Encoding` and `Date` set here
    /// are ignored (except a length on the answer to HEAD or on 304), and `Connection: close` is heeded.
    public struct Response: Sendable {
        public var status: Status
        public var fields: Fields
        public var body: OutgoingBody

        public init(status: Status = .ok, fields: Fields = Fields(), body: OutgoingBody = .none) {
            self.status = status
            self.fields = fields
            self.body = body
        }

        /// An answer of plain text.
        public static func text(_ text: String, status: Status = .ok) -> Response {
            Response(status: status, fields: plainText, body: .text(text))
        }

        /// An answer of JSON that is made already.
        public static func json(_ json: String, status: Status = .ok) -> Response {
            Response(status: status, fields: jsonType, body: .text(json))
        }

        /// An answer whose body is written by `write` as the peer reads; chunked when no length is given.
        public static func stream(
            type: String = "application/octet-stream", length: Int? = nil,
            _ write: @escaping @Sendable (BodyWriter) async throws -> Void
        ) -> Response {
            // A type that cannot be sent is remembered by the literal and refused when the answer is sent.
            Response(fields: ["Content-Type": type], body: .stream(length: length, write))
        }

        /// The answer to what went wrong: the status and its phrase as text.
        public static func failure(_ status: Status) -> Response { text("\(status)\n", status: status) }

        private static let plainText: Fields = ["Content-Type": "text/plain; charset=utf-8"]
        private static let jsonType: Fields = ["Content-Type": "application/json"]
    }

    /// Thrown by a handler to answer with a status instead of 500.
    public struct Refusal: Error, Sendable {
        public var response: Response

        public init(_ status: Status, _ text: String? = nil) {
            response = text.map { .text($0 + "\n", status: status) } ?? .failure(status)
        }
    }
}
