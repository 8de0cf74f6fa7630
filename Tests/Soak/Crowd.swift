// Fifteen thousand connections at a time, ended in every way, and one that must not notice.

internal import AllocationCounter
internal import Console
internal import Coro
internal import CoroTesting
internal import Glibc

extension Scenario {
    static let crowds = [
        // The first is a small one: what is made once is made before anything is counted.
        Scenario("crowd: connections end in every way, and none delays another", atMost: 2) { repetition in
            let isFirst = repetition.number == 0
            let count = isFirst ? 600 : CrowdServer.countMax
            let milliseconds = (isFirst ? 1_000 : repetition.seconds * 1_000)
            let living = Tally()
            let gaps = try CrowdGaps()
            try repetition.onLoop { loop in
                try await CrowdServer(on: loop, living, gaps).run(count, milliseconds, seed: repetition.number)
            }
            try repetition.expect(living.value == 0, "\(living.value) handlers are still there")
            guard !isFirst else { return }
            Console.print(gaps.lines.map { "    \($0)\n" }.joined())
            // A sanitizer makes everything slower; what is promised is promised without one. The aim is 10 ms, on a machine whose
            // caches and cores nobody else uses; one that is shared takes up to twice as long. Without turns it was 100 and more.
            guard allocation_counts_available() else { return }
            let isPrompt = gaps.worstOfEnding <= 20_000_000
            try repetition.expect(isPrompt, "a connection was kept waiting for more than 20 ms")
        }
    ]
}

/// The server of the crowd, and what becomes of it.
final class CrowdServer: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): used on its loop's thread only.

    /// Says nothing more: the server is to give up by itself.
    static let beSilent = "S"
    static let close = "C"
    static let reset = "R"

    /// As many as there may be, and some descriptors for everything else.
    static var countMax: Int {
        let descriptors = __rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue))
        var limit = rlimit()
        getrlimit(descriptors, &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(descriptors, &limit)
        return min(15_000, Int(clamping: limit.rlim_max) - 500)
    }

    private let loop: EventLoop
    private let living: Tally
    private let gaps: CrowdGaps
    private var streams: [ObjectIdentifier: ByteStream] = [:]

    init(on loop: EventLoop, _ living: Tally, _ gaps: CrowdGaps) {
        self.loop = loop
        self.living = living
        self.gaps = gaps
    }

    /// Serves a crowd of `count` for so long, and then ends it: a third is closed by its clients at once, a third here at
    /// once, and the rest by the end of the server.
    func run(_ count: Int, _ milliseconds: Int, seed: Int) async throws {
        guard let anywhere = SocketAddress(ip: "0.0.0.0", port: 0) else { return }
        let listener = try Listener(on: loop, address: anywhere, backlog: 4_096)
        let serving = loop.spawn { try await listener.serve(grace: .zero) { await self.handle($0) } }
        let pinging = loop.spawn { try await self.gaps.measure(on: self.loop) }
        let command = Subprocess.Command(
            "/proc/self/exe", CrowdClients.word, "\(listener.address.port)", "\(count)", "\(milliseconds)", "\(seed)")
        try await loop.withSubprocess(command) { clients in
            guard let output = clients.standardOutput else { return }
            gaps.begin("opened and ended one by one")
            for try await line in output.lines() {
                switch line {
                case "full":
                    let here = streams.count
                    guard here == count else { throw Broken(description: "\(here) of \(count) are here") }
                    gaps.beginEnding("\(count / 3) of \(count) closed by their clients at once")
                case "closed":
                    while streams.count > count - count / 3 { try await loop.sleep(for: .milliseconds(1)) }
                    try await loop.sleep(for: .milliseconds(300))
                    gaps.beginEnding("\(count / 3) more closed by the server at once")
                    for stream in streams.values.prefix(count / 3) { stream.close() }
                    while streams.count > count - 2 * (count / 3) { try await loop.sleep(for: .milliseconds(1)) }
                    try await loop.sleep(for: .milliseconds(300))
                    gaps.beginEnding("the other \(streams.count) cancelled at once")
                    listener.close()
                default: gaps.note(line)
                }
            }
            let status = try await clients.wait()
            guard status.isSuccess else { throw Broken(description: "the clients ended with \(status)") }
        }
        try await serving.value
        try await runOutOfTime(count / 3)
        pinging.cancel()
        _ = try? await pinging.value
    }

    /// So many reads that reach one deadline.
    private func runOutOfTime(_ count: Int) async throws {
        gaps.begin("\(count) pairs made")
        let deadline = loop.now.advanced(by: .seconds(2))
        try await loop.withScope { scope in
            for index in 0..<count {
                let pair = try StreamPair(on: loop)
                scope.spawn { [loop] in
                    defer { pair.close() }
                    do {
                        _ = try await loop.withDeadline(deadline) { try await pair.right.read() }
                    } catch is TimeoutError {}
                }
                if index % 64 == 0 { try await loop.moment() }
            }
            try await loop.moment()
            guard loop.now < deadline else { throw Broken(description: "two seconds were too few for \(count) pairs") }
            gaps.beginEnding("\(count) reads out of time at once")
        }
    }

    private func handle(_ stream: ByteStream) async {
        let token = Token(living)
        streams[ObjectIdentifier(stream)] = stream
        defer {
            streams[ObjectIdentifier(stream)] = nil
            withExtendedLifetime(token) {}
        }
        do {
            while let bytes = try await stream.read() {
                switch String(decoding: bytes, as: UTF8.self) {
                case CrowdServer.beSilent:
                    try await loop.withTimeout(.milliseconds(100)) { _ = try await stream.read() }
                case CrowdServer.close: return
                case CrowdServer.reset: return stream.reset()
                default: try await stream.write(bytes)
                }
            }
            try await stream.write("bye")
        } catch {}
    }
}

