import CoroTesting
import Glibc
import Testing

@testable import Coro

/// A race that begins while names are looked up.
@Suite struct ConnectingByNameTests {
    private let v6 = ["2001:db8::1", "2001:db8::2"].compactMap { SocketAddress(ip: $0, port: 80) }
    private let v4 = ["192.0.2.1", "192.0.2.2"].compactMap { SocketAddress(ip: $0, port: 80) }

    @Test func `what is known is tried while the rest is looked up, and comes in when it is there`() async throws {
        let clock = ManualClock()
        let (v4, v6) = (v4, v6)
        try await withLoop(clock: clock) { loop async throws in
            let (network, names) = (FakeNetwork(), SlowNames())
            let known = Journal<[SocketAddress]>()
            let connecting = loop.spawn {
                try await network.connector(loop, names).connect(host: "slow", port: 80) { known.note($0) }
            }
            try await clock.advance(by: .seconds(1))
            #expect(network.log == [])
            names.find([v6[0]])
            try await clock.advance(by: .zero)
            #expect(network.log == ["dial 2001:db8::1"])
            // A known one again, and two others: the other family's turn comes first.
            names.find(v6 + v4)
            try await clock.advance(by: .milliseconds(249))
            #expect(network.log.count == 1)
            try await clock.advance(by: .milliseconds(1))
            #expect(network.log.last == "dial 192.0.2.1")
            network.settle(v4[0])
            _ = try await connecting.value
            #expect(network.log.dropFirst(2) == ["release 192.0.2.1", "close 2001:db8::1"])
            #expect(known.entries == [[v6[0]]])
            #expect(names.isOver)
        }
    }

    @Test func `IPv4 alone waits 50 ms for IPv6, and no longer`() async throws {
        let clock = ManualClock()
        let (v4, v6) = (v4, v6)
        try await withLoop(clock: clock) { loop async throws in
            for isInTime in [true, false] {
                let (network, names) = (FakeNetwork(), SlowNames())
                let connecting = loop.spawn { try await network.connector(loop, names).connect(host: "slow", port: 80) }
                try await loop.moment()
                try await loop.moment()
                names.find(v4)
                try await clock.advance(by: .milliseconds(49))
                #expect(network.log == [])
                if isInTime { names.find(v6) }
                try await clock.advance(by: .milliseconds(isInTime ? 0 : 1))
                #expect(network.log == [isInTime ? "dial 2001:db8::1" : "dial 192.0.2.1"])
                network.settle(isInTime ? v6[0] : v4[0])
                _ = try await connecting.value
            }
        }
    }

    @Test func `IPv4 alone does not wait once the look-up is over`() async throws {
        let clock = ManualClock()
        let v4 = v4
        try await withLoop(clock: clock) { loop async throws in
            let (network, names) = (FakeNetwork(), SlowNames())
            network.answerAtOnce(v4[0])
            let connecting = loop.spawn { try await network.connector(loop, names).connect(host: "slow", port: 80) }
            try await loop.moment()
            try await loop.moment()
            names.find(v4)
            names.end()
            // The clock stands.
            _ = try await connecting.value
        }
    }

    @Test func `when all that came has failed the rest is waited for, and the look-up's end is the end`() async throws {
        let clock = ManualClock()
        let v6 = v6
        try await withLoop(clock: clock) { loop async throws in
            for refusal in [nil, ResolveError(host: "slow", reason: "no")] {
                let (network, names) = (FakeNetwork(), SlowNames())
                network.failAtOnce(v6[0], ENETUNREACH)
                let connecting = loop.spawn { try await network.connector(loop, names).connect(host: "slow", port: 80) }
                try await loop.moment()
                try await loop.moment()
                names.find([v6[0]])
                try await clock.advance(by: .seconds(5))
                #expect(!connecting.future.isDone)
                names.end(refusal)
                // That an address was there is worth more than that the look-up failed.
                let failure = ConnectError.Failure(v6[0], IOError(call: "connect", code: ENETUNREACH))
                await #expect(throws: ConnectError.connect([failure])) { try await connecting.value }
            }
        }
    }

    @Test func `a cancel, and a deadline, end the look-up and the attempts`() async throws {
        let clock = ManualClock()
        let v4 = v4
        try await withLoop(clock: clock) { loop async throws in
            for isCancelled in [true, false] {
                let (network, names) = (FakeNetwork(), SlowNames())
                let connecting = loop.spawn {
                    try await loop.withTimeout(.seconds(1)) {
                        try await network.connector(loop, names).connect(host: "slow", port: 80)
                    }
                }
                try await loop.moment()
                try await loop.moment()
                names.find(v4)
                try await clock.advance(by: .milliseconds(100))
                if isCancelled {
                    connecting.cancel()
                    await #expect(throws: CancellationError.self) { try await connecting.value }
                } else {
                    try await clock.advance(by: .seconds(1))
                    await #expect(throws: ConnectError.timeout(.connecting(v4), failures: [])) {
                        try await connecting.value
                    }
                }
                #expect(network.log.first == "dial 192.0.2.1")
                #expect(network.log.contains("close 192.0.2.1"))
                #expect(names.isOver)
            }
        }
    }
}

/// A look-up that finds what a test says, when it says so.
private final class SlowNames: Resolver, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): used on one loop's thread.
    private var found: (([SocketAddress]) -> Void)?
    private var ending: Promise<Void>?
    private(set) var isOver = false

    func addresses(of host: String, port: UInt16, on loop: EventLoop) async throws -> [SocketAddress] { [] }

    func findAddresses(
        of host: String, port: UInt16, on loop: EventLoop, found: @escaping @Sendable ([SocketAddress]) -> Void
    ) async throws {
        self.found = found
        let ending = loop.promise(of: Void.self)
        self.ending = ending
        defer {
            isOver = true
            self.found = nil
            self.ending = nil
        }
        try await ending.future.value
    }

    func find(_ addresses: [SocketAddress]) { found?(addresses) }

    func end(_ error: (any Error)? = nil) {
        if let error { ending?.tryFail(error) } else { ending?.trySucceed(()) }
    }
}
