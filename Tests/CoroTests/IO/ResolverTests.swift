import CoroTesting
import Glibc
import Testing

@testable import Coro

@Suite struct ResolverTests {
    private let home = [SocketAddress.loopback(port: 0)]

    @Test func `case 66: a bad name is an error that says which and why`() async throws {
        try await withLoop { loop async throws in
            let resolver = SystemResolver { name, _ in
                .failed(ResolveError(host: name, reason: "Name or service not known"))
            }
            let error = await #expect(throws: ResolveError.self) {
                try await resolver.addresses(of: "An.Invalid.Domain", port: 80, on: loop)
            }
            #expect(error?.description == "Could not resolve host An.Invalid.Domain: Name or service not known")
            for name in ["", "a\0b", String(repeating: "a", count: 254)] {
                await #expect(throws: ResolveError(host: name, reason: "this is not a host name")) {
                    try await resolver.addresses(of: name, port: 80, on: loop)
                }
            }
        }
    }

    @Test func `the system knows localhost, and not what no name can be`() async throws {
        try await withLoop(allowing: .loop) { loop async throws in
            let resolver = SystemResolver()
            let found = try await resolver.addresses(of: "localhost", port: 80, on: loop)
            #expect(!found.isEmpty)
            #expect(found.allSatisfy { ["127.0.0.1", "::1"].contains($0.host) && $0.port == 80 })
            let error = await #expect(throws: ResolveError.self) {
                try await resolver.addresses(of: String(repeating: "a", count: 100), port: 80, on: loop)
            }
            #expect(error?.reason.isEmpty == false)
        }
    }

    @Test func `a literal is its own answer, without a look-up`() async throws {
        try await withLoop { loop async throws in
            let asked = Journal<String>()
            let resolver = SystemResolver { name, _ in
                asked.note(name)
                return .finished([])
            }
            let found = try await resolver.addresses(of: "::1", port: 80, on: loop)
            #expect(found.map(\.description) == ["[::1]:80"])
            #expect(asked.entries == [])
        }
    }

    @Test func `an answer is kept for its time and no longer, and failures are not kept`() async throws {
        let clock = ManualClock()
        let home = home
        try await withLoop(clock: clock) { loop async throws in
            let asked = Journal<String>()
            let resolver = SystemResolver(cacheTime: .seconds(30), clock: clock) { name, _ in
                asked.note(name)
                return name == "bad" ? .failed(ResolveError(host: name, reason: "no")) : .finished(home)
            }
            #expect(try await resolver.addresses(of: "good", port: 80, on: loop) == [.loopback(port: 80)])
            // Another port and other letters are the same name.
            #expect(try await resolver.addresses(of: "GOOD", port: 81, on: loop) == [.loopback(port: 81)])
            try await clock.advance(by: .seconds(29))
            _ = try await resolver.addresses(of: "good", port: 80, on: loop)
            #expect(asked.entries == ["good"])
            try await clock.advance(by: .seconds(1))
            _ = try await resolver.addresses(of: "good", port: 80, on: loop)
            #expect(asked.entries == ["good", "good"])
            resolver.clearCache()
            _ = try await resolver.addresses(of: "good", port: 80, on: loop)
            #expect(asked.entries.count == 3)
            for _ in 0..<2 { _ = try? await resolver.addresses(of: "bad", port: 80, on: loop) }
            #expect(asked.entries.count == 5)
        }
    }

    @Test func `two askers are one look-up, on whatever loops, and each has its answer`() async throws {
        let home = home
        try await withLoop(allowing: .loop) { loop async throws in
            let (asked, begun, gate) = (Journal<String>(), loop.promise(of: Void.self), Gate())
            let resolver = SystemResolver { name, _ in
                asked.note(name)
                begun.trySucceed(())
                gate.wait()
                return .finished(home)
            }
            let first = loop.spawn { try await resolver.addresses(of: "slow", port: 1, on: loop) }
            try await begun.future.value
            let worker = try LoopThread()
            let second = worker.loop.spawn { try await resolver.addresses(of: "slow", port: 2, on: worker.loop) }
            let third = loop.spawn { try await resolver.addresses(of: "slow", port: 3, on: loop) }
            // On its way to the other loop and back, the second has come to its wait.
            try await worker.loop.spawn { try await worker.loop.moment() }.value
            try await loop.moment()
            gate.open()
            #expect(try await first.value.map(\.port) == [1])
            #expect(try await second.value.map(\.port) == [2])
            #expect(try await third.value.map(\.port) == [3])
            #expect(asked.entries == ["slow"])
            try await loop.runBlocking { try worker.stop() }
        }
    }

    @Test func `cancelling one asker leaves the other its answer`() async throws {
        let home = home
        try await withLoop(allowing: .loop) { loop async throws in
            let (asked, begun, gate) = (Journal<String>(), loop.promise(of: Void.self), Gate())
            let resolver = SystemResolver { name, _ in
                asked.note(name)
                begun.trySucceed(())
                gate.wait()
                return .finished(home)
            }
            let first = loop.spawn { try await resolver.addresses(of: "slow", port: 1, on: loop) }
            let second = loop.spawn { try await resolver.addresses(of: "slow", port: 2, on: loop) }
            try await begun.future.value
            first.cancel()
            await #expect(throws: CancellationError.self) { try await first.value }
            second.cancel()
            await #expect(throws: CancellationError.self) { try await second.value }
            // Nobody waits any more; the thread is at it all the same, and the next asker joins instead of taking another.
            let third = loop.spawn { try await resolver.addresses(of: "slow", port: 3, on: loop) }
            try await loop.moment()
            gate.open()
            #expect(try await third.value.map(\.port) == [3])
            #expect(asked.entries == ["slow"])
        }
    }

    @Test func `a question that no thread has begun is taken back by the last who leaves`() async throws {
        let home = home
        try await withLoop(allowing: .loop) { loop async throws in
            let (asked, begun, gate) = (Journal<String>(), loop.promise(of: Void.self), Gate())
            let resolver = SystemResolver(threadsMax: 1) { name, _ in
                asked.note(name)
                guard name == "slow" else { return .finished(home) }
                begun.trySucceed(())
                gate.wait()
                return .finished(home)
            }
            let slow = loop.spawn { try await resolver.addresses(of: "slow", port: 1, on: loop) }
            try await begun.future.value
            let waiting = (0..<2).map { _ in
                loop.spawn { try await resolver.addresses(of: "queued", port: 1, on: loop) }
            }
            try await loop.moment()
            for asker in waiting {
                asker.cancel()
                await #expect(throws: CancellationError.self) { try await asker.value }
            }
            let other = loop.spawn { try await resolver.addresses(of: "other", port: 1, on: loop) }
            try await loop.moment()
            gate.open()
            _ = try await slow.value
            _ = try await other.value
            #expect(asked.entries == ["slow", "other"])
        }
    }

    @Test func `one slow name delays no other while there are threads`() async throws {
        let home = home
        try await withLoop(allowing: .loop) { loop async throws in
            let (begun, gate) = (loop.promise(of: Void.self), Gate())
            let resolver = SystemResolver(threadsMax: 2) { name, _ in
                guard name == "slow" else { return .finished(home) }
                begun.trySucceed(())
                gate.wait()
                return .finished(home)
            }
            let slow = loop.spawn { try await resolver.addresses(of: "slow", port: 1, on: loop) }
            try await begun.future.value
            for index in 0..<20 {
                #expect(try await resolver.addresses(of: "quick\(index)", port: 1, on: loop).count == 1)
            }
            #expect(!slow.future.isDone)
            gate.open()
            #expect(try await slow.value.count == 1)
        }
    }

    // MARK: Part by part

    /// What a name server that drops the queries for one family makes of getaddrinfo(3): the whole answer takes until `gate`
    /// opens, and so does that family's. Two threads wait there then.
    private func halfDeaf(
        _ deaf: Int32, _ asked: Journal<Int32>, _ begun: Promise<Void>, _ gate: Gate
    ) -> SystemResolver {
        let (v4, v6) = (home, [SocketAddress(ip: "::1", port: 0)].compactMap { $0 })
        return SystemResolver { _, family in
            asked.note(family)
            if family == AF_UNSPEC { begun.trySucceed(()) }
            if family == AF_UNSPEC || family == deaf { gate.wait() }
            switch family {
            case AF_INET: return .finished(v4)
            case AF_INET6: return .finished(v6)
            default: return .finished(v6 + v4)
            }
        }
    }

    @Test(arguments: [AF_INET, AF_INET6])
    func `a family that is answered is found though the other is not`(_ deaf: Int32) async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock, allowing: .loop) { loop async throws in
            let (asked, begun, gate) = (Journal<Int32>(), loop.promise(of: Void.self), Gate())
            let resolver = halfDeaf(deaf, asked, begun, gate)
            let found = Journal<[String]>()
            let first = loop.promise(of: Void.self)
            let finding = loop.spawn {
                try await resolver.findAddresses(of: "Half.test", port: 80, on: loop) { addresses in
                    found.note(addresses.map(\.description))
                    first.trySucceed(())
                }
            }
            try await begun.future.value
            // Most answers take less than that: nothing else is asked.
            try await clock.advance(by: .milliseconds(99))
            #expect(asked.entries == [AF_UNSPEC])
            try await clock.advance(by: .milliseconds(1))
            try await first.future.value
            #expect(found.entries == [deaf == AF_INET ? ["[::1]:80"] : ["127.0.0.1:80"]])
            // The thread that is to ask for the other family may have come to nothing yet.
            while asked.entries.count < 3 { try await loop.moment() }
            #expect(Set(asked.entries) == [AF_UNSPEC, AF_INET, AF_INET6])
            gate.open()
            gate.open()
            try await finding.value
            #expect(found.entries.last == ["[::1]:80", "127.0.0.1:80"])
            // The whole answer is the one that is kept.
            _ = try await resolver.addresses(of: "half.test", port: 80, on: loop)
            #expect(asked.entries.count == 3)
        }
    }

    @Test func `a quick answer, one that is known, and a literal are found without a question more`() async throws {
        try await withLoop(allowing: .loop) { loop async throws in
            let asked = Journal<Int32>()
            let home = home
            let resolver = SystemResolver { _, family in
                asked.note(family)
                return .finished(home)
            }
            let found = Journal<[SocketAddress]>()
            for host in ["quick", "QUICK", "127.0.0.1"] {
                try await resolver.findAddresses(of: host, port: 80, on: loop) { found.note($0) }
            }
            #expect(found.entries == Array(repeating: [.loopback(port: 80)], count: 3))
            #expect(asked.entries == [AF_UNSPEC])
        }
    }

    @Test func `a connection is made with the family that is answered, before the other is`() async throws {
        try await withLoop(allowing: .loop) { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            let (asked, begun, gate) = (Journal<Int32>(), loop.promise(of: Void.self), Gate())
            let connector = Connector(loop: loop, resolver: halfDeaf(AF_INET6, asked, begun, gate))
            let port = listener.address.port
            let stream = try await connector.connect(host: "half.test", port: port)
            #expect(stream.peerAddress == listener.address)
            gate.open()
            gate.open()
        }
    }

    @Test func `a name that no question has an address for is an error, in parts too`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock, allowing: .loop) { loop async throws in
            let (begun, gate) = (loop.promise(of: Void.self), Gate())
            let resolver = SystemResolver { name, family in
                if family == AF_UNSPEC {
                    begun.trySucceed(())
                    gate.wait()
                }
                return .failed(ResolveError(host: name, reason: "no \(family)"))
            }
            let finding = loop.spawn {
                try await Connector(loop: loop, resolver: resolver).connect(host: "Bad", port: 1)
            }
            try await begun.future.value
            try await clock.advance(by: .seconds(1))
            gate.open()
            await #expect(throws: ConnectError.resolve(ResolveError(host: "Bad", reason: "no 0"))) {
                try await finding.value
            }
        }
    }

    @Test func `a deadline ends the wait for a name`() async throws {
        let clock = ManualClock()
        let home = home
        try await withLoop(clock: clock, allowing: .loop) { loop async throws in
            let (begun, gate) = (loop.promise(of: Void.self), Gate())
            let resolver = SystemResolver { _, _ in
                begun.trySucceed(())
                gate.wait()
                return .finished(home)
            }
            let connecting = loop.spawn {
                try await loop.withTimeout(.seconds(5)) {
                    try await Connector(loop: loop, resolver: resolver).connect(host: "slow", port: 1)
                }
            }
            try await begun.future.value
            try await clock.advance(by: .seconds(5))
            await #expect(throws: ConnectError.timeout(.resolving("slow"), failures: [])) { try await connecting.value }
            gate.open()
        }
    }

    @Test func `names that are kept are bounded, the oldest goes first`() {
        var cache = NameCache<String>(lifetime: .seconds(30), countMax: 2)
        for (second, name) in ["a", "b", "c"].enumerated() {
            cache.insert(home, for: name, at: LoopInstant(nanoseconds: Int64(second)))
        }
        let now = LoopInstant(nanoseconds: 3)
        #expect(cache.count == 2)
        #expect(cache.addresses(of: "a", at: now) == nil)
        #expect(cache.addresses(of: "b", at: now) != nil && cache.addresses(of: "c", at: now) != nil)
        var none = NameCache<String>(lifetime: .zero, countMax: 2)
        none.insert(home, for: "a", at: now)
        #expect(none.count == 0)
    }

    @Test func `the addresses of a family take turns, and the families keep their places`() {
        let hosts = ["::1", "127.0.0.1", "::2", "127.0.0.2", "127.0.0.3"]
        let addresses = hosts.compactMap { SocketAddress(ip: $0, port: 0) }
        #expect(
            NameCache<String>.turned(addresses, by: 1).map(\.host) == [
                "::2", "127.0.0.2", "::1", "127.0.0.3", "127.0.0.1",
            ])
        #expect(NameCache<String>.turned(addresses, by: 6) == addresses)
    }

    @Test func `a table overrides names, for one port or for all, and passes the others on`() async throws {
        let home = home
        try await withLoop { loop async throws in
            var resolver = OverrideResolver(otherwise: SystemResolver { _, _ in .finished(home) })
            resolver.override("Api.test", with: [.loopback(port: 0)])
            resolver.override("api.test", port: 443, with: [.loopback(port: 8443)])
            resolver.override("gone.test", with: [])
            #expect(try await resolver.addresses(of: "api.test", port: 80, on: loop) == [.loopback(port: 80)])
            #expect(try await resolver.addresses(of: "API.test", port: 443, on: loop) == [.loopback(port: 8443)])
            #expect(try await resolver.addresses(of: "other.test", port: 7, on: loop) == [.loopback(port: 7)])
            await #expect(throws: ResolveError.self) {
                try await resolver.addresses(of: "gone.test", port: 80, on: loop)
            }
        }
    }
}
