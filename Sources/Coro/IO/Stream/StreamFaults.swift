// A seam for tests: something that stands between a descriptor and the kernel and may say what the kernel did not.
// What can be said is only what a kernel could have said, so that a stream that fails here can fail anywhere. Byte
// streams, the ends of pipes and datagram sockets have it alike.

internal import CLoop
internal import Glibc

/// The system calls by which bytes are moved. A pipe's read(2) and write(2), and a datagram socket's recvmmsg(2) and
/// sendmmsg(2), are `receive` and `send` too.
package enum StreamCall: Sendable {
    case receive, send, sendFile
}

/// What becomes of one call. It is bytes that are counted; datagrams where these are moved, for a datagram is whole or
/// not at all.
package enum StreamVerdict: Sendable {
    /// It is made as it is.
    case pass
    /// It is made for this many; more will be announced in a later iteration.
    case atMost(Int)
    /// Not made: EAGAIN, and ready again in a later iteration.
    case stall
    /// Not made: EAGAIN, and nothing more is announced until somebody does.
    case hang
    /// Not made: fails with this errno. A connection is over then, in both directions.
    case fail(Int32)
    /// Not made: the peer's last byte has been received. For `receive` of bytes only.
    case end
}

/// Decides over the calls on one descriptor. Called on the loop's thread.
package protocol StreamFaultSource: AnyObject {
    /// What is to become of the call that is about to be made, when so much was received (or sent) before.
    func verdict(on call: StreamCall, moved: Int) -> StreamVerdict
    /// The descriptor is closed, or its test has ended: let go of what was to be done then.
    func letGo()
}

/// What makes the system calls on a descriptor, and is told when it is ready.
package protocol FaultSeam: AnyObject {
    var loop: EventLoop { get }
    /// Decides over each system call before it is made. Nil in production.
    var faults: (any StreamFaultSource)? { get set }
    func deliver(_ readiness: Readiness)
}

extension FaultSeam {
    /// What the source of faults has the kernel say, in the kernel's form: −errno, or 0 for the end. Nil: the call is to
    /// be made, for `count` at most.
    func answer(of source: any StreamFaultSource, to call: StreamCall, moved: Int, _ count: inout Int) -> Int64? {
        switch source.verdict(on: call, moved: moved) {
        case .pass: return nil
        case .atMost(let most):
            guard most < count else { return nil }
            count = max(1, most)
            announceLater(call.readiness)
            return nil
        case .stall:
            announceLater(call.readiness)
            return -Int64(EAGAIN)
        case .hang: return -Int64(EAGAIN)
        case .fail(let code): return -Int64(code)
        case .end: return 0
        }
    }

    /// Readiness as the kernel would report it, in a later iteration. It may prove untrue, as the kernel's may.
    func announceLater(_ readiness: Readiness) {
        _ = loop.add(.callback { [weak self] in self?.deliver(readiness) })
    }
}

extension StreamChannel: FaultSeam {
    /// Asks the source of faults. Nil: go on with the call, for `count` bytes at most.
    @inline(never)
    func interfere(_ source: any StreamFaultSource, _ call: StreamCall, _ count: inout Int) -> Progress? {
        let moved = call == .receive ? receivedTotal : sentTotal
        let answer = answer(of: source, to: call, moved: moved, &count)
        // Whoever was told of it may have closed the stream. (One that lingers for its layer's farewell still sends.)
        if let closeReason, descriptor < 0 { return .failed(closeReason) }
        guard let answer else { return nil }
        if answer == -Int64(EAGAIN) { return noteBlocked(call) }
        // The kernel then announces the end, or the hang-up to both directions, and to the peer, by itself.
        _ = shutdown(descriptor, Int32(answer == 0 ? SHUT_RD : SHUT_RDWR))
        return answer == 0 ? .end : noting(.failed(.broken(IOError(call: call.name, code: Int32(-answer)))))
    }
}

extension TwoWayDescriptor: FaultSeam {
    /// Asks the source of faults. Nil: go on with the call, for `count` at most.
    @inline(never)
    final func interfere(_ source: any StreamFaultSource, _ call: StreamCall, _ count: inout Int) -> Int64? {
        // What was cut short goes on when more is announced, and not before.
        guard call == .receive ? mayTake : mayGive else { return -Int64(EAGAIN) }
        let offered = count
        let answer = answer(of: source, to: call, moved: call == .receive ? taken : given, &count)
        // Whoever was told of it may have closed the descriptor: then the wait that follows ends at once.
        guard isOpen else { return -Int64(EAGAIN) }
        if count < offered { noteBlocked(call) }
        return answer
    }
}

extension StreamCall {
    fileprivate var name: String {
        switch self {
        case .receive: "recv"
        case .send: "send"
        case .sendFile: "sendfile"
        }
    }

    /// What is announced when the call is worth trying again.
    fileprivate var readiness: Readiness { self == .receive ? .readable : .writable }
}

/// What faults can be put before.
package protocol Faultable: AnyObject, Sendable {
    var loop: EventLoop { get }
    var seam: any FaultSeam { get }
}

extension Faultable {
    /// Puts a source of faults between this and the kernel; nil takes it away. Loop's thread.
    package func interpose(_ source: (any StreamFaultSource)?) { seam.faults = source }

    /// Lets whoever sleeps on it look again, in a later iteration. Loop's thread.
    package func announceReadiness() { seam.announceLater([.readable, .writable]) }
}

extension ByteStream: Faultable { package var seam: any FaultSeam { channel } }
extension PipeReader: Faultable { package var seam: any FaultSeam { channel } }
extension PipeWriter: Faultable { package var seam: any FaultSeam { channel } }
extension DatagramSocket: Faultable { package var seam: any FaultSeam { channel } }

extension EventLoop {
    /// Ends the part of every source of faults: a test that has ended wants to hear no more of them.
    package func letGoOfFaults() {
        for case let seam as any FaultSeam in poller.registrations { seam.faults?.letGo() }
    }
}
