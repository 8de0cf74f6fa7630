import CoroTesting
import Glibc
import Testing

@testable import Coro

/// A peer that is always ready: before each call it takes what there is, or sends what there is room for, so that nobody ever
/// has to wait. Notes how much is moved between two turns of everybody else.
private final class GreedyPeer: StreamFaultSource, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): everything here happens on the loop's thread.

    private let descriptor: Int32
    private var movedBefore = 0
    private var moved = 0
    private(set) var longest = 0
    private(set) var received = 0

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    func verdict(on call: StreamCall, moved: Int) -> StreamVerdict {
        self.moved = moved
        longest = max(longest, moved - movedBefore)
        if call == .receive { fill() } else { drain() }
        return call == .sendFile ? .atMost(32 * 1024) : .pass
    }

    /// The others have their turn.
    func takeTurn() { movedBefore = moved }

    private func fill() {
        withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 1) { room in
            room.initializeMemory(as: UInt8.self, repeating: 0)
            while send(descriptor, room.baseAddress, room.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)) > 0 {}
        }
    }

    func drain() {
        withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 1) { room in
            while case let got = recv(descriptor, room.baseAddress, room.count, Int32(MSG_DONTWAIT)), got > 0 {
                received += got
            }
        }
    }

    func letGo() {}
}

/// Sends a little with each call, as TLS does a record.
private final class PieceLayer: StreamLayer {
    private let transport: StreamTransport
    init(_ transport: StreamTransport) { self.transport = transport }

    let isSecuring = false
    let mustSendToReceive = false
    let isKernelSending = false
    func receive(into room: UnsafeMutableRawBufferPointer) -> StreamProgress { transport.receive(into: room) }
    func send(_ bytes: UnsafeRawBufferPointer) -> StreamProgress {
        transport.send(UnsafeRawBufferPointer(rebasing: bytes.prefix(1 << 14)))
    }
    func finish() -> StreamProgress { .moved(0) }
    func close(orderly: Bool) {}
}

@Suite struct QuantumTests {
    @Test func `a quantum is over when as much is spent, and a new one is there`() {
        var quantum = Quantum(bytes: 10)
        quantum.spend(9)
        #expect(quantum.left == 1)
        let isOver = quantum.renewIfSpent()
        #expect(!isOver)
        quantum.spend(4)
        let isOverNow = quantum.renewIfSpent()
        #expect(isOverNow)
        #expect(quantum.left == 10)
        quantum.spend(3)
        quantum.renew()
        #expect(quantum.left == 10)
    }

    @Test func `a file for a peer that is always ready does not keep the loop to itself`() async throws {
        try await withLoop { loop async throws in
            let pair = SocketPair()
            let stream = try ByteStream(takingOver: dup(pair.left), on: loop)
            let peer = GreedyPeer(pair.right)
            stream.channel.faults = peer
            let size = 4 * ByteStream.bytesPerTurn + 1
            let file = TemporaryFile([])
            #expect(ftruncate(file.descriptor, size) == 0)
            let others = loop.spawn {
                while true {
                    peer.takeTurn()
                    try await loop.moment()
                }
            }
            try await stream.write(file: file.descriptor, count: size)
            others.cancel()
            peer.drain()
            #expect(peer.received == size)
            #expect(peer.longest >= ByteStream.bytesPerTurn / 2, "It has not been ready all the time.")
            #expect(peer.longest <= ByteStream.bytesPerTurn)
        }
    }

    @Test func `a file of several turns goes in whole packets, where there are packets`() async throws {
        try await withLoop { loop async throws in
            let turn = ByteStream.bytesPerTurn
            let pair = try await TCPPair(on: loop)
            let channel = pair.server.channel
            var packet: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            try #require(getsockopt(channel.descriptor, Int32(IPPROTO_TCP), TCP_MAXSEG, &packet, &length) == 0)
            let whole = channel.bytesPerTurn(of: Int64(turn) + 1)
            #expect(whole % Int(packet) == 0 && whole > turn - Int(packet) && whole <= turn)
            // One turn is enough, so nothing is over.
            #expect(channel.bytesPerTurn(of: Int64(turn)) == turn)
            let unix = try StreamPair(on: loop)
            #expect(unix.left.channel.bytesPerTurn(of: .max) == turn)
        }
    }

    @Test func `small writes to a peer that is always ready do not keep the loop to themselves`() async throws {
        try await withLoop { loop async throws in
            let pair = SocketPair()
            let stream = try ByteStream(takingOver: dup(pair.left), on: loop)
            let peer = GreedyPeer(pair.right)
            stream.channel.faults = peer
            let others = loop.spawn {
                while true {
                    peer.takeTurn()
                    try await loop.moment()
                }
            }
            let piece = [UInt8](repeating: 7, count: 1 << 13)
            let count = 4 * ByteStream.bytesPerTurn / piece.count
            for _ in 0..<count { try await stream.write(piece) }
            others.cancel()
            peer.drain()
            #expect(peer.received == count * piece.count)
            #expect(peer.longest >= ByteStream.bytesPerTurn / 2, "It has not been ready all the time.")
            #expect(peer.longest <= ByteStream.bytesPerTurn + piece.count)
        }
    }

    @Test func `what was appended, and goes by itself to such a peer, does not either`() async throws {
        try await withLoop { loop async throws in
            let pair = SocketPair()
            let stream = try ByteStream(takingOver: dup(pair.left), on: loop)
            let peer = GreedyPeer(pair.right)
            stream.channel.faults = peer
            try stream.insert { transport, _ in PieceLayer(transport) }
            let size = 4 * ByteStream.bytesPerTurn
            stream.append([UInt8](repeating: 7, count: size))
            for _ in 0..<100 where stream.unsentCount > 0 {
                peer.takeTurn()
                try await loop.moment()
            }
            peer.drain()
            #expect(peer.received == size)
            #expect(peer.longest >= ByteStream.bytesPerTurn / 2, "It has not been ready all the time.")
            #expect(peer.longest <= ByteStream.bytesPerTurn)
        }
    }

    /// The ways to receive: into the stream's buffer, into memory of the caller's, into an array.
    enum Reading: CaseIterable { case buffered, filling, exactly }

    @Test(arguments: Reading.allCases)
    func `reading a peer that is always ready does not keep the loop to itself`(_ reading: Reading) async throws {
        try await withLoop { loop async throws in
            let pair = SocketPair()
            let stream = try ByteStream(takingOver: dup(pair.left), on: loop)
            let peer = GreedyPeer(pair.right)
            stream.channel.faults = peer
            let size = 4 * ByteStream.bytesPerTurn
            let others = loop.spawn {
                while true {
                    peer.takeTurn()
                    try await loop.moment()
                }
            }
            let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 15, alignment: 1)
            defer { room.deallocate() }
            var left = size
            while left > 0 {
                switch reading {
                case .buffered: left -= try await stream.read()?.count ?? left
                case .filling:
                    try await stream.read(filling: room)
                    left -= room.count
                case .exactly: left -= try await stream.read(exactly: room.count).count
                }
            }
            others.cancel()
            #expect(peer.longest >= ByteStream.bytesPerTurn / 2, "It has not been ready all the time.")
            // By one call beyond it.
            #expect(peer.longest <= ByteStream.bytesPerTurn + room.count)
        }
    }
}
