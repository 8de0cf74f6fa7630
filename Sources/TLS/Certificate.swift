// A certificate as people read it. OpenSSL keeps the original; what is here is copied out of it and may go anywhere.
#if TLS

internal import COpenSSL
internal import Glibc

/// What a certificate says.
public struct Certificate: Equatable, Sendable, CustomStringConvertible {
    /// Whom it is about: `CN=example.com, O=Example`.
    public let subject: String
    /// Who has signed it.
    public let issuer: String
    /// The host names and addresses that it is for (subject alternative names).
    public let names: [String]
    /// From when on it is valid.
    public let notBefore: CertificateTime
    /// Until when it is valid.
    public let notAfter: CertificateTime
    /// The SHA-256 of the whole certificate: `AB:CD:…`, 32 bytes.
    public let fingerprint: String

    public var description: String {
        "\(subject), issued by \(issuer), valid from \(notBefore) to \(notAfter), SHA-256 \(fingerprint)"
    }

    /// The names, or the first few of many.
    var nameList: String {
        let shown = names.prefix(4).joined(separator: ", ")
        return names.count > 4 ? "\(shown) and \(names.count - 4) more" : shown
    }

    init(_ x509: OpaquePointer) {
        subject = Certificate.text(of: X509_get_subject_name(x509))
        issuer = Certificate.text(of: X509_get_issuer_name(x509))
        names = Certificate.names(of: x509)
        notBefore = CertificateTime(X509_get0_notBefore(x509))
        notAfter = CertificateTime(X509_get0_notAfter(x509))
        fingerprint = Certificate.fingerprint(of: x509)
    }

    private static func text(of name: OpaquePointer?) -> String {
        guard let bio = BIO_new(BIO_s_mem()) else { return "" }
        defer { BIO_free(bio) }
        guard X509_NAME_print_ex(bio, name, 0, copenssl_name_flags) >= 0 else { return "" }
        var bytes: UnsafeMutablePointer<CChar>?
        let count = copenssl_bio_contents(bio, &bytes)
        let text = String(decoding: UnsafeRawBufferPointer(start: bytes, count: max(0, count)), as: UTF8.self)
        // OpenSSL escapes ASCII's controls. U+009B is one too, and U+202E turns round what follows.
        return String(String.UnicodeScalarView(text.unicodeScalars.map { isHarmless($0) ? $0 : "?" }))
    }

    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }

    private static func names(of x509: OpaquePointer) -> [String] {
        // SAFETY: NID_subject_alt_name decodes to GENERAL_NAMES.
        guard let raw = X509_get_ext_d2i(x509, NID_subject_alt_name, nil, nil) else { return [] }
        let names = OpaquePointer(raw)
        defer { copenssl_names_free(names) }
        return (0..<copenssl_names_count(names)).compactMap { index in
            guard let name = copenssl_name_at(names, index), let string = copenssl_name_string(name) else { return nil }
            let count = Int(ASN1_STRING_length(string))
            let bytes = UnsafeBufferPointer(start: ASN1_STRING_get0_data(string), count: count)
            return copenssl_name_is_address(name) == 1 ? address(bytes) : text(bytes)
        }
    }

    /// A name as text that may go into a message: a line's end, or a terminal's command, does not belong in one.
    private static func text(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        String(decoding: bytes.map { $0 > 0x20 && $0 < 0x7F ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }

    private static func address(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
            inet_ntop(family, bytes.baseAddress, text.baseAddress, socklen_t(text.count)).map { String(cString: $0) }
        }
    }

    private static func fingerprint(of x509: OpaquePointer) -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 32
        guard X509_digest(x509, EVP_sha256(), &digest, &length) == 1 else { return "" }
        return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined(separator: ":")
    }
}

/// A moment in a certificate, to the second.
public struct CertificateTime: Equatable, Comparable, Sendable, CustomStringConvertible {
    /// Seconds since 1970-01-01 00:00 UTC.
    public let secondsSince1970: Int64

    init(_ time: UnsafePointer<ASN1_TIME>?) {
        var parts = tm()
        secondsSince1970 = ASN1_TIME_to_tm(time, &parts) == 1 ? Int64(timegm(&parts)) : 0
    }

    public static func < (one: CertificateTime, other: CertificateTime) -> Bool {
        one.secondsSince1970 < other.secondsSince1970
    }

    /// As `2026-11-21 12:00:00 UTC`.
    public var description: String {
        var seconds = time_t(secondsSince1970)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { text in
            let count = strftime(text.baseAddress!, text.count, "%Y-%m-%d %H:%M:%S UTC", &parts)
            return String(decoding: UnsafeRawBufferPointer(start: text.baseAddress, count: count), as: UTF8.self)
        }
    }

    /// As `3 days ago`, `in 2 hours`.
    var distanceFromNow: String {
        let distance = secondsSince1970 - Int64(time(nil))
        let units: [(Int64, String)] = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")]
        let (unit, name) = units.first { abs(distance) >= $0.0 } ?? (1, "second")
        let count = abs(distance) / unit
        let amount = "\(count) \(name)\(count == 1 ? "" : "s")"
        return distance < 0 ? "\(amount) ago" : "in \(amount)"
    }
}
#endif
