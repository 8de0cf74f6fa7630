// The invariant: whatever the bytes and however they are cut, no reader traps, and a message read byte by byte comes to
// the same as the message read whole. (Of an unfinished line one may say that it is at fault while the other still waits.)
//
// `make fuzz` compiles this file together with the wire module's own and runs it for a minute; the first byte of an input
// chooses the reader.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    guard let reader = bytes.first else { return 0 }
    let message = UnsafeRawBufferPointer(rebasing: bytes[1...])
    switch reader % 6 {
    case 0: compare(message, readRequest)
    case 1: compare(message, readResponse)
    case 2: compare(message) { readBody($0, .chunked, cut: $1) }
    case 3: compare(message) { readBody($0, .length(100), cut: $1) }
    case 4:
        if let url = try? HTTPURL(String(decoding: message, as: UTF8.self)) {
            // What was accepted must be accepted again as it is written, and mean the same.
            guard let again = try? HTTPURL(url.description) else { fatalError("\(url) is not read back") }
            precondition(again.target == url.target && again.host == url.host && again.port == url.port)
            _ = try? url.resolve(String(decoding: message.suffix(20), as: UTF8.self))
        }
    default:
        _ = HTTPDate.parse(String(decoding: message, as: UTF8.self))
        _ = PercentCoding.decode(bytes: message)
    }
    return 0
}

/// How reading a message ended.
enum Ending: Equatable {
    case complete(consumed: Int, what: String)
    case incomplete
    case fault
}

func compare(_ message: UnsafeRawBufferPointer, _ read: (UnsafeRawBufferPointer, Bool) -> Ending) {
    let whole = read(message, false)
    let dripped = read(message, true)
    if whole == dripped { return }
    // Of a line that has not ended, more is judged when it comes in one piece: one says fault, the other still waits.
    let isLate = [whole, dripped].contains(.fault) && [whole, dripped].contains(.incomplete)
    precondition(isLate, "whole: \(whole), byte by byte: \(dripped)")
}

func readRequest(_ message: UnsafeRawBufferPointer, dripping: Bool) -> Ending {
    var parser = RequestParser()
    let head = RequestHead()
    return readHead(message, dripping) { bytes throws(WireError) in
        try parser.parse(bytes, into: head)
    } describe: {
        "\(head) \(head.framing) \(head.keepAlive) \(Fields(head.fields))"
    }
}

func readResponse(_ message: UnsafeRawBufferPointer, dripping: Bool) -> Ending {
    var parser = ResponseParser(requestMethod: .get)
    let head = ResponseHead()
    return readHead(message, dripping) { bytes throws(WireError) in
        try parser.parse(bytes, into: head)
    } describe: {
        "\(head) \(head.framing) \(head.keepAlive) \(Fields(head.fields))"
    }
}

func readHead(
    _ message: UnsafeRawBufferPointer, _ dripping: Bool,
    _ parse: (UnsafeRawBufferPointer) throws(WireError) -> Int?, describe: () -> String
) -> Ending {
    do throws(WireError) {
        for end in dripping ? Array(0...message.count) : [message.count] {
            if let consumed = try parse(UnsafeRawBufferPointer(rebasing: message[..<end])) {
                return .complete(consumed: consumed, what: describe())
            }
        }
        return .incomplete
    } catch {
        return .fault
    }
}

func readBody(_ message: UnsafeRawBufferPointer, _ framing: Framing, cut: Bool) -> Ending {
    var decoder = BodyDecoder(framing)
    var body: [UInt8] = []
    var at = 0
    do throws(WireError) {
        while true {
            let end = cut ? min(at + 1, message.count) : message.count
            switch try decoder.next(UnsafeRawBufferPointer(rebasing: message[at..<end])) {
            case .data(let range, let consumed):
                body += message[(at + range.lowerBound)..<(at + range.upperBound)]
                at += consumed
            case .end(let consumed): return .complete(consumed: at + consumed, what: "\(body) \(decoder.trailers)")
            case .needMore(let consumed):
                at += consumed
                if end == message.count { return .incomplete }
            }
        }
    } catch {
        return .fault
    }
}
