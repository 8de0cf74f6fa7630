// What is known of a transfer when it has ended: the source of -w and --timing.

import Coro
import Http

struct TransferReport {
    let url: String
    let index: Int
    let started: LoopInstant
    var ended: LoopInstant
    var method = ""
    var host = ""
    var effectiveURL: String
    var fileName = ""
    var failure: Failure?
    var sizeDownload = 0
    var sizeUpload = 0
    var sizeHeader = 0
    var sizeRequest = 0
    var connectCount = 0
    /// As OpenSSL counts: 0 for a certificate that was found good; with -k, what was wrong with it for all that.
    var verifyResult = 0
    /// What came back; nil when nothing did. The body's bytes are not kept by it once they were read.
    private(set) var response: HTTPClient.Response?

    init(url: String, index: Int, started: LoopInstant) {
        self.url = url
        self.index = index
        self.started = started
        ended = started
        effectiveURL = Options.url(url)
    }

    mutating func note(_ response: HTTPClient.Response) {
        self.response = response
        effectiveURL = response.url.description
    }

    var total: Duration { started.duration(to: ended) }
    var timings: HTTPClient.Timings? { response?.timings }
}
