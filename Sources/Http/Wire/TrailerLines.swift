/// Gathering a chunked body's trailer section (RFC 9112 §7.1.2), whose lines may come in any pieces.
struct TrailerLines: Sendable {
    private(set) var fields = Fields()
    /// The line so far. Trailers are rare; keeping their bytes here means that callers need not.
    private var line: [UInt8] = []
    private var total = 0
    private var count = 0

    /// Takes bytes from `start`; the index after the empty line, or nil when it has taken them all.
    mutating func read(_ bytes: Bytes, from start: Int, to end: Int, limits: WireLimits) throws(WireError) -> Int? {
        var index = start
        while index < end {
            let byte = bytes[index]
            index &+= 1
            if byte == Byte.lf {
                guard line.last == Byte.cr else { throw .bareLineFeed }
                if line.count == 1 { return index }
                line.append(byte)
                try take(limits)
                line.removeAll(keepingCapacity: true)
            } else {
                if line.last == Byte.cr { throw .bareCarriageReturn }
                total += 1
                guard total <= limits.trailerBytes else { throw .trailersTooLarge }
                line.append(byte)
            }
        }
        return nil
    }

    private mutating func take(_ limits: WireLimits) throws(WireError) {
        count += 1
        guard count <= limits.trailerCount else { throw .trailersTooLarge }
        var name = ""
        var value = ""
        var fault: WireError?
        line.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            let bytes = Bytes(base)
            var span = FieldSpan(nameStart: 0, nameEnd: 0, valueStart: 0, valueEnd: 0)
            do throws(WireError) {
                _ = try FieldLine.read(bytes, from: 0, to: buffer.count, origin: 0, into: &span)
                name = bytes.string(Int(span.nameStart), Int(span.nameEnd))
                value = bytes.string(Int(span.valueStart), Int(span.valueEnd))
            } catch { fault = error }
        }
        if let fault { throw fault }
        if !Self.isForbidden(name) { try fields.append(name, value) }
    }

    /// Whether a field means nothing, or harm, after the body (RFC 9110 §6.5.1).
    static func isForbidden(_ name: String) -> Bool {
        let lower = name.utf8.map(Byte.lowered)
        let families = ["if-", "proxy-", "access-control-"]
        return families.contains { lower.starts(with: $0.utf8) }
            || names.split(separator: " ").contains { $0.utf8.elementsEqual(lower) }
    }

    private static var names: String {
        "transfer-encoding content-length host connection keep-alive upgrade te trailer authorization www-authenticate "
            + "authentication-info cookie set-cookie cache-control expect max-forwards pragma range content-encoding "
            + "content-type content-range content-location location vary date expires age retry-after forwarded "
            + "x-forwarded-for x-forwarded-host x-forwarded-proto x-real-ip"
    }
}
