import Coro
import CoroTesting
import Glibc
import Testing

@Suite struct DatagramSocketTests {
    @Test func `a datagram arrives whole, with the address that answers it`() async throws {
        try await withLoop { loop async throws in
            let (one, two) = try (socket(on: loop), socket(on: loop))
            try await one.send(Array("ping".utf8), to: two.address)
            let received = try #require(try await two.receive())
            #expect(received.bytes.elementsEqual("ping".utf8))
            #expect(received.address == one.address)
            #expect(!received.isTruncated)
            try await two.send(Array("pong".utf8), to: received.address)
            #expect(try await one.receive()?.bytes.elementsEqual("pong".utf8) == true)
        }
    }

    @Test func `more than one call takes are sent in order, with their bounds and the empty ones`() async throws {
        try await withLoop { loop async throws in
            let (one, two) = try (socket(on: loop), socket(on: loop))
            let sizes = (0..<50).map { $0 % 7 }
            try await one.send(sizes.map { Datagram([UInt8](repeating: UInt8($0), count: $0), to: two.address) })
            for size in sizes {
                #expect(try await two.receive()?.bytes == [UInt8](repeating: UInt8(size), count: size))
            }
        }
    }

    @Test func `a datagram longer than its room is cut, and says so`() async throws {
        try await withLoop { loop async throws in
            let one = try socket(on: loop)
            let two = try DatagramSocket(on: loop, address: .loopback(port: 0), datagramMax: 4)
            try await one.send(Array("12345".utf8), to: two.address)
            try await one.send(Array("1234".utf8), to: two.address)
            let cut = try #require(try await two.receive())
            #expect(cut.isTruncated)
            #expect(cut.bytes.elementsEqual("1234".utf8))
            #expect(try await two.receive()?.isTruncated == false)
        }
    }

    @Test func `the longest datagram goes through, one that is longer is refused`() async throws {
        try await withLoop { loop async throws in
            let (one, two) = try (socket(on: loop), socket(on: loop))
            let longest = [UInt8](repeating: 7, count: 65_507)
            try await one.send(longest, to: two.address)
            #expect(try await two.receive()?.bytes == longest)
            await #expect(throws: IOError(call: "sendmmsg", code: EMSGSIZE)) {
                try await one.send(longest + [7], to: two.address)
            }
        }
    }

    @Test func `a connected socket needs no address and hears its peer alone`() async throws {
        try await withLoop { loop async throws in
            let (peer, stranger) = try (socket(on: loop), socket(on: loop))
            let connected = try DatagramSocket(on: loop, connectedTo: peer.address)
            try await connected.send([1])
            #expect(try await peer.receive()?.address == connected.address)
            try await stranger.send([2], to: connected.address)
            try await peer.send([3], to: connected.address)
            #expect(try await connected.receive()?.bytes == [3])
            await #expect(throws: IOError(call: "sendmmsg", code: EDESTADDRREQ)) { try await peer.send([4]) }
        }
    }

    @Test func `a refusal is told once, and the socket goes on`() async throws {
        try await withLoop { loop async throws in
            // A socket that is connected to somebody else refuses us; a closed one might live on for a moment in a child
            // that another test is just starting.
            let unwilling = try DatagramSocket(on: loop, connectedTo: socket(on: loop).address)
            let connected = try DatagramSocket(on: loop, connectedTo: unwilling.address)
            for _ in 1...2 {
                try await connected.send([1])
                await #expect(throws: IOError(call: "recvmmsg", code: ECONNREFUSED)) { try await connected.receive() }
                await #expect(throws: TimeoutError.self) {
                    try await loop.withTimeout(.zero) { try await connected.receive() }
                }
            }
        }
    }

    @Test func `a receive that is cancelled or too late has taken nothing`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop async throws in
            let (one, two) = try (socket(on: loop), socket(on: loop))
            let receiving = loop.spawn { try await two.receive() }
            try await loop.moment()
            await #expect(throws: StreamError.busy("receiving on")) { try await two.receive() }
            receiving.cancel()
            await #expect(throws: CancellationError.self) { try await receiving.value }
            let late = loop.spawn { try await loop.withTimeout(.seconds(1)) { try await two.receive() } }
            try await clock.advance(by: .seconds(1))
            await #expect(throws: TimeoutError.self) { try await late.value }
            try await one.send([5], to: two.address)
            #expect(try await two.receive()?.bytes == [5])
        }
    }

    @Test func `a flood does not keep the loop to the receiver`() async throws {
        try await withLoop { loop async throws in
            let socket = try socket(on: loop)
            let flood = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            defer { close(flood) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = socket.address.port.bigEndian
            address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
            let turns = try await turnsOfOthers(on: loop) { () async throws in
                for _ in 0..<2_048 {
                    let sent = withUnsafePointer(to: &address) {
                        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                            sendto(flood, [1], 1, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                        }
                    }
                    #expect(sent == 1)
                    #expect(try await socket.receive()?.bytes == [1])
                }
            }
            #expect(turns >= 3)
        }
    }

    @Test func `sending as fast as one can does not keep the loop to the sender`() async throws {
        try await withLoop { loop async throws in
            let (from, to) = (try socket(on: loop), try socket(on: loop))
            // Nobody receives them: the kernel drops what finds no room, and says nothing.
            let turns = try await turnsOfOthers(on: loop) { () async throws in
                for _ in 0..<2_048 { try await from.send([1], to: to.address) }
            }
            #expect(turns >= 3)
        }
    }

    @Test func `closing ends the sequence`() async throws {
        try await withLoop { loop async throws in
            let (one, two) = try (socket(on: loop), socket(on: loop))
            let reading = loop.spawn {
                var bytes: [[UInt8]] = []
                for try await datagram in two {
                    bytes.append(datagram.bytes)
                    if bytes.count == 2 { loop.addCallback { two.close() } }
                }
                return bytes
            }
            try await one.send([1], to: two.address)
            try await one.send([2], to: two.address)
            #expect(try await reading.value == [[1], [2]])
            await #expect(throws: StreamError.closed) { try await two.send([3], to: one.address) }
            await #expect(throws: StreamError.wrongThread) { try await Task.detached { try await one.receive() }.value }
        }
    }

    private func socket(on loop: EventLoop) throws -> DatagramSocket {
        try DatagramSocket(on: loop, address: .loopback(port: 0))
    }
}
