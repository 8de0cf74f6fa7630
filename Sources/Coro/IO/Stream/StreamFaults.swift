// A seam for tests: something that stands between a byte stream and the kernel and may say what the kernel did not.
// What can be said is only what a kernel could have said, so that a stream that fails here can fail anywhere.

internal import CLoop
internal import Glibc

/// The system calls by which a stream moves bytes.
package enum StreamCall: Sendable {
    case receive, send, sendFile
}

/// What becomes of one call.
package enum StreamVerdict: Sendable {
    /// It is made as it is.
    case pass
    /// It is made for this many bytes; more will be announced in a later iteration.
    case atMost(Int)
    /// Not made: EAGAIN, and ready again in a later iteration.
    case stall
    /// Not made: EAGAIN, and nothing more is announced until somebody does.
    case hang
    /// Not made: fails with this errno, and the connection is over in both directions.
    case fail(Int32)
    /// Not made: the peer's last byte has been received. For `receive` only.
    case end
}

/// Decides over the calls of one stream. Called on the loop's thread.
package protocol StreamFaultSource: AnyObject {
    /// What is to become of the call that the stream is about to make, having received (or sent) `moved` bytes so far.
    func verdict(on call: StreamCall, moved: Int) -> StreamVerdict
    /// The stream is closed, or its test has ended: let go of what was to be done then.
    func letGo()
}

extension StreamChannel {
    /// Asks the source of faults. Nil: go on with the call, for `count` bytes at most.
    @inline(never)
    func interfere(_ source: any StreamFaultSource, _ call: StreamCall, _ count: inout Int) -> Progress? {
        let moved = call == .receive ? receivedTotal : sentTotal
        let verdict = source.verdict(on: call, moved: moved)
        // Whoever was told of it may have closed the stream. (One that lingers for its layer's farewell still sends.)
        if let closeReason, descriptor < 0 { return .failed(closeReason) }
        switch verdict {
        case .pass: return nil
        case .atMost(let most):
            guard most < count else { return nil }
            count = max(1, most)
            announceLater(call == .receive ? .readable : .writable)
            return nil
        case .stall:
            announceLater(call == .receive ? .readable : .writable)
            return noteBlocked(call)
        case .hang: return noteBlocked(call)
        case .fail(let code):
            // The kernel then announces the hang-up to both directions, and to the peer, by itself.
            _ = shutdown(descriptor, Int32(SHUT_RDWR))
            return noting(.failed(.broken(IOError(call: call.name, code: code))))
        case .end:
            _ = shutdown(descriptor, Int32(SHUT_RD))
            return .end
        }
    }

    /// Readiness as the kernel would report it, in a later iteration. It may prove untrue, as the kernel's may.
    func announceLater(_ readiness: Readiness) {
        _ = loop.add(.callback { [weak self] in self?.deliver(readiness) })
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
}

extension ByteStream {
    /// Puts a source of faults between the stream and the kernel; nil takes it away. Loop's thread.
    package func interpose(_ source: (any StreamFaultSource)?) { channel.faults = source }

    /// Lets whoever sleeps on the stream look again, in a later iteration. Loop's thread.
    package func announceReadiness() { channel.announceLater([.readable, .writable]) }
}

extension EventLoop {
    /// Ends the part of every source of faults: a test that has ended wants to hear no more of them.
    package func letGoOfFaults() {
        for case let channel as StreamChannel in poller.registrations { channel.faults?.letGo() }
    }
}
