// The load's side of a connection: blocking system calls and nothing else, the same for every server.

internal import Coro
internal import Glibc

/// A blocking connection to a port of this machine.
final class RawConnection: Sendable {
    let descriptor: Int32

    /// How long a server may be silent before it has failed.
    private static let patience = 20

    /// Connects.
    ///
    /// - Throws: `IOError` ECONNREFUSED when nobody listens.
    init(port: UInt16) throws(IOError) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw IOError(call: "socket", code: errno) }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        var patience = timeval(tv_sec: RawConnection.patience, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &patience, socklen_t(MemoryLayout<timeval>.size))
        }
        var address = RawConnection.address(port)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw IOError(call: "connect to port \(port)", code: errno) }
    }

    deinit { close(descriptor) }

    static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        return address
    }

    /// Sleeps on until so many bytes are there, or the end is (SO_RCVLOWAT, tcp(7)). A load that sleeps after every packet
    /// has the server's core wake it thousands of times a second, and that would be measured.
    func sleep(untilThereAre bytes: Int) {
        var least = Int32(clamping: bytes)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVLOWAT, &least, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Sends all of these.
    func send(_ bytes: UnsafeRawBufferPointer) throws(IOError) {
        var rest = bytes
        while !rest.isEmpty {
            let sent = Glibc.send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            guard sent > 0 else { throw IOError(call: "send", code: errno) }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(sent))
        }
    }

    /// Says that no more will come.
    func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Takes at most what there is room for; 0 at the end.
    func receive(into room: UnsafeMutableRawBufferPointer) throws(IOError) -> Int {
        let got = recv(descriptor, room.baseAddress, room.count, 0)
        guard got >= 0 else { throw IOError(call: "recv", code: errno) }
        return got
    }

    /// Takes as much as there is room for.
    func receive(all room: UnsafeMutableRawBufferPointer) throws(IOError) {
        let got = recv(descriptor, room.baseAddress, room.count, Int32(MSG_WAITALL))
        guard got >= 0 else { throw IOError(call: "recv", code: errno) }
        guard got == room.count else { throw IOError(call: "recv, and the end came too early,", code: EPIPE) }
    }

    /// Takes just as many bytes, and only counts them (MSG_TRUNC, tcp(7)): the load should cost as little as it can.
    func drop(_ count: Int) throws(IOError) {
        var left = count
        while left > 0 {
            let got = try drop(atMost: left)
            guard got > 0 else { throw IOError(call: "recv, and the end came too early,", code: EPIPE) }
            left -= got
        }
    }

    /// Takes what is there, and only counts it; 0 at the end.
    func drop(atMost count: Int) throws(IOError) -> Int {
        let got = recv(descriptor, nil, count, Int32(MSG_TRUNC))
        guard got >= 0 else { throw IOError(call: "recv", code: errno) }
        return got
    }
}
