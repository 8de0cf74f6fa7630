// An answer turned into bytes: which framing, which fields, in one write where possible.

internal import Coro
internal import HttpWire

/// Writes one answer on a stream.
struct ResponseWriting {
    let stream: ByteStream
    let prepared: PreparedHead
    let version: Version
    let isHead: Bool
    let keepAlive: Bool

    /// Queues the head, and the body if it is at hand; returns whether the connection goes on.
    ///
    /// - Throws: `WireError` when the handler's fields cannot be sent: nothing is queued then.
    func queue(_ response: inout HTTPServer.Response) throws(WireError) -> Bool {
        let wishes = takeFramingFields(from: &response.fields)
        let framing = framing(of: response)
        // A body whose end is the connection's end closes it (RFC 9112 §6.3).
        let keepAlive = keepAlive && !wishes.close && framing != .untilClose
        if case .bytes(let bytes) = response.body, hasBody(response), bytes.count <= ResponseWriting.copiedBytesMax {
            try queueHead(response, framing, keepAlive, declared: wishes.length, bodyBytes: bytes)
        } else {
            try queueHead(response, framing, keepAlive, declared: wishes.length)
        }
        return keepAlive
    }

    /// True when a queued answer's body is still to be sent by `finish`.
    func isUnfinished(_ response: HTTPServer.Response) -> Bool {
        switch response.body {
        case .none: false
        case .bytes(let bytes): bytes.count > ResponseWriting.copiedBytesMax && hasBody(response)
        case .stream, .file: hasBody(response)
        }
    }

    /// Sends the body of an answer whose head is queued.
    ///
    /// - Throws: what the body's writer throws; the connection must be closed then.
    func finish(_ response: HTTPServer.Response) async throws {
        guard isUnfinished(response) else { return }
        switch response.body {
        case .none: return
        case .bytes(let bytes): try await stream.write(bytes)
        case .stream(let length, let body):
            let writer = BodyWriter(stream: stream, declared: length, isChunked: framing(of: response) == .chunked)
            try await body(writer)
            try writer.finish()
        case .file(let file, let offset, let length):
            try await stream.write(file: file.descriptor, offset: Int64(offset), count: length)
        }
    }

    /// A body up to this size goes into the buffer behind its head, and out with it in one write; a larger one is not worth
    /// the copy.
    private static let copiedBytesMax = 16 * 1024

    // MARK: Framing

    private enum ResponseFraming: Equatable { case none, length(Int), chunked, untilClose }

    private func framing(of response: HTTPServer.Response) -> ResponseFraming {
        // RFC 9110 §8.6, RFC 9112 §6.3: no length on 1xx and 204, none that we compute on 304.
        if response.status.forbidsBody { return .none }
        if let length = response.body.length { return .length(length) }
        return version == .http11 ? .chunked : .untilClose
    }

    /// True for a body whose end only the connection's end marks.
    func endsWithConnection(_ response: HTTPServer.Response) -> Bool { framing(of: response) == .untilClose }

    private func hasBody(_ response: HTTPServer.Response) -> Bool { !isHead && !response.status.forbidsBody }

    /// What the handler's fields say about framing, which is the server's business: taken out, heeded where they may be.
    private func takeFramingFields(from fields: inout Fields) -> (close: Bool, length: String?) {
        guard ResponseWriting.namesFraming(fields) else { return (false, nil) }
        let close = fields.all("Connection").contains { $0.lowercased().contains("close") }
        let length = fields["Content-Length"]
        for name in ["Connection", "Content-Length", "Transfer-Encoding", "Date"] { fields.remove(name) }
        return (close, length)
    }

    /// One quick look: hardly any answer has such a field.
    private static func namesFraming(_ fields: Fields) -> Bool {
        for (name, _) in fields {
            switch name.utf8.count {
            case 4 where Fields.isSame(name, "Date"): return true
            case 10 where Fields.isSame(name, "Connection"): return true
            case 14 where Fields.isSame(name, "Content-Length"): return true
            case 17 where Fields.isSame(name, "Transfer-Encoding"): return true
            default: continue
            }
        }
        return false
    }

    // MARK: The head

    private func queueHead(
        _ response: HTTPServer.Response, _ framing: ResponseFraming, _ keepAlive: Bool, declared: String?,
        bodyBytes: [UInt8] = []
    ) throws(WireError) {
        let bound =
            prepared.bound(now: stream.loop.iterationTime) + response.status.reason.utf8.count + 128
            + MessageEncoder.fieldsBound(response.fields) + bodyBytes.count
        let room = stream.reserveOutput(bound)
        var writer = HeadWriter(room)
        writer.count = try prepared.write(response.status, now: stream.loop.iterationTime, into: room)
        writer.count += try MessageEncoder.writeFields(response.fields, into: writer.rest)
        switch framing {
        case .length(let length):
            writer.append("Content-Length: ")
            writer.count += try MessageEncoder.writeDecimal(
                declaredLength(declared, response, length), into: writer.rest)
            writer.append("\r\n")
        case .chunked: writer.append("Transfer-Encoding: chunked\r\n")
        case .none, .untilClose: break
        }
        if !keepAlive {
            writer.append("Connection: close\r\n")
        } else if version == .http10 {
            // RFC 9112 §9.3: 1.0 clients keep the connection only when they are told so.
            writer.append("Connection: keep-alive\r\n")
        }
        writer.append("\r\n")
        bodyBytes.withUnsafeBytes { writer.append($0) }
        stream.commitOutput(writer.count)
    }

    /// The answer to HEAD may name the length that GET would have had (RFC 9110 §8.6), with no body at hand to count.
    private func declaredLength(_ declared: String?, _ response: HTTPServer.Response, _ length: Int) -> Int {
        guard isHead, case .none = response.body, let declared, let said = Int(declared), said >= 0 else {
            return length
        }
        return said
    }

    /// Queues an answer that ends the connection, to something that is no request.
    static func queueRefusal(_ response: HTTPServer.Response, on stream: ByteStream, prepared: PreparedHead) {
        let writing = ResponseWriting(
            stream: stream, prepared: prepared, version: .http11, isHead: false, keepAlive: false)
        guard case .bytes(let bytes) = response.body else { return }
        // The fields are our own, so nothing here can be refused.
        try? writing.queueHead(response, .length(bytes.count), false, declared: nil, bodyBytes: bytes)
    }
}

/// A cursor over room that was reserved large enough for everything that follows.
private struct HeadWriter {
    private let room: UnsafeMutableRawBufferPointer
    var count = 0

    init(_ room: UnsafeMutableRawBufferPointer) { self.room = room }

    var rest: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(rebasing: room[count...]) }

    @inline(__always)
    mutating func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        rest.copyMemory(from: bytes)
        count += bytes.count
    }
}
