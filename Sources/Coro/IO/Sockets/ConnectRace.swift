// Happy Eyeballs (RFC 8305): addresses that do not answer must not make anybody wait for those that do. Attempts are begun
// one after the other, a short delay apart or as soon as one fails, and stay under way together; the first to connect wins
// and the others are closed. One task runs it and sleeps in one place, so a cancel or a deadline there ends all of it.

/// A race between the addresses of one host. Loop's thread.
final class ConnectRace {
    private let loop: EventLoop
    private let delay: Duration
    private let dial: Dialing
    private var waiting: ArraySlice<SocketAddress>
    private var attempts: [any ConnectAttempt] = []
    /// When the next address is to be tried.
    private var nextStart: LoopInstant
    private var sleeper: Waiter?
    /// The addresses that have failed, in that order.
    private(set) var failures: [ConnectError.Failure] = []

    init(_ addresses: [SocketAddress], delay: Duration, on loop: EventLoop, dial: @escaping Dialing) {
        self.loop = loop
        self.delay = delay
        self.dial = dial
        waiting = ConnectRace.interleaved(addresses)[...]
        nextStart = loop.now
    }

    /// The addresses that have neither failed nor won.
    var undecided: [SocketAddress] { attempts.map(\.address) + waiting }

    /// Races, and returns the winner.
    ///
    /// - Throws: `ConnectError.connect` when all have failed; what `park` throws. No attempt is left in any case.
    func run() async throws -> ByteStream {
        defer { for attempt in attempts { attempt.close() } }
        while true {
            if let stream = takeSettled() { return stream }
            if attempts.isEmpty || nextStart <= loop.now, let address = waiting.popFirst() {
                nextStart = loop.now.advanced(by: delay)
                attempts.append(dial(address) { [weak self] in self?.sleeper?.wake(.ready) })
            } else if attempts.isEmpty {
                throw ConnectError.connect(failures)
            } else {
                try await waitForNews()
            }
        }
    }

    /// The winner, if there is one. Notes and drops those that have failed, after which the next need not wait.
    private func takeSettled() -> ByteStream? {
        for attempt in attempts {
            guard let outcome = attempt.outcome else { continue }
            attempts.removeAll { $0 === attempt }
            do throws(IOError) {
                try outcome.get()
                return try ByteStream(takingOver: attempt.release(), on: loop)
            } catch {
                failures.append(ConnectError.Failure(attempt.address, error))
                nextStart = loop.now
            }
        }
        return nil
    }

    /// Suspends until an attempt is over or it is time for the next.
    private func waitForNews() async throws {
        try await park(on: loop, for: "connecting") { waiter in
            if self.attempts.contains(where: { $0.outcome != nil }) { return waiter.wake(.ready) }
            self.sleeper = waiter
            var timer: WakeTimer?
            if !self.waiting.isEmpty {
                let next = WakeTimer(loop: self.loop, deadline: self.nextStart, waking: waiter, .ready)
                self.loop.timers.insert(next)
                timer = next
            }
            waiter.whenWoken {
                timer?.cancel()
                self.sleeper = nil
            }
        }
    }

    /// The addresses with their families taking turns, each family in its order, the family of the first one first
    /// (RFC 8305 §4). Each address once.
    static func interleaved(_ addresses: [SocketAddress]) -> [SocketAddress] {
        var seen: Set<SocketAddress> = []
        let unique = addresses.filter { seen.insert($0).inserted }
        guard let family = unique.first?.family else { return [] }
        let preferred = unique.filter { $0.family == family }
        let others = unique.filter { $0.family != family }
        return (0..<max(preferred.count, others.count)).flatMap { index in
            preferred.dropFirst(index).prefix(1) + others.dropFirst(index).prefix(1)
        }
    }
}
