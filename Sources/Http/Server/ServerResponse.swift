// What a handler gives back.

public import HttpWire

extension HTTPServer {
    /// An answer: status, fields and a body.
    ///
    /// The server adds `Date`, `Server` and the framing fields; `Content-Length`, `Transfer-Encoding` and `Date` set here
    /// are ignored (except a length on the answer to HEAD or on 304), and `Connection: close` is heeded.
    public struct Response: Sendable {
        /// The status, 200 to 599; one below is answered with 500 and reported.
        public var status: Status
        /// The fields beside those that the server adds.
        public var fields: Fields
        /// The body; not sent where the method or status forbids one.
        public var body: OutgoingBody

        /// Makes an answer; 200 with nothing in it when nothing is said.
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
        /// The answer to give.
        public var response: Response

        /// A refusal with a status, and a line of text for the client (the status's phrase when not given).
        public init(_ status: Status, _ text: String? = nil) {
            response = text.map { .text($0 + "\n", status: status) } ?? .failure(status)
        }
    }
}
