// What the command line says about https: its words here, what they mean to TLS in `TLSOptions+Client.swift`.

/// Whom to trust and what to show.
struct TLSOptions {
    var isInsecure = false
    var authorityFile: String?
    var authorityDirectory: String?
    var revocationFile: String?
    var certificateFile: String?
    /// What came behind the file's name in --cert; --pass outranks it.
    var certificatePassword: String?
    var keyFile: String?
    var password: String?
    var isAtLeast13 = false
    var isAtMost12 = false

    /// Where no certificate was looked at -w must not say that all was well: OpenSSL's number for an error of no kind.
    static let notVerified = 1

    /// `FILE`, or `FILE:PASSWORD`; a backslash before a colon or a backslash takes its meaning away, as with curl.
    static func split(certificate argument: String) -> (file: String, password: String?) {
        var file = ""
        var rest = argument[...]
        while let character = rest.popFirst() {
            if character == ":" { return (file, String(rest)) }
            if character == "\\", let next = rest.first, next == ":" || next == "\\" {
                file.append(rest.removeFirst())
            } else {
                file.append(character)
            }
        }
        return (file, nil)
    }

    static func isAtMost12(_ version: String) throws -> Bool {
        switch version {
        case "1.2": return true
        case "1.3", "default": return false
        default: throw Failure(.failedToStart, "--tls-max wants 1.2 or 1.3; this is \(version)")
        }
    }

    /// Refuses what cannot be meant together.
    func check() throws {
        if isAtLeast13, isAtMost12 {
            throw Failure(.failedToStart, "--tlsv1.3 asks for more than --tls-max 1.2 allows", hint: "Leave one out.")
        }
        if keyFile != nil, certificateFile == nil {
            throw Failure(.failedToStart, "--key is the key of a certificate", hint: "Name that with --cert FILE.")
        }
    }
}
