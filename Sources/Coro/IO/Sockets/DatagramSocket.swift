// UDP: messages with bounds, no connection, no promise that they arrive. Moved in batches, because a datagram is small and
// a system call is not.

internal import CLoop
internal import Glibc

/// One UDP message.
public struct Datagram: Sendable, Hashable {
    /// What it carries; may be empty.
    public var bytes: [UInt8]
    /// Where a received one comes from, or one to be sent goes; nil sends to where the socket is connected.
    public var address: SocketAddress?
    /// True when a received one was longer than the socket's `datagramMax`: the rest of it is lost.
    public var isTruncated = false

    /// Makes a datagram to send.
    public init(_ bytes: [UInt8], to address: SocketAddress? = nil) {
        self.bytes = bytes
        self.address = address
    }
}

/// A UDP socket: sends datagrams, and is a sequence of those that arrive.
///
///     let socket = try DatagramSocket(on: loop, address: .loopback(port: 5353))
///     for try await datagram in socket { try await socket.send(datagram.bytes, to: datagram.address!) }
///
/// One task may receive and another send at the same time. A receive that is cancelled, or reaches the task's deadline, has
/// taken nothing. What arrives faster than it is received the kernel drops.
///
/// - Runs on: tasks of its loop; from another thread receiving and sending throw `StreamError.wrongThread`.
/// - Dropping the last reference closes the socket.
public final class DatagramSocket: AsyncSequence, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): every method first checks that it runs on the loop's thread; deinit sends the close there.

    public typealias Element = Datagram

    /// Where it receives; with port 0 asked for, the port the kernel chose.
    public let address: SocketAddress
    let channel: TwoWayDescriptor
    private var batch: DatagramBatch
    /// A flood makes no receiver wait.
    private var quantum = Quantum(bytes: ByteStream.bytesPerTurn)
    /// Nor does the kernel a sender: what finds no room on its way is dropped.
    private var sending = Quantum(bytes: ByteStream.bytesPerTurn)
    /// What a datagram counts, however short: it is the work around its bytes that takes the time.
    private static let worth = 4096

    /// Opens a socket that receives at `address`, from everybody.
    ///
    /// - Parameters:
    ///   - datagramMax: the longest datagram to receive whole, in bytes; no datagram is longer than the default.
    ///   - reusePort: lets several sockets, one a loop, share the port (SO_REUSEPORT).
    /// - Throws: `IOError` EADDRINUSE, EACCES, EADDRNOTAVAIL, EMFILE…
    public convenience init(
        on loop: EventLoop, address: SocketAddress, datagramMax: Int = 65_535, reusePort: Bool = false
    ) throws(IOError) {
        let descriptor = try DatagramSocket.open(address.family) { descriptor throws(IOError) in
            if reusePort { try Socket.set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) }
            let bound = address.withSockaddr { bind(descriptor, $0, $1) == 0 ? 0 : -errno }
            try IOError.check(bound, "bind \(address)")
        }
        try self.init(takingOver: descriptor, on: loop, datagramMax)
    }

    /// Opens a socket that sends to `peer` and receives from it alone.
    ///
    /// Nothing is sent yet. A peer that refuses (ICMP) makes a later send or receive throw ECONNREFUSED once; the socket
    /// can be used further.
    public convenience init(
        on loop: EventLoop, connectedTo peer: SocketAddress, datagramMax: Int = 65_535
    ) throws(IOError) {
        let descriptor = try DatagramSocket.open(peer.family) { descriptor throws(IOError) in
            let connected = peer.withSockaddr { cloop_socket_connect(descriptor, $0, $1) }
            try IOError.check(connected, "connect \(peer)")
        }
        try self.init(takingOver: descriptor, on: loop, datagramMax)
    }

    private static func open(
        _ family: Int32, _ setUp: (Int32) throws(IOError) -> Void
    ) throws(IOError) -> Int32 {
        let opened = cloop_socket_open(family, Int32(SOCK_DGRAM.rawValue), 0)
        let descriptor = try IOError.check(opened, "socket")
        do throws(IOError) {
            try setUp(descriptor)
            return descriptor
        } catch {
            Descriptor.close(descriptor)
            throw error
        }
    }

    private init(takingOver descriptor: Int32, on loop: EventLoop, _ datagramMax: Int) throws(IOError) {
        precondition(datagramMax > 0, "A datagram socket needs room for at least one byte a datagram.")
        do throws(IOError) {
            address = try Socket.localAddress(descriptor)
        } catch {
            Descriptor.close(descriptor)
            throw error
        }
        batch = DatagramBatch(datagramMax: datagramMax)
        channel = try TwoWayDescriptor(descriptor, on: loop)
    }

    deinit { channel.close() }

    /// The loop the socket lives on.
    public var loop: EventLoop { channel.loop }

    /// The next datagram; suspends while there is none, and in a flood every 512 for one iteration of the loop, so that others
    /// have their turn.
    ///
    /// - Returns: nil once the socket is closed.
    /// - Throws: `IOError`; `StreamError.busy` when another task is receiving, `.wrongThread`; `CancellationError`,
    ///   `TimeoutError`, `LoopError.closed`.
    public func receive() async throws -> Datagram? {
        guard loop.isCurrent else { throw StreamError.wrongThread }
        try channel.checkNobodyTakes("receiving on")
        while channel.isOpen {
            if let datagram = batch.next() { return datagram }
            if quantum.renewIfSpent() {
                try await channel.giveReaderTurn()
                continue
            }
            let received = channel.take(atMost: DatagramBatch.size) { batch.receive($0, channel.descriptor) }
            if received == -Int64(EAGAIN) {
                try await channel.waitUntilReadable("receiving on")
                quantum.renew()
            } else {
                quantum.spend(try DatagramSocket.worth * moved(received, "recvmmsg"))
            }
        }
        return nil
    }

    /// Sends one datagram; suspends while the kernel has no room for it.
    ///
    /// That it was sent does not mean that it arrives.
    ///
    /// - Parameter address: where to; nil for a connected socket's peer.
    /// - Throws: `IOError` EMSGSIZE for one that is too long (65 507 bytes over IPv4), EDESTADDRREQ without an address,
    ///   ECONNREFUSED, ENETUNREACH…; `StreamError.closed`, `.busy`, `.wrongThread`; `CancellationError`, `TimeoutError`,
    ///   `LoopError.closed`: then it was not sent.
    public func send(_ bytes: [UInt8], to address: SocketAddress? = nil) async throws {
        try await send([Datagram(bytes, to: address)])
    }

    /// Sends datagrams in order, with few system calls; suspends while the kernel has no room for them, and every 512 datagrams for
    /// one iteration of the loop, so that others have their turn.
    ///
    /// - Throws: as for one; those before the one that failed were sent. After `StreamError.busy` none was.
    public func send(_ datagrams: [Datagram]) async throws {
        guard loop.isCurrent else { throw StreamError.wrongThread }
        try channel.checkNobodyGives("sending on")
        var rest = datagrams[...]
        while !rest.isEmpty {
            guard channel.isOpen else { throw StreamError.closed }
            if sending.renewIfSpent() {
                try await channel.giveWriterTurn()
                continue
            }
            let next = rest.prefix(DatagramBatch.size)
            let sent = channel.give(atMost: next.count) { DatagramBatch.send(next.prefix($0), channel.descriptor) }
            if sent == -Int64(EAGAIN) {
                try await channel.waitUntilWritable("sending on")
                sending.renew()
            } else {
                let count = try moved(sent, "sendmmsg")
                sending.spend(DatagramSocket.worth * count)
                rest = rest.dropFirst(count)
            }
        }
        guard channel.isOpen else { throw StreamError.closed }
    }

    /// How many datagrams a call moved.
    private func moved(_ result: Int64, _ call: String) throws(IOError) -> Int {
        Int(try IOError.check(Int32(result), call))
    }

    /// Closes the socket: a waiting `receive` returns nil, what was received and not taken is dropped. A second call does
    /// nothing; any thread.
    public func close() { channel.close() }

    /// True until `close()`, or the loop's.
    public var isOpen: Bool { channel.isOpen }

    public func makeAsyncIterator() -> Iterator { Iterator(socket: self) }

    /// Receives one datagram after the other.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let socket: DatagramSocket

        public mutating func next() async throws -> Datagram? { try await socket.receive() }
    }
}
