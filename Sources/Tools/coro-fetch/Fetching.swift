// All URLs, so many at a time, and the exit code of them all.

import Coro
import Http

/// One run: every URL of the command line.
final class Fetching: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): everything happens on the loop's thread.

    private let loop: EventLoop
    private let options: Options
    private let client: HTTPClient
    private let output: OrderedOutput
    private var next = 0
    private var codes: [ExitCode]

    /// - Throws: `Failure` with exit code 58, when the certificate to show cannot be used.
    init(_ options: Options, on loop: EventLoop) throws {
        self.loop = loop
        self.options = options
        var configuration = HTTPClient.Configuration()
        configuration.timeout = .zero
        configuration.connectTimeout = options.connectTimeout
        configuration.defaultFields = options.defaultFields()
        // The limit on transfers is the only one: a transfer that waits for its turn to write may hold a connection, and
        // the one it waits for must never wait for that.
        configuration.connections.perOrigin = options.parallelMax
        try options.tls.apply(to: &configuration)
        client = HTTPClient(on: loop, configuration: configuration, resolver: options.resolving.resolver)
        output = OrderedOutput(on: loop)
        codes = Array(repeating: .ok, count: options.urls.count)
    }

    /// Fetches everything; the code of the first URL in the order of the arguments that failed.
    ///
    /// Transfers begin in that order too, so the one whose turn it is to write is always under way.
    func run() async -> ExitCode {
        let workers = (0..<min(options.parallelMax, options.urls.count)).map { _ in
            loop.spawn { await self.work() }
        }
        for worker in workers {
            do { try await worker.value } catch { return .failedToStart }
        }
        return codes.first { $0 != .ok } ?? .ok
    }

    private func work() async {
        while next < options.urls.count {
            let index = next
            next += 1
            let transfer = Transfer(options, index: index, client: client, place: OrderedOutput.Place(output, index))
            codes[index] = await transfer.run()
        }
    }
}
