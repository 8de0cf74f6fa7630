import CoroTesting
import Glibc

@testable import Coro

/// Addresses that answer when a test says so.
final class FakeNetwork: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): the connector is on one loop's thread, and the test is there too, or comes after.
    private(set) var log: [String] = []
    private var answers: [SocketAddress: Result<Void, IOError>] = [:]
    private var attempts: [Attempt] = []

    func connector(
        _ loop: EventLoop, _ resolver: any Resolver = OverrideResolver(), attemptDelay: Duration = .milliseconds(250)
    ) -> Connector {
        Connector(loop: loop, resolver: resolver, attemptDelay: attemptDelay) { address, whenSettled in
            self.log.append("dial \(address.host)")
            let attempt = Attempt(address, self, self.answers[address], whenSettled)
            self.attempts.append(attempt)
            return attempt
        }
    }

    func failAtOnce(_ address: SocketAddress, _ code: Int32) {
        answers[address] = .failure(IOError(call: "connect", code: code))
    }

    func answerAtOnce(_ address: SocketAddress) { answers[address] = .success(()) }

    /// Lets an address answer, or fail, now.
    func settle(_ address: SocketAddress, _ code: Int32? = nil) {
        let outcome: Result<Void, IOError> = code.map { .failure(IOError(call: "connect", code: $0)) } ?? .success(())
        for attempt in attempts where attempt.address == address { attempt.settle(outcome) }
    }

    private final class Attempt: ConnectAttempt {
        let address: SocketAddress
        private(set) var outcome: Result<Void, IOError>?
        private unowned let network: FakeNetwork
        private let whenSettled: () -> Void

        init(
            _ address: SocketAddress, _ network: FakeNetwork, _ outcome: Result<Void, IOError>?,
            _ whenSettled: @escaping () -> Void
        ) {
            self.address = address
            self.network = network
            self.outcome = outcome
            self.whenSettled = whenSettled
        }

        func settle(_ outcome: Result<Void, IOError>) {
            self.outcome = outcome
            whenSettled()
        }

        func release() -> Int32 {
            network.log.append("release \(address.host)")
            let pair = SocketPair()
            defer { withExtendedLifetime(pair) {} }
            return dup(pair.left)
        }

        func close() { network.log.append("close \(address.host)") }
    }
}
