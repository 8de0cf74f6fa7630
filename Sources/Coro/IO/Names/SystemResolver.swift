// The system's resolver: getaddrinfo(3), which blocks, on a small pool of threads of its own. Whoever asks for a name that
// is being asked for waits for the same answer, on whatever loop; the last to go takes a question that has not begun back.

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
    /// Asks for a name, and blocks until there is an answer; the addresses have port 0.
    typealias LookUp = @Sendable (_ name: String) -> Outcome<[SocketAddress]>

    fileprivate static let shared = SystemResolver()

    private let pool: ThreadPool
    private let clock: any LoopClock
    private let lookUp: LookUp
    private let state: Locked<State>

    private struct State {
        var cache: NameCache
        /// The questions that are asked at present, by name.
        var questions: [String: Question] = [:]
    }

    /// Makes a resolver with threads and a cache of its own.
    ///
    /// - Parameters:
    ///   - threadsMax: how many names may be looked up at the same time, at least 1. They are started when needed.
    ///   - cacheTime: how long an answer stays good; zero keeps none.
    ///   - cacheCountMax: how many names are kept.
    ///   - clock: what the cache goes by.
    public convenience init(
        threadsMax: Int = 8, cacheTime: Duration = .seconds(30), cacheCountMax: Int = 256,
        clock: any LoopClock = MonotonicClock()
    ) {
        self.init(
            threadsMax: threadsMax, cacheTime: cacheTime, cacheCountMax: cacheCountMax, clock: clock,
            lookUp: SystemResolver.askTheSystem)
    }

    init(
        threadsMax: Int = 8, cacheTime: Duration = .seconds(30), cacheCountMax: Int = 256,
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
        guard !host.isEmpty, !host.utf8.contains(0), host.utf8.count <= SystemResolver.nameMax else {
            throw ResolveError(host: host, reason: "this is not a host name")
        }
        do {
            return try await answer(to: host.lowercased(), on: loop).map { $0.with(port: port) }
        } catch let error as ResolveError {
            // The name as this asker wrote it.
            throw ResolveError(host: host, reason: error.reason)
        }
    }

    private static let nameMax = 253

    // MARK: Questions

    /// A name that is looked up, and who waits for the answer.
    private final class Question: @unchecked Sendable {
        // SAFETY (@unchecked Sendable): all but the name is touched under the resolver's lock.
        let name: String
        var askers: [Asker] = []
        /// A thread is at it, and cannot be stopped.
        var hasBegun = false
        var work: Future<Void>?

        init(name: String) { self.name = name }
    }

    /// One who waits for an answer. An outcome as a value: a name that turns out bad after everybody has gone is nothing to
    /// report.
    private typealias Asker = Promise<Outcome<[SocketAddress]>>

    private enum Admission {
        case known([SocketAddress])
        case asks(Asker, Question, isFirst: Bool)
    }

    private func answer(to name: String, on loop: EventLoop) async throws -> [SocketAddress] {
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

    private func admit(_ name: String, on loop: EventLoop) -> Admission {
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
            if isWanted { settle(question, lookUp(question.name)) }
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

    @Sendable private static func askTheSystem(_ name: String) -> Outcome<[SocketAddress]> {
        var hints = addrinfo()
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
