// Happy Eyeballs (RFC 8305): addresses that do not answer must not make anybody wait for those that do. Attempts are begun
// one after the other, a short delay apart or as soon as one fails, and stay under way together; the first to connect wins
// and the others are closed. One task runs it and sleeps in one place, so a cancel or a deadline there ends all of it.
//
// It begins with the addresses that are known, while others are still looked up: those of one family may take seconds longer.

internal import Glibc

/// A race between the addresses of one host, all of which are known, or come while it runs. Loop's thread.
final class ConnectRace: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): whoever looks names up hands addresses over on the loop's thread.
    private let loop: EventLoop
    private let delay: Duration
    private let dial: Dialing
    /// All addresses, each once, in the order to try them but for the families' turns.
    private var known: [SocketAddress] = []
    private var waiting: ArraySlice<SocketAddress> = []
    private var attempts: [any ConnectAttempt] = []
    private var begun: Set<SocketAddress> = []
    /// When the next address is to be tried.
    private var nextStart: LoopInstant
    /// Nothing is tried before this: addresses of the other family may be on their way.
    private var firstStart: LoopInstant?
    /// No more addresses will come.
    private var isComplete = false
    /// Why none came.
    private var refusal: (any Error)?
    private var sleeper: Waiter?
    /// The addresses that have failed, in that order.
    private(set) var failures: [ConnectError.Failure] = []

    /// How long IPv4 waits for IPv6, when that has not been heard of (RFC 8305 §3).
    private static let resolutionDelay = Duration.milliseconds(50)

    init(delay: Duration, on loop: EventLoop, dial: @escaping Dialing) {
        self.loop = loop
        self.delay = delay
        self.dial = dial
        nextStart = loop.now
    }

    /// The addresses that have neither failed nor won.
    var undecided: [SocketAddress] { attempts.map(\.address) + waiting }
    /// No address has come yet.
    var isEmpty: Bool { known.isEmpty }

    // MARK: Addresses

    /// Adds addresses, of which some may be known.
    func add(_ addresses: [SocketAddress]) {
        let hasPreferred = addresses.contains { $0.family == AF_INET6 }
        known = ConnectRace.unique(hasPreferred ? addresses + known : known + addresses)
        waiting = ConnectRace.interleaved(known).filter { !begun.contains($0) }[...]
        let waits = !isComplete && !known.contains { $0.family != AF_INET }
        firstStart = waits ? firstStart ?? loop.now.advanced(by: ConnectRace.resolutionDelay) : nil
        sleeper?.wake(.ready)
    }

    /// No more addresses will come; `refusal` says why, if none has.
    func complete(_ refusal: (any Error)? = nil) {
        isComplete = true
        self.refusal = refusal
        firstStart = nil
        sleeper?.wake(.ready)
    }

    // MARK: Running

    /// Races, and returns the winner.
    ///
    /// - Parameter whenBegun: called before the first address is tried, with those that are known then.
    /// - Throws: `ConnectError.connect` when all have failed; what `complete` was told; what `park` throws. No attempt is left in
    ///   any case.
    func run(whenBegun: ([SocketAddress]) -> Void = { _ in }) async throws -> ByteStream {
        defer { for attempt in attempts { attempt.close() } }
        while true {
            if let stream = takeSettled() { return stream }
            if let due, due <= loop.now, let address = waiting.popFirst() {
                if begun.isEmpty { whenBegun(known) }
                begun.insert(address)
                nextStart = loop.now.advanced(by: delay)
                attempts.append(dial(address) { [weak self] in self?.sleeper?.wake(.ready) })
            } else if attempts.isEmpty, waiting.isEmpty, isComplete {
                if failures.isEmpty, let refusal { throw refusal }
                throw ConnectError.connect(failures)
            } else {
                try await waitForNews()
            }
        }
    }

    /// When the next address is to be tried, if there is one.
    private var due: LoopInstant? {
        guard !waiting.isEmpty else { return nil }
        return max(attempts.isEmpty ? loop.now : nextStart, firstStart ?? loop.now)
    }

    private var hasNews: Bool {
        if attempts.contains(where: { $0.outcome != nil }) { return true }
        if let due { return due <= loop.now }
        return attempts.isEmpty && isComplete
    }

    /// The winner, if there is one. Notes and drops those that have failed, after which the next need not wait.
    private func takeSettled() -> ByteStream? {
        for attempt in attempts {
            guard let outcome = attempt.outcome else { continue }
            attempts.removeAll { $0 === attempt }
            do throws(IOError) {
                try outcome.get()
                return try ByteStream(takingOver: attempt.release(), family: attempt.address.family, on: loop)
            } catch {
                failures.append(ConnectError.Failure(attempt.address, error))
                nextStart = loop.now
            }
        }
        return nil
    }

    /// Suspends until an attempt is over, it is time for the next, or an address comes.
    private func waitForNews() async throws {
        try await park(on: loop, for: "connecting") { waiter in
            // From another thread the loop is asked to begin the wait, and more may have come by then.
            guard !self.hasNews else { return waiter.wake(.ready) }
            self.sleeper = waiter
            var timer: WakeTimer?
            if let due = self.due {
                let next = WakeTimer(loop: self.loop, deadline: due, waking: waiter, .ready)
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
        let unique = unique(addresses)
        guard let family = unique.first?.family else { return [] }
        let preferred = unique.filter { $0.family == family }
        let others = unique.filter { $0.family != family }
        return (0..<max(preferred.count, others.count)).flatMap { index in
            preferred.dropFirst(index).prefix(1) + others.dropFirst(index).prefix(1)
        }
    }

    private static func unique(_ addresses: [SocketAddress]) -> [SocketAddress] {
        var seen: Set<SocketAddress> = []
        return addresses.filter { seen.insert($0).inserted }
    }
}
