import CLoop
import Glibc
import Testing

@Suite struct DatagramTests {
    @Test func `datagrams keep their bounds, and one that is longer than its room says so`() {
        let pair = DatagramPair()
        #expect(pair.send(["one", "longer than the room", ""]) == 3)
        var rooms = [[UInt8]](repeating: [UInt8](repeating: 0, count: 6), count: 4)
        let received = pair.receive(&rooms)
        #expect(received.map(\.count) == [3, 6, 0])
        #expect(received.map(\.is_truncated) == [0, 1, 0])
        #expect(rooms[1].elementsEqual("longer".utf8))
        #expect(pair.receive(&rooms).isEmpty)
    }
}

private final class DatagramPair {
    let left: Int32
    let right: Int32

    init() {
        var pair: [Int32] = [-1, -1]
        precondition(socketpair(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0, &pair) == 0, "No socket pair.")
        (left, right) = (pair[0], pair[1])
    }

    deinit {
        close(left)
        close(right)
    }

    func send(_ texts: [String]) -> Int32 {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        var datagrams = zip(texts, copies).map { text, copy in
            var datagram = cloop_datagram()
            datagram.bytes = UnsafeMutableRawPointer(copy)
            datagram.count = text.utf8.count
            return datagram
        }
        return cloop_datagrams_send(left, &datagrams, Int32(datagrams.count))
    }

    func receive(_ rooms: inout [[UInt8]]) -> [cloop_datagram] {
        let size = rooms[0].count
        let memory = UnsafeMutableRawPointer.allocate(byteCount: rooms.count * size, alignment: 1)
        defer { memory.deallocate() }
        var datagrams = rooms.indices.map { index in
            var datagram = cloop_datagram()
            datagram.bytes = memory + index * size
            datagram.count = size
            return datagram
        }
        let got = cloop_datagrams_receive(right, &datagrams, Int32(datagrams.count))
        for index in 0..<Int(max(0, got)) {
            rooms[index] = Array(UnsafeRawBufferPointer(start: datagrams[index].bytes, count: datagrams[index].count))
        }
        return Array(datagrams.prefix(Int(max(0, got))))
    }
}
