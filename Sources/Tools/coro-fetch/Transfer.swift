// One URL from its request to the last byte of its output.

import Console
import Coro
import CoroTLS
import Http

final class Transfer: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): everything happens on the loop's thread.

    private let options: Options
    private let index: Int
    private let client: HTTPClient
    private let place: OrderedOutput.Place
    private var report: TransferReport
    /// The heads to write with -i and -I, all of them, redirects' and interim ones too.
    private var heads: [UInt8] = []

    init(_ options: Options, index: Int, client: HTTPClient, place: OrderedOutput.Place) {
        self.options = options
        self.index = index
        self.client = client
        self.place = place
        report = TransferReport(url: options.urls[index], index: index, started: client.loop.now)
    }

    func run() async -> ExitCode {
        var failure: Failure?
        do {
            try await fetch()
        } catch {
            failure = Failure(error, host: report.host)
        }
        report.ended = client.loop.now
        report.failure = failure
        report.verifyResult = failure.flatMap(\.verifyResult) ?? report.response?.tls?.verifyResult ?? 0
        if let failure { tell(failure) }
        if options.showsTiming, let drawing = Timing.drawing(of: report) { Console.note(drawing) }
        do {
            if let format = options.writeOut { try await place.write(Array(WriteOut.render(format, report).utf8)) }
            try await place.finish()
        } catch {
            let failed = Failure(error, host: report.host)
            if failure == nil { tell(failed) }
            failure = failure ?? failed
        }
        return failure?.code ?? .ok
    }

    private func tell(_ failure: Failure) {
        guard options.tellsFailures else { return }
        var failure = failure
        // With many URLs the cause alone does not say whose it is.
        if options.urls.count > 1 { failure.message = "\(options.urls[index]): \(failure.message)" }
        Console.report(failure)
    }

    // MARK: Fetching

    private func fetch() async throws {
        var request = try options.request(for: options.urls[index])
        report.method = request.method.name
        report.host = request.url.hostField
        report.effectiveURL = request.url.description
        report.sizeUpload = options.data?.count ?? 0
        let name = try fileName(request.url)
        request.observer = { self.observe($0) }
        let response = try await client.fetch(request) as HTTPClient.Response
        report.note(response)
        let isFailure = options.failsOnStatus && response.status.code >= 400
        if !isFailure || options.keepsFailedBody {
            try await save(response, to: name)
        }
        if isFailure {
            throw Failure(.statusIsFailure, "The server answered \(response.status.code) \(response.reason)")
        }
    }

    private func save(_ response: HTTPClient.Response, to name: String?) async throws {
        let file = try name.map { try OutputFile(creating: $0, on: client.loop) }
        func write(_ bytes: [UInt8]) async throws {
            if let file { try await file.write(bytes) } else { try await place.write(bytes) }
        }
        if options.includesHeads || options.asksHeadOnly { try await write(heads) }
        while let piece = try await response.body.next() {
            report.sizeDownload += piece.count
            try await write(piece)
        }
        try file?.close()
    }

    /// The file the body goes to; nil for standard output.
    private func fileName(_ url: HTTPURL) throws -> String? {
        switch options.output(at: index) {
        case .standardOutput: return nil
        case .file(let name): return name
        case .remoteName:
            let name = url.path.split(separator: "/", omittingEmptySubsequences: false).last.map(String.init) ?? ""
            guard !name.isEmpty else {
                throw Failure(.couldNotWrite, "The URL has no file name for -O", hint: "Use -o FILE.")
            }
            report.fileName = name
            return name
        }
    }

    private func observe(_ event: HTTPClient.Event) {
        if options.isVerbose { Console.note(Trace.text(of: event, isInsecure: options.tls.isInsecure)) }
        switch event {
        case .answer(let head):
            head.withBytes { bytes in
                report.sizeHeader += bytes.count
                if options.includesHeads || options.asksHeadOnly { heads += bytes }
            }
        case .requestHead(let bytes): report.sizeRequest += bytes.count
        case .connected: report.connectCount += 1
        case .redirected, .resolved, .secured, .reused, .retried: break
        }
    }
}
