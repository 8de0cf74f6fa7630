import CoroTesting
import Glibc
import Testing

@testable import Coro

/// A peer that is always ready: it takes what there is before each call, so that the sender never has to wait. Notes how much
/// is sent between two turns of everybody else.
private final class GreedyPeer: StreamFaultSource, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): everything here happens on the loop's thread.

    private let descriptor: Int32
    private var sentBefore = 0
    private var sent = 0
    private(set) var longest = 0
    private(set) var received = 0

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    func verdict(on call: StreamCall, moved: Int) -> StreamVerdict {
        guard call != .receive else { return .pass }
        sent = moved
        longest = max(longest, sent - sentBefore)
        drain()
        return call == .sendFile ? .atMost(32 * 1024) : .pass
    }

    /// The others have their turn.
    func takeTurn() { sentBefore = sent }

    func drain() {
        withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 1) { room in
            while case let got = recv(descriptor, room.baseAddress, room.count, Int32(MSG_DONTWAIT)), got > 0 {
                received += got
            }
        }
    }

    func letGo() {}
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
}
