import HttpWire

/// Where Coro and other parsers' fixtures part, by name and with the section of RFC 9112, or another, that says so.
enum CorpusStrictness {
    /// Fixtures that others take, or wait for more of, by the fault with which Coro refuses them.
    static let refused: [WireError: Set<String>] = [
        // §3.2.4: the asterisk is for OPTIONS.
        .misplacedAsterisk: [
            "llhttp request: method.md: M-SEARCH request",
            "http-parser request: m-search request",
        ],
        // §2.3: HTTP speaks HTTP, neither ICE nor RTSP.
        .malformedVersion: [
            "llhttp request: method.md: SOURCE request with ICE",
            "llhttp request: method.md: OPTIONS request with RTSP",
            "llhttp request: method.md: ANNOUNCE request with RTSP",
        ],
        // §3: no HTTP/0.9.
        .missingVersion: [
            "llhttp request: sample.md: No HTTP version",
            "http-parser request: request with no http version",
        ],
        // §3.2.1: no fragment in a target.
        .fragmentInTarget: [
            "llhttp request: transfer-encoding.md: POST with `chunked` as last transfer-encoding",
            "llhttp request: transfer-encoding.md: POST with `chunked` as last transfer-encoding (multiple headers)",
            "llhttp request: uri.md: Fragment in URI",
            "http-parser request: fragment in url",
            "http-parser request: post identity body world",
            "http-parser request: utf-8 path request",
        ],
        // RFC 9110 §4.2.4: userinfo in a received URL is an error.
        .malformedAuthority: [
            "llhttp request: uri.md: `host:port` and basic auth",
            "http-parser request: host:port and basic_auth",
        ],
        // §4: refused at once rather than at the end.
        .notHTTP: [
            "llhttp response: sample.md: RTSP response",
            "llhttp response: sample.md: ICE response",
        ],
        // §2.2: a bare LF may be taken for a line end; here it is not, since others differ about it. In `Google 301`
        // it is what the fixture has behind the declared length.
        .bareLineFeed: [
            "llhttp response: sample.md: Google 301",
            "picohttpparser response: incomplete 11",
            "http-parser request: line folding in header value",
            "http-parser response: no carriage ret",
        ],
        // RFC 9110 §2.5: another major version is not read.
        .unsupportedVersion: [
            "llhttp response: sample.md: HTTP version 0.9",
            "http-parser response: http version 0.9",
        ],
        // §6.1: codings that were not asked for are refused.
        .invalidTransferEncoding: [
            "llhttp response: transfer-encoding.md: `chunked` before other transfer-encoding",
            "llhttp response: transfer-encoding.md: multiple transfer-encoding where chunked is not the last one",
            "llhttp response: transfer-encoding.md: `chunkedchunked` transfer-encoding does not enable chunked enconding",
            "http-parser response: HTTP 200 response with `chunked` being *not last* Transfer-Encoding",
        ],
        // §5.2: a fold is refused, in answers too.
        .foldedField: [
            "picohttpparser request: parse multiline",
            "picohttpparser response: parse multiline",
            "http-parser request: line folding in header value",
            "http-parser request: post - multi line coding transfer-encoding chunked body",
        ],
        // §3: one space, no more.
        .emptyTarget: [
            "picohttpparser request: accept multiple spaces between tokens"
        ],
        // §4: one space, no more.
        .malformedStatusLine: [
            "picohttpparser response: accept multiple spaces between tokens"
        ],
        // §6.1: 501 for a coding that is not understood.
        .unsupportedTransferCoding: [
            "http-parser request: post - multi coding transfer-encoding chunked body"
        ],
        // §6.3: a request with both is refused.
        .lengthAndTransferEncoding: [
            "http-parser request: chunked with content-length set, allow_chunked_length flag is set"
        ],
        // §7.1: no blanks behind a size that no extension follows.
        .invalidChunkSize: [
            "http-parser response: 200 trailing space on chunked body"
        ],
        // §5.1: no blanks in or behind a name.
        .spaceBeforeColon: [
            "http-parser response: field space"
        ],
    ]

    /// Fixtures that others refuse because they know a fixed set of methods. RFC 9110 §9.1: the set is open, and a
    /// method the server does not know is its handler's to answer with 405 or 501.
    static let taken: Set<String> = [
        "llhttp request: invalid.md: HTTP protocol and ANNOUNCE method",
        "llhttp request: invalid.md: Invalid method",
    ]

    /// Fixtures said to be whole that stop inside the head.
    static let cut: Set<String> = [
        "http-parser response: google 301",
        "http-parser response: field underscore",
    ]
}
