// The system's resolver: getaddrinfo(3), which blocks, on a small pool of threads of its own. Whoever asks for a name that
// is being asked for waits for the same answer, on whatever loop; the last to go takes a question that has not begun back.
//
// One question is for both families, since only the system can say which is to be tried first (RFC 6724, gai.conf(5)). It is
// answered when both are, and a name server that drops one of the two queries makes that seconds. So where the answer takes long,
// who can begin with a part of it asks for each family alone, on two more threads (RFC 8305 §3).

internal import CLoop
internal import Glibc

extension Resolver where Self == SystemResolver {
    /// The system's resolver, shared by all loops of the process.
    public static var system: SystemResolver { SystemResolver.shared }
}

/// Hosts file, DNS, whatever nsswitch.conf says: names as the system resolves them.
///
/// One slow name delays no other as long as there are threads, and equal questions are asked once. Answers are kept for a
/// short time and given out in turns; failures are not kept.
///
/// - Threads: may be used by any number of loops.
public final class SystemResolver: Resolver {
    /// Asks for a name's addresses of a family (AF_UNSPEC is both), and blocks until there is an answer; they have port 0.
    typealias LookUp = @Sendable (_ name: String, _ family: Int32) -> Outcome<[SocketAddress]>

    fileprivate static let shared = SystemResolver()

    private let pool: ThreadPool
    private let clock: any LoopClock
    private let lookUp: LookUp
    private let state: Locked<State>

    /// What can be asked for.
    private struct Name: Hashable {
        let text: String
        var family = AF_UNSPEC
    }

    private struct State {
        var cache: NameCache<Name>
        /// The questions that are asked at present.
        var questions: [Name: Question] = [:]
    }

    /// Makes a resolver with threads and a cache of its own.
    ///
    /// - Parameters:
    ///   - threadsMax: how many look-ups there may be at the same time, at least 1. A name that takes long has three. Threads are
    ///     started when needed.
    ///   - cacheTime: how long an answer stays good; zero keeps none.
    ///   - cacheCountMax: how many names are kept.
    ///   - clock: what the cache goes by.
    public convenience init(
        threadsMax: Int = 24, cacheTime: Duration = .seconds(30), cacheCountMax: Int = 256,
        clock: any LoopClock = MonotonicClock()
    ) {
        self.init(
            threadsMax: threadsMax, cacheTime: cacheTime, cacheCountMax: cacheCountMax, clock: clock,
            lookUp: SystemResolver.askTheSystem)
    }

    init(
        threadsMax: Int = 24, cacheTime: Duration = .seconds(30), cacheCountMax: Int = 256,
        clock: any LoopClock = MonotonicClock(), lookUp: @escaping LookUp
    ) {
        pool = ThreadPool(threadsMax: threadsMax, name: "coro-resolver")
        self.clock = clock
        self.lookUp = lookUp
        state = Locked(State(cache: NameCache(lifetime: cacheTime, countMax: cacheCountMax)))
    }

    /// Forgets the answers it has kept.
    public func clearCache() { state.withLock { $0.cache.removeAll() } }

    /// The addresses of `host`, in the order to try them (RFC 6724). A literal is its own answer, and needs no thread.
    ///
    /// - Suspends: while a thread asks. Cancelling ends this wait alone; a question that a thread has begun goes on, and its
    ///   answer is kept.
    /// - Throws: `ResolveError`, `CancellationError`, `TimeoutError`, `LoopError.closed`.
    public func addresses(of host: String, port: UInt16, on loop: EventLoop) async throws -> [SocketAddress] {
        if let literal = SocketAddress(ip: host, port: port) { return [literal] }
        let name = try SystemResolver.name(host)
        do {
            return try await answer(to: name, on: loop).map { $0.with(port: port) }
        } catch let error as ResolveError {
            // The name as this asker wrote it.
            throw ResolveError(host: host, reason: error.reason)
        }
    }

    /// As `addresses(of:port:on:)`. Where that takes longer than a tenth of a second, the families are asked for one by one as
    /// well, and what one of them has is found as soon as it is known.
    public func findAddresses(
        of host: String, port: UInt16, on loop: EventLoop, found: @escaping @Sendable ([SocketAddress]) -> Void
    ) async throws {
        if let literal = SocketAddress(ip: host, port: port) { return found([literal]) }
        let name = try SystemResolver.name(host)
        if let known = known(name) { return found(known.map { $0.with(port: port) }) }
        try await loop.withScope { scope in
            let parts = [AF_INET6, AF_INET].map { family in
                scope.spawn(name: "a part of the addresses of \(host)") { [self] in
                    try await loop.sleep(for: SystemResolver.patience)
                    // What is wrong with the name the whole answer says.
                    let part = try? await answer(to: Name(text: name.text, family: family), on: loop)
                    // Cancelled, if the whole answer came in the same moment: nothing is found after it.
                    guard let part, !CancelScope.isCancelled(in: CancelScope.current) else { return }
                    found(part.map { $0.with(port: port) })
                }
            }
            defer { for part in parts { part.cancel() } }
            found(try await addresses(of: host, port: port, on: loop))
        }
    }

