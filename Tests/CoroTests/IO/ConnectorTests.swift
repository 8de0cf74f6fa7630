import CoroTesting
import Glibc
import Testing

@testable import Coro

@Suite struct ConnectorTests {
    private let v6 = ["2001:db8::1", "2001:db8::2"].compactMap { SocketAddress(ip: $0, port: 80) }
    private let v4 = ["192.0.2.1", "192.0.2.2"].compactMap { SocketAddress(ip: $0, port: 80) }

    // MARK: Real sockets

    @Test func `case 57: a refused connection fails with the system's error`() async throws {
        try await withLoop { loop async throws in
            let address = try freeAddress(on: loop)
            let failure = ConnectError.Failure(address, IOError(call: "connect", code: ECONNREFUSED))
            let error = await #expect(throws: ConnectError.connect([failure])) {
                try await Connector(loop: loop).connect(to: address)
            }
            #expect(error?.description == "Could not connect to \(address): Connection refused")
        }
    }

    @Test func `every address that failed is named, in order`() async throws {
        try await withLoop { loop async throws in
            let refused = try freeAddress(on: loop)
            let missing = try #require(SocketAddress(path: "/nowhere/at/all"))
            var resolver = OverrideResolver()
            resolver.override("dead.test", with: [refused, missing])
            let error = await #expect(throws: ConnectError.self) {
                try await Connector(loop: loop, resolver: resolver).connect(host: "dead.test", port: 80)
            }
            #expect(
                error?.description
                    == "Could not connect to \(refused): Connection refused; \(missing): No such file or directory")
        }
    }

    @Test func `the first address that answers is taken after one that refuses`() async throws {
        try await withLoop { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            let refused = try freeAddress(on: loop)
            let stream = try await Connector(loop: loop).connect(toFirstOf: [refused, listener.address])
            #expect(stream.peerAddress == listener.address)
        }
    }

    @Test func `connections come from the source address, and one of another family fails`() async throws {
        try await withLoop { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            let source = try #require(SocketAddress(ip: "127.0.0.2", port: 0))
            let stream = try await Connector(loop: loop, source: source).connect(to: listener.address)
            #expect(stream.localAddress?.host == "127.0.0.2")
            #expect(try await listener.accept()?.peerAddress == stream.localAddress)
            let foreign = try #require(SocketAddress(path: "/tmp/coro-source"))
            await #expect(throws: ConnectError.self) {
                try await Connector(loop: loop, source: foreign).connect(to: listener.address)
            }
        }
    }

    @Test func `a name without an address, and another thread, are refused`() async throws {
        try await withLoop { loop async throws in
            let resolver = SystemResolver { name, _ in .failed(ResolveError(host: name, reason: "no")) }
            let connector = Connector(loop: loop, resolver: resolver)
            await #expect(throws: ConnectError.resolve(ResolveError(host: "bad", reason: "no"))) {
                try await connector.connect(host: "bad", port: 80)
            }
            await #expect(throws: StreamError.wrongThread) {
                try await withLoop { _ async throws in _ = try await connector.connect(to: .loopback(port: 1)) }
            }
        }
    }

    // MARK: Races, on a network that does as it is told

    @Test func `families take turns, the first one's first`() {
        #expect(ConnectRace.interleaved(v6 + v4) == [v6[0], v4[0], v6[1], v4[1]])
        #expect(ConnectRace.interleaved([v4[0]] + v6 + v4) == [v4[0], v6[0], v4[1], v6[1]])
        #expect(ConnectRace.interleaved(v4) == v4)
        #expect(ConnectRace.interleaved([]) == [])
    }

    @Test func `case 62: after a quarter of a second of silence the second family is tried, and the first is closed`()
        async throws
    {
        let clock = ManualClock()
        let (v4, v6) = (v4, v6)
        try await withLoop(clock: clock) { loop async throws in
            let network = FakeNetwork()
            let connecting = loop.spawn { try await network.connector(loop).connect(toFirstOf: v6 + v4) }
            try await clock.advance(by: .milliseconds(249))
            #expect(network.log == ["dial 2001:db8::1"])
            try await clock.advance(by: .milliseconds(1))
            #expect(network.log == ["dial 2001:db8::1", "dial 192.0.2.1"])
            network.settle(v4[0])
            let stream = try await connecting.value
            #expect(stream.isOpen)
            #expect(network.log.dropFirst(2) == ["release 192.0.2.1", "close 2001:db8::1"])
        }
    }

    @Test func `case 62: the first may still win when the second was begun, which is then closed`() async throws {
        let clock = ManualClock()
        let (v4, v6) = (v4, v6)
        try await withLoop(clock: clock) { loop async throws in
            let network = FakeNetwork()
            let connecting = loop.spawn { try await network.connector(loop).connect(toFirstOf: [v6[0], v4[0]]) }
            try await clock.advance(by: .milliseconds(250))
            network.settle(v6[0])
            _ = try await connecting.value
            #expect(network.log.dropFirst(2) == ["release 2001:db8::1", "close 192.0.2.1"])
            // Nor is anything tried later.
            try await clock.advance(by: .seconds(10))
            #expect(network.log.count == 4)
        }
    }

    @Test func `case 62: of two that answer at once one is taken, and the other closed`() async throws {
        let clock = ManualClock()
        let (v4, v6) = (v4, v6)
        try await withLoop(clock: clock) { loop async throws in
            let network = FakeNetwork()
            let connecting = loop.spawn { try await network.connector(loop).connect(toFirstOf: [v6[0], v4[0]]) }
            try await clock.advance(by: .milliseconds(250))
            network.settle(v4[0])
            network.settle(v6[0])
            _ = try await connecting.value
            #expect(network.log.dropFirst(2) == ["release 2001:db8::1", "close 192.0.2.1"])
        }
    }

    @Test func `case 63: an address that fails at once does not wait for the timer`() async throws {
        let clock = ManualClock()
        let (v4, v6) = (v4, v6)
        try await withLoop(clock: clock) { loop async throws in
            let network = FakeNetwork()
            network.failAtOnce(v6[0], EAFNOSUPPORT)
            network.answerAtOnce(v4[0])
            // The clock stands.
            _ = try await network.connector(loop).connect(toFirstOf: v6 + v4)
            #expect(network.log == ["dial 2001:db8::1", "dial 192.0.2.1", "release 192.0.2.1"])
        }
    }

    @Test func `an address that fails later moves on at once, too, and the delay starts anew`() async throws {
        let clock = ManualClock()
        let (v4, v6) = (v4, v6)
        try await withLoop(clock: clock) { loop async throws in
            let network = FakeNetwork()
            let connecting = loop.spawn { try await network.connector(loop).connect(toFirstOf: v6 + v4) }
            try await clock.advance(by: .milliseconds(200))
            network.settle(v6[0], ECONNREFUSED)
            try await clock.advance(by: .milliseconds(200))
            #expect(network.log == ["dial 2001:db8::1", "dial 192.0.2.1"])
            try await clock.advance(by: .milliseconds(50))
            #expect(network.log.last == "dial 2001:db8::2")
            network.settle(v6[1])
            _ = try await connecting.value
            #expect(network.log.dropFirst(3) == ["release 2001:db8::2", "close 192.0.2.1"])
        }
    }

    @Test func `when all have failed the error has them all`() async throws {
        let clock = ManualClock()
        let (v4, v6) = (v4, v6)
        try await withLoop(clock: clock) { loop async throws in
            let network = FakeNetwork()
            let connecting = loop.spawn { try await network.connector(loop).connect(toFirstOf: [v6[0], v4[0]]) }
            try await clock.advance(by: .milliseconds(250))
            network.settle(v4[0], ECONNREFUSED)
            try await loop.moment()
            network.settle(v6[0], EHOSTUNREACH)
            let failures = [
                ConnectError.Failure(v4[0], IOError(call: "connect", code: ECONNREFUSED)),
                ConnectError.Failure(v6[0], IOError(call: "connect", code: EHOSTUNREACH)),
            ]
            await #expect(throws: ConnectError.connect(failures)) { try await connecting.value }
        }
    }

    @Test func `one deadline covers all attempts, and says what was still open and what had failed`() async throws {
        let clock = ManualClock()
        let (v4, v6) = (v4, v6)
        try await withLoop(clock: clock) { loop async throws in
            let network = FakeNetwork()
            network.failAtOnce(v6[0], ENETUNREACH)
            let connecting = loop.spawn {
                try await loop.withTimeout(.seconds(1)) {
                    try await network.connector(loop).connect(toFirstOf: v6 + v4)
                }
            }
            try await clock.advance(by: .seconds(1))
            let failure = ConnectError.Failure(v6[0], IOError(call: "connect", code: ENETUNREACH))
            let expected = ConnectError.timeout(.connecting([v4[0], v6[1], v4[1]]), failures: [failure])
            let error = await #expect(throws: expected) { try await connecting.value }
            #expect(
                error?.description
                    == "Timed out while connecting to 192.0.2.1:80, [2001:db8::2]:80, 192.0.2.2:80. "
                    + "Before that: [2001:db8::1]:80: Network is unreachable")
            #expect(network.log.suffix(3) == ["close 192.0.2.1", "close 2001:db8::2", "close 192.0.2.2"])
        }
    }

    @Test func `a cancel closes all attempts`() async throws {
        let clock = ManualClock()
        let (v4, v6) = (v4, v6)
        try await withLoop(clock: clock) { loop async throws in
            let network = FakeNetwork()
            let connecting = loop.spawn { try await network.connector(loop).connect(toFirstOf: [v6[0], v4[0]]) }
            try await clock.advance(by: .milliseconds(250))
            connecting.cancel()
            await #expect(throws: CancellationError.self) { try await connecting.value }
            #expect(network.log.dropFirst(2) == ["close 2001:db8::1", "close 192.0.2.1"])
        }
    }

    @Test func `a loop that closes ends the race and closes its attempts`() async throws {
        let v4 = v4
        let network = FakeNetwork()
        let ends = Journal<String>()
        try await withLoop(allowing: [.tasks, .descriptors]) { loop async throws in
            loop.spawn {
                do {
                    _ = try await network.connector(loop).connect(toFirstOf: v4)
                } catch {
                    ends.note("\(error)")
                }
            }
            try await loop.moment()
            try await loop.moment()
        }
        #expect(ends.entries == [LoopError.closed.description])
        #expect(network.log == ["dial 192.0.2.1", "close 192.0.2.1"])
    }

    @Test func `the delay between attempts can be set`() async throws {
        let clock = ManualClock()
        let v4 = v4
        try await withLoop(clock: clock) { loop async throws in
            let network = FakeNetwork()
            let connector = network.connector(loop, attemptDelay: .seconds(2))
            let connecting = loop.spawn { try await connector.connect(toFirstOf: v4) }
            try await clock.advance(by: .milliseconds(1999))
            #expect(network.log.count == 1)
            try await clock.advance(by: .milliseconds(1))
            #expect(network.log.count == 2)
            connecting.cancel()
            _ = try? await connecting.value
        }
    }

    /// An address of this machine at which nobody listens.
    private func freeAddress(on loop: EventLoop) throws -> SocketAddress {
        let listener = try Listener(on: loop, address: .loopback(port: 0))
        defer { listener.close() }
        return listener.address
    }
}
