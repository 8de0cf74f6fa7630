// A network between a client and a server that does what a test tells it to. Real sockets on both sides: what is under test
// is all of a stream, what the kernel says of it, and everything above.
//
// `FaultPlan` puts its faults between one stream and the kernel, where a short read or an EAGAIN can fall between any two
// system calls. This one stands between two programs, where time passes, ends come half-way and nobody answers.

public import Coro

/// A proxy that passes connections on to a server, with faults on the way.
///
/// ```swift
/// let path = try FaultyPath(to: listener.address, on: loop, downstream: .smooth.with(.reset, atByte: 100))
/// defer { path.close() }
/// let stream = try await Connector(loop: loop).connect(to: path.address)
/// // … a hundred bytes of the answer come, and then RST.
/// ```
///
/// Upstream is the way from the client to the server, downstream the way back. All waiting goes by the loop's clock: with a
/// `ManualClock` that jumps, a seeded run takes no time.
///
/// - Runs on: its loop, which may be the client's, the server's or another.
public final class FaultyPath: Sendable {
    private let listener: Listener
    private let server: SocketAddress
    private let upstream: PathPlan
    private let downstream: PathPlan
    private let record = Locked(Record())

    private struct Record {
        var connections = 0
        var met: [PathFault] = []
    }

    /// Opens a path to `server`, and passes on whoever connects to `address` until `close()`. Loop's thread.
    ///
    /// - Throws: `IOError` when the process has no descriptor left.
    public init(
        to server: SocketAddress, on loop: EventLoop, upstream: PathPlan = .smooth, downstream: PathPlan = .smooth
    ) throws(IOError) {
        listener = try Listener(on: loop, address: .loopback(port: 0))
        self.server = server
        self.upstream = upstream
        self.downstream = downstream
        for seed in Set([upstream.seed, downstream.seed].compactMap(\.self)) {
            Chances.current?.note("a path's faults were drawn", seed: seed)
        }
        loop.spawn(name: "faulty path") { [self] in
            // Who is still on the way when the path is closed is not waited for.
            try? await listener.serve(grace: .zero) { near in await self.pass(near) }
        }
    }

    /// Where clients connect to.
    public var address: SocketAddress { listener.address }

    /// How many connections have come.
    public var connectionCount: Int { record.withLock { $0.connections } }

    /// The faults that bytes have met so far, in that order.
    public var met: [PathFault] { record.withLock { $0.met } }

    /// Ends the path: no further connection is taken, and those that are on it are closed. A second call does nothing;
    /// any thread.
    public func close() { listener.close() }

    // MARK: One connection

    private func pass(_ near: ByteStream) async {
        let number = record.withLock { record in
            record.connections += 1
            return record.connections
        }
        do {
            let far = try await Connector(loop: near.loop).connect(to: server)
            try await near.loop.withScope { scope in
                for (isUpstream, plan) in [(true, upstream), (false, downstream)] {
                    let (source, sink) = isUpstream ? (near, far) : (far, near)
                    scope.spawn(name: isUpstream ? "upstream" : "downstream") {
                        do {
                            var way = Way(plan.course(ofConnection: number, isUpstream: isUpstream))
                            try await self.carry(from: source, to: sink, &way)
                        } catch {
                            // However one side breaks, the other is told of it as an RST: never as an end.
                            near.reset()
                            far.reset()
                            scope.cancel()
                        }
                    }
                }
            }
        } catch {
            // The server cannot be reached, or the path is closed.
            near.reset()
        }
    }

    /// Passes bytes on until the source ends.
    private func carry(from source: ByteStream, to sink: ByteStream, _ way: inout Way) async throws {
        let loop = source.loop
        while true {
            while let fault = way.nextFault() {
                record.withLock { $0.met.append(fault) }
                switch fault {
                case .delay(let duration): way.delay = duration
                case .rate(let rate): way.rate = rate
                case .slices(let most): way.sliceMax = most
                case .stall(let duration): try await loop.sleep(for: duration)
                case .silence:
                    // No timer: a clock that jumps would jump to it.
                    try await Event(on: loop).wait()
                case .cut:
                    sink.finishWriting()
                    while try await source.fill() { source.consume(source.unread.count) }
                    return
                case .reset: throw StreamError.closed
                }
            }
            guard let bytes = try await source.read(atMost: way.nextCount()) else { return sink.finishWriting() }
            if let pause = way.pause(before: bytes.count) { try await loop.sleep(for: pause) }
            try await sink.write(bytes)
            way.passed += bytes.count
        }
    }
}

/// One direction of one connection, and how far it has come.
private struct Way {
    private var ahead: ArraySlice<PathPlan.Entry>
    private var chance: SeededGenerator
    var passed = 0
    var delay = Duration.zero
    var rate: Int?
    var sliceMax: Int?

    init(_ course: (entries: [PathPlan.Entry], chance: SeededGenerator)) {
        ahead = course.entries[...]
        chance = course.chance
    }

    /// The fault that comes before the next byte, once.
    mutating func nextFault() -> PathFault? {
        guard let next = ahead.first, next.byte <= passed else { return nil }
        return ahead.removeFirst().fault
    }

    /// How many bytes may pass together: not beyond the next fault.
    mutating func nextCount() -> Int {
        var count = 64 * 1024
        if let sliceMax { count = min(count, 1 + chance.next(below: sliceMax)) }
        // A twentieth of a second's bytes: a rate is felt as a trickle and not as a stall.
        if let rate { count = min(count, max(1, rate / 20)) }
        if let next = ahead.first { count = min(count, next.byte - passed) }
        return count
    }

    /// How long these bytes take; nil when they need not wait at all.
    func pause(before count: Int) -> Duration? {
        guard delay > .zero || rate != nil || sliceMax != nil else { return nil }
        let time = delay + (rate.map { .nanoseconds(count * 1_000_000_000 / $0) } ?? .zero)
        // Some time for the receiver in any case, which would else find two slices as one.
        return max(time, .microseconds(1))
    }
}