    /// How long the answer for both families may take before each is asked for alone. Most answers take less.
    private static let patience = Duration.milliseconds(100)

    private static func name(_ host: String) throws(ResolveError) -> Name {
        guard !host.isEmpty, !host.utf8.contains(0), host.utf8.count <= nameMax else {
            throw ResolveError(host: host, reason: "this is not a host name")
        }
        return Name(text: host.lowercased())
    }

    private static let nameMax = 253

    // MARK: Questions

    /// A name that is looked up, and who waits for the answer.
    private final class Question: @unchecked Sendable {
        // SAFETY (@unchecked Sendable): all but the name is touched under the resolver's lock.
        let name: Name
        var askers: [Asker] = []
        /// A thread is at it, and cannot be stopped.
        var hasBegun = false
        var work: Future<Void>?

        init(name: Name) { self.name = name }
    }

    /// One who waits for an answer. An outcome as a value: a name that turns out bad after everybody has gone is nothing to
    /// report.
    private typealias Asker = Promise<Outcome<[SocketAddress]>>

    private enum Admission {
        case known([SocketAddress])
        case asks(Asker, Question, isFirst: Bool)
    }

    private func known(_ name: Name) -> [SocketAddress]? {
        let now = LoopInstant(nanoseconds: clock.now)
        return state.withLock { $0.cache.addresses(of: name, at: now) }
    }

    private func answer(to name: Name, on loop: EventLoop) async throws -> [SocketAddress] {
        switch admit(name, on: loop) {
        case .known(let addresses): return addresses
        case .asks(let asker, let question, let isFirst):
            if isFirst { begin(question, on: loop) }
            do {
                return try await asker.future.value.get()
            } catch {
                withdraw(asker, from: question)
                throw error
            }
        }
    }

    private func admit(_ name: Name, on loop: EventLoop) -> Admission {
        let now = LoopInstant(nanoseconds: clock.now)
        return state.withLock { state in
            if let addresses = state.cache.addresses(of: name, at: now) { return .known(addresses) }
            let known = state.questions[name]
            let question = known ?? Question(name: name)
            let asker = Asker(on: loop)
            question.askers.append(asker)
            state.questions[name] = question
            return .asks(asker, question, isFirst: known == nil)
        }
    }

    private func begin(_ question: Question, on loop: EventLoop) {
        let work = loop.blocking(on: pool) { [self] in
            let isWanted = state.withLock { state in
                question.hasBegun = true
                return state.questions[question.name] === question
            }
            if isWanted { settle(question, lookUp(question.name.text, question.name.family)) }
        }
        state.withLock { _ in question.work = work }
        // The loop was closed meanwhile and no thread will begin: those who have joined from other loops must hear it.
        if let refusal = work.failure { settle(question, .failed(refusal)) }
    }

    private func settle(_ question: Question, _ outcome: Outcome<[SocketAddress]>) {
        let now = LoopInstant(nanoseconds: clock.now)
        let askers = state.withLock { state in
            guard state.questions[question.name] === question else { return question.askers }
            state.questions[question.name] = nil
            if case .finished(let addresses) = outcome, !addresses.isEmpty {
                state.cache.insert(addresses, for: question.name, at: now)
            }
            defer { question.askers = [] }
            return question.askers
        }
        for asker in askers { asker.trySucceed(outcome) }
    }

    /// One asker goes. The last one takes the question back, unless a thread has begun: then it stays, for others to join.
    private func withdraw(_ asker: Asker, from question: Question) {
        asker.future.cancel()
        let work = state.withLock { state -> Future<Void>? in
            question.askers.removeAll { $0 === asker }
            guard question.askers.isEmpty, !question.hasBegun, state.questions[question.name] === question else {
                return nil
            }
            state.questions[question.name] = nil
            return question.work
        }
        work?.cancel()
    }

    // MARK: The system

    @Sendable private static func askTheSystem(_ name: String, _ family: Int32) -> Outcome<[SocketAddress]> {
        var hints = addrinfo()
        hints.ai_family = family
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        // Only families this machine has an address of (getaddrinfo(3)).
        hints.ai_flags = AI_ADDRCONFIG
        var found: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(name, nil, &hints, &found)
        guard result == 0 else {
            let reason = result == EAI_SYSTEM ? IOError.message(errno) : String(cString: gai_strerror(result))
            return .failed(ResolveError(host: name, reason: reason))
        }
        defer { freeaddrinfo(found) }
        var addresses: [SocketAddress] = []
        var entry = found
        while let info = entry?.pointee {
            if let address = info.ai_addr { addresses.append(SocketAddress(address, length: info.ai_addrlen)) }
            entry = info.ai_next
        }
        return .finished(addresses)
    }
}
