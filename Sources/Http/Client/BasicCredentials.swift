// User and password as a field (RFC 7617), and the Base64 it needs (RFC 4648 §4).

/// The basic authentication scheme.
public enum BasicCredentials {
    /// The value of an `Authorization` field. It is an encoding, not a secret: whoever sees it has the password.
    ///
    /// A user with a colon cannot be told from its password by the server (RFC 7617 §2).
    public static func field(user: String, password: String) -> String {
        "Basic \(base64(Array("\(user):\(password)".utf8)))"
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            var digits: [UInt8] = []
            for _ in 0..<4 {
                digits.insert(alphabet[bits & 63], at: 0)
                bits >>= 6
            }
            for index in group.count + 1..<4 where group.count < 3 { digits[index] = UInt8(ascii: "=") }
            text += digits
        }
        return String(decoding: text, as: UTF8.self)
    }
}
