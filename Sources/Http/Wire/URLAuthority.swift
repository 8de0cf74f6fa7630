/// A URL's authority taken apart: userinfo, host, port (RFC 3986 §3.2).
struct URLAuthority {
    private(set) var user: String?
    private(set) var password: String?
    private(set) var host = ""
    private(set) var port: Int?

    init(_ text: URLParts.Part) throws(HTTPURL.Malformed) {
        var rest = text
        if let at = rest.lastIndex(of: Byte.at) {
            try readUserInfo(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        try readHost(rest)
    }

    private mutating func readUserInfo(_ text: URLParts.Part) throws(HTTPURL.Malformed) {
        guard text.allSatisfy({ ByteClass.userinfo.contains($0) || $0 == Byte.percent }) else {
            throw .invalidUserInfo
        }
        let colon = text.firstIndex(of: Byte.colon)
        user = try Self.decoded(text[..<(colon ?? text.endIndex)])
        if let colon { password = try Self.decoded(text[text.index(after: colon)...]) }
    }

    /// RFC 7617 §2: neither user nor password may hold a control.
    private static func decoded(_ text: URLParts.Part) throws(HTTPURL.Malformed) -> String {
        guard let plain = PercentCoding.decode(Substring(text)),
            plain.utf8.allSatisfy({ $0 >= Byte.space && $0 != Byte.del })
        else { throw .invalidUserInfo }
        return plain
    }

    private mutating func readHost(_ text: URLParts.Part) throws(HTTPURL.Malformed) {
        let bytes = text.map(Byte.lowered)
        let found = try bytes.withUnsafeBytes { Self.split($0, of: text) }.get()
        host = String(decoding: bytes[found.name], as: UTF8.self)
        port = found.port
    }

    /// The place of the host's name in `buffer`, which holds `text` in lower case, and the port.
    private static func split(
        _ buffer: UnsafeRawBufferPointer, of text: URLParts.Part
    ) -> Result<(name: Range<Int>, port: Int?), HTTPURL.Malformed> {
        guard let base = buffer.baseAddress, !buffer.isEmpty else { return .failure(.emptyHost) }
        let invalid = HTTPURL.Malformed.invalidHost(String(Substring(text)))
        let bytes = Bytes(base)
        let end = buffer.count
        let name: Range<Int>
        let colon: Int
        if bytes[0] == Byte.openBracket {
            guard let close = buffer.firstIndex(of: Byte.closeBracket), Authority.isIPv6(bytes, from: 1, to: close)
            else { return .failure(invalid) }
            name = 1..<close
            colon = close + 1
        } else {
            colon = Authority.endOfName(bytes, from: 0, to: end)
            name = 0..<colon
        }
        if colon < end, bytes[colon] != Byte.colon { return .failure(invalid) }
        if name.isEmpty { return .failure(.emptyHost) }
        // A host that is still encoded is none that DNS or a certificate knows, and hides what it says.
        if buffer[name].contains(Byte.percent) { return .failure(invalid) }
        // RFC 3986 §3.2.3: an empty port is the default one.
        guard colon + 1 < end else { return .success((name, nil)) }
        guard let port = Authority.port(bytes, from: colon + 1, to: end), port > 0 else {
            return .failure(.invalidPort(bytes.string(colon + 1, end)))
        }
        return .success((name, port))
    }
}