/// How long a quiet connection on the same loop is kept waiting: the longest that a ping took for its way there and back.
///
/// What counts is the time that the loop's thread computed meanwhile. The time of the clock is told too, but on a machine
/// with other things to do it is the machine's.
final class CrowdGaps: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): used on the loop's thread, and when that has ended.

    private struct Phase {
        let name: String
        /// Thousands end at once in it.
        var isEnding = false
        var computed: Int64 = 0
        var elapsed: Int64 = 0
        var pings = 0
    }

    private var phases: [Phase] = [Phase(name: "before")]
    private(set) var notes: [String] = []

    /// While thousands were ended at once, by their clients, by a close, by a cancel, by a deadline, in nanoseconds of the
    /// thread's computing.
    var worstOfEnding: Int64 { phases.filter(\.isEnding).map(\.computed).max() ?? 0 }

    var lines: [String] {
        phases.dropFirst().map {
            "\($0.name): a ping took \($0.computed / 1_000) µs at most, \($0.elapsed / 1_000) by the clock"
                + " (of \($0.pings))"
        } + notes
    }

    init() throws {}

    func begin(_ name: String) { phases.append(Phase(name: name)) }

    func beginEnding(_ name: String) { phases.append(Phase(name: name, isEnding: true)) }

    func note(_ line: String) { notes.append(line) }

    /// Pings until it is cancelled.
    func measure(on loop: EventLoop) async throws {
        let pair = try StreamPair(on: loop)
        try await loop.withScope { scope in
            scope.spawn { while let bytes = try await pair.right.read() { try await pair.right.write(bytes) } }
            while true {
                let (computed, elapsed) = (threadTime(), loop.now)
                // Waiting for the next ping is part of it: a timer that comes late is a delay, too.
                try await loop.sleep(for: .microseconds(100))
                try await pair.left.write("ping")
                _ = try await pair.left.read(exactly: 4)
                let last = phases.count - 1
                phases[last].computed = max(phases[last].computed, threadTime() - computed)
                phases[last].elapsed = max(phases[last].elapsed, elapsed.duration(to: loop.now).nanoseconds)
                phases[last].pings += 1
            }
        }
    }

    private func threadTime() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 { Int64(self / .nanoseconds(1)) }
}
