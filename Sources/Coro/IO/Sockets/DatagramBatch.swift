// Datagrams in the kernel's form: recvmmsg(2) fills several rooms with one call, sendmmsg(2) empties several.

internal import CLoop
internal import Glibc

/// Datagrams on their way between the kernel's form and ours.
struct DatagramBatch: ~Copyable {
    private let datagramMax: Int
    /// Rooms for one call to fill. Untouched pages of it cost nothing, and a datagram touches as many as it is long.
    private let room: UnsafeMutableRawPointer
    private var received: [Datagram] = []
    /// How many of those have been taken.
    private var taken = 0

    /// How many one call moves at most.
    static let size = Int(CLOOP_DATAGRAMS_MAX)

    init(datagramMax: Int) {
        self.datagramMax = datagramMax
        // SAFETY: freed in deinit.
        room = .allocate(byteCount: DatagramBatch.size * datagramMax, alignment: 16)
    }

    deinit { room.deallocate() }

    /// The oldest that was received and not taken.
    mutating func next() -> Datagram? {
        guard taken < received.count else { return nil }
        taken += 1
        return received[taken - 1]
    }

    /// Receives as many as are there, at most `most`. All earlier ones must have been taken.
    ///
    /// - Returns: how many came, or −errno.
    mutating func receive(_ most: Int, _ descriptor: Int32) -> Int64 {
        received.removeAll(keepingCapacity: true)
        taken = 0
        return withUnsafeTemporaryAllocation(of: cloop_datagram.self, capacity: most) { slots in
            for index in slots.indices {
                var slot = cloop_datagram()
                slot.bytes = room + index * datagramMax
                slot.count = datagramMax
                slots.initializeElement(at: index, to: slot)
            }
            let count = cloop_datagrams_receive(descriptor, slots.baseAddress, Int32(slots.count))
            for slot in slots.prefix(Int(max(0, count))) { received.append(Datagram(slot)) }
            return Int64(count)
        }
    }

    /// Sends as many as the kernel has room for, of no more than one call takes.
    ///
    /// - Returns: how many went, or −errno.
    static func send(_ datagrams: ArraySlice<Datagram>, _ descriptor: Int32) -> Int64 {
        // Copied into one block: several arrays' memory cannot be borrowed at once but by recursion.
        let bytes = datagrams.flatMap(\.bytes)
        return bytes.withUnsafeBytes { bytes in
            withUnsafeTemporaryAllocation(of: cloop_datagram.self, capacity: datagrams.count) { slots in
                var offset = 0
                for (index, datagram) in datagrams.enumerated() {
                    var slot = cloop_datagram()
                    // SAFETY: sendmmsg(2) only reads; the C struct is shared with receiving and so not const. An empty
                    // datagram may have no memory at all.
                    slot.bytes = bytes.baseAddress.map { UnsafeMutableRawPointer(mutating: $0 + offset) }
                    slot.count = datagram.bytes.count
                    datagram.address?.withSockaddr { address, length in
                        withUnsafeMutableBytes(of: &slot.address) {
                            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(length)))
                        }
                        slot.address_length = length
                    }
                    slots.initializeElement(at: index, to: slot)
                    offset += datagram.bytes.count
                }
                return Int64(cloop_datagrams_send(descriptor, slots.baseAddress, Int32(slots.count)))
            }
        }
    }
}

extension Datagram {
    /// Copies what the kernel wrote.
    fileprivate init(_ slot: cloop_datagram) {
        self.init(Array(UnsafeRawBufferPointer(start: slot.bytes, count: slot.count)))
        isTruncated = slot.is_truncated != 0
        if slot.address_length > 0 {
            address = withUnsafePointer(to: slot.address) { storage in
                // SAFETY: sockaddr_storage is large enough and aligned for every sockaddr (RFC 3493 §3.10).
                storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    SocketAddress($0, length: slot.address_length)
                }
            }
        }
    }
}
