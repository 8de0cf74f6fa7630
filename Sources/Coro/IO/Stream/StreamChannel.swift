// One connected descriptor on one loop: what the kernel said of it, its two buffers, and who waits.
//
// Edge-triggered, registered once. The kernel tells us of a change only once, so this file remembers it: `mayRead`
// stays true until a read comes back short or empty-handed, `mayWrite` until a send does. epoll(7) allows a short
// count as the sign that the socket is drained, which saves the extra read that would only return EAGAIN. Two
// exceptions: with FIN or an error announced there will be no further edge, so then reads go on to the end. And a read
// stops short at the place of out-of-band data (tcp(7)), and of descriptors (unix(7)), whatever comes behind, so from a peer that
// has sent such it proves nothing.

internal import CLoop
internal import Glibc

final class StreamChannel: Registration, Ending {
    // One thread touches all of this and no call out of an access comes back into it, so the run-time exclusivity checks
    // could only ever pass; they were a sixth of the instructions of a served request.
    let loop: EventLoop
    @exclusivity(unchecked) var descriptor: Int32
    // What a close looks at lies together: where thousands are closed at once, nothing of them is in a cache.
    /// Set while a task sends what is not in the output buffer: other bytes must not come between.
    @exclusivity(unchecked) var isWriting = false
    /// It was closed with nothing left to be sent.
    @exclusivity(unchecked) var endsOrderly = false
    /// Why the channel is closed; nil while it is open.
    @exclusivity(unchecked) var closeReason: StreamError?
    @exclusivity(unchecked) var output = StreamBuffer()
    @exclusivity(unchecked) var input = StreamBuffer()

    @exclusivity(unchecked) private var mayRead = true
    @exclusivity(unchecked) private(set) var mayWrite = true
    /// FIN, RST or an error was announced: no further edge will come.
    @exclusivity(unchecked) private(set) var peerEnd: PeerEnd?
    /// A unix socket, by which descriptors may come. A stream takes none; the kernel closes them.
    private let isLocal: Bool
    /// A read that comes back short has drained the socket.
    @exclusivity(unchecked) private var shortMeansDrained = true
    @exclusivity(unchecked) var reader = Sleeper.nobody
    @exclusivity(unchecked) var writer = Sleeper.nobody
    /// A task is in the middle of a read, or of a write: it sleeps, or has been woken and has not run yet. Who came between the
    /// two would take its bytes, or have it find its place taken.
    @exclusivity(unchecked) var hasReader = false
    @exclusivity(unchecked) var hasWriter = false
    /// What is sent has its continuation at hand: packets need not end where it does.
    @exclusivity(unchecked) var moreFollows = false
    /// What goes out without a task that waits for it; nil until something does.
    @exclusivity(unchecked) var backlog: Backlog?
    /// The input buffer never holds more than this.
    @exclusivity(unchecked) var inputLimit = ByteStream.inputLimitDefault
    /// All bytes ever received and sent: whether a peer moves at all is seen by looking twice.
    @exclusivity(unchecked) private(set) var receivedTotal = 0
    @exclusivity(unchecked) var sentTotal = 0
    /// What may be received before the others have their turn: a peer that sends as fast as it is read makes no reader wait.
    @exclusivity(unchecked) var incoming = Quantum(bytes: ByteStream.bytesPerTurn)
    /// And of what is queued, however small the writes.
    @exclusivity(unchecked) var outgoing = Quantum(bytes: ByteStream.bytesPerTurn)
    /// What broke the connection: the first failure that was met in either direction.
    @exclusivity(unchecked) private(set) var failure: StreamError?
    weak var observer: (any StreamObserver)?
    /// Who waits for the peer's end without reading.
    @exclusivity(unchecked) var endWatchers: [Waiter] = []
    /// What bytes go through on their way, once TLS is on.
    @exclusivity(unchecked) var layer: (any StreamLayer)?
    /// Where the layer has them come from and go to.
    @exclusivity(unchecked) var transport: StreamTransport?
    /// The layer cannot receive before it has sent something: with bytes to be received or not, it waits for room.
    @exclusivity(unchecked) private var readerNeedsRoom = false
    /// The layer has still to say that no more will come.
    @exclusivity(unchecked) var isFinishDue = false
    /// Closed for its user, and open until the layer's farewell has found room.
    @exclusivity(unchecked) var lingering: LoopTimer?
    /// The loop closes: nothing will be announced any more.
    @exclusivity(unchecked) var isAbandoned = false
    /// For tests: decides over each system call before it is made. Nil in production.
    @exclusivity(unchecked) var faults: (any StreamFaultSource)?

    /// Takes over a connected, non-blocking descriptor. Loop's thread.
    init(loop: EventLoop, descriptor: Int32, isLocal: Bool) throws(IOError) {
        self.loop = loop
        self.descriptor = descriptor
        self.isLocal = isLocal
        try loop.adopt(self, interest: Interest.stream)
    }

    var isOpen: Bool { closeReason == nil }

    /// It is told of an end once.
    var endsMayWait: Bool { true }

    // MARK: Moving bytes, without waiting

    typealias Progress = StreamProgress

    /// Receives once into the input buffer.
    func receive() -> Progress {
        if let closeReason { return .failed(closeReason) }
        // A layer may hold bytes of which the kernel has nothing more to say.
        guard mayRead || layer != nil else { return .wouldBlock }
        let most = inputLimit - input.count
        guard most > 0 else { return .failed(.limitExceeded(limit: inputLimit)) }
        let room = input.reserve(min(StreamChannel.leastRead, most), loop.buffers)
        let progress = move(into: UnsafeMutableRawBufferPointer(start: room.baseAddress, count: min(room.count, most)))
        if case .moved(let count) = progress { input.commit(count) }
        return progress
    }

    /// Receives once into memory of the caller's; the input buffer must be empty.
    func receive(into room: UnsafeMutableRawBufferPointer) -> Progress {
        if let closeReason { return .failed(closeReason) }
        guard mayRead || layer != nil else { return .wouldBlock }
        return move(into: room)
    }

    @inline(__always)
    private func move(into room: UnsafeMutableRawBufferPointer) -> Progress {
        guard let layer else { return receiveRaw(into: room) }
        let progress = noting(layer.receive(into: room))
        readerNeedsRoom = layer.mustSendToReceive
        return progress
    }

    /// A read is worth trying.
    var isReadable: Bool { mayRead && !readerNeedsRoom }

    /// Receives once from the kernel.
    @inline(__always)
    func receiveRaw(into room: UnsafeMutableRawBufferPointer, unannounced: Bool = false) -> Progress {
        guard mayRead || unannounced else { return .wouldBlock }
        var count = room.count
        if let faults, let outcome = interfere(faults, .receive, &count) { return outcome }
        let got = isLocal ? receiveLocal(room, count) : cloop_socket_receive(descriptor, room.baseAddress, count)
        if got > 0 {
            receivedTotal &+= Int(got)
            incoming.spend(Int(got))
            if got < room.count, shortMeansDrained { mayRead = false }
            return .moved(Int(got))
        }
        if got == 0 { return endOrBreak }
        return failure(got, "recv", &mayRead)
    }

    @inline(never)
    private func receiveLocal(_ room: UnsafeMutableRawBufferPointer, _ count: Int) -> Int64 {
        var stopped: Int32 = 0
        let got = cloop_socket_receive_local(descriptor, room.baseAddress, count, &stopped)
        if stopped != 0 { shortMeansDrained = false }
        return got
    }

    /// What a receive of nothing means. The kernel tells a break once, to whichever direction asks first, and from then on
    /// calls it an end (SO_ERROR in socket(7)): what was cut short must not look complete the second time. EPIPE is no such
    /// break: it says that the peer takes no more, and not that it had more to send.
    private var endOrBreak: Progress {
        if let failure, case .broken(let error) = failure, error.code != EPIPE { return .failed(failure) }
        return .end
    }

    /// Receives once, asking the kernel even if it has announced nothing: what came in this very iteration is seen.
    func receiveUnannounced() -> Progress {
        mayRead = true
        return receive()
    }

    /// A read with less room than this is not worth the call.
    private static let leastRead = 2048

    /// Sends once from the output buffer.
    func send() -> Progress {
        if let closeReason {
            // Queued after the close, by who prepares output in place; nothing else would give the memory back.
            output.discard(loop.buffers)
            return .failed(closeReason)
        }
        // No more than a turn's worth: the call goes on for as long as the peer takes what it sends.
        let bytes = UnsafeRawBufferPointer(rebasing: output.bytes.prefix(ByteStream.bytesPerTurn))
        let progress = if let layer { noting(layer.send(bytes)) } else { sendRaw(bytes) }
        if case .moved(let count) = progress {
            output.consume(count)
            outgoing.spend(count)
            if backlog != nil { noteSent() }
        }
        return progress
    }

    /// Sends once to the kernel.
    @inline(__always)
    func sendRaw(_ bytes: UnsafeRawBufferPointer) -> Progress {
        guard mayWrite else { return .wouldBlock }
        var count = bytes.count
        if let faults, let outcome = interfere(faults, .send, &count) { return outcome }
        let sent =
            moreFollows
            ? cloop_socket_send_more(descriptor, bytes.baseAddress, count)
            : cloop_socket_send(descriptor, bytes.baseAddress, count)
        return progress(of: sent, "send", offered: bytes.count)
    }

    /// Sends once to the kernel, two runs of bytes with one call.
    func sendRaw(_ first: UnsafeRawBufferPointer, then second: UnsafeRawBufferPointer) -> Progress {
        guard mayWrite else { return .wouldBlock }
        let offered = first.count + second.count
        var count = offered
        if let faults, let outcome = interfere(faults, .send, &count) { return outcome }
        let ofFirst = min(count, first.count)
        let sent = cloop_socket_send_two(
            descriptor, first.baseAddress, ofFirst, second.baseAddress, count - ofFirst, moreFollows ? 1 : 0)
        return progress(of: sent, "sendmsg", offered: offered)
    }

    @inline(__always)
    private func progress(of sent: Int64, _ call: String, offered: Int) -> Progress {
        guard sent >= 0 else { return failure(sent, call, &mayWrite) }
        sentTotal &+= Int(sent)
        if Int(sent) < offered { mayWrite = false }
        return .moved(Int(sent))
    }

    /// Sends once from the output buffer and then from `pieces`, in one call and at most so many bytes; `moved` counts those of
    /// both.
    func send(andThen pieces: borrowing OutgoingPieces, atMost most: Int) -> Progress {
        if let closeReason { return .failed(closeReason) }
        // A record holds what lies together: first what is queued, then a piece.
        if let layer, !layer.isKernelSending {
            return output.isEmpty ? noting(pieces.withFirst { layer.send($0) }) : send()
        }
        guard mayWrite else { return .wouldBlock }
        let queued = output.bytes
        var count = min(queued.count + pieces.countOfNext, most)
        let offered = count
        if let faults, let outcome = interfere(faults, .send, &count) { return outcome }
        let sent = pieces.withVectors(after: queued, count: count) {
            cloop_socket_send_pieces(descriptor, $0.baseAddress, Int32($0.count))
        }
        guard sent >= 0 else { return failure(sent, "sendmsg", &mayWrite) }
        sentTotal &+= Int(sent)
        if Int(sent) < offered { mayWrite = false }
        output.consume(min(Int(sent), queued.count))
        if backlog != nil { noteSent() }
        return .moved(Int(sent))
    }

    /// The kernel has (as if it had) no more for us in this direction until it says so.
    func noteBlocked(_ call: StreamCall) -> Progress {
        if call == .receive { mayRead = false } else { mayWrite = false }
        return .wouldBlock
    }

    private func failure(_ result: Int64, _ call: String, _ may: inout Bool) -> Progress {
        if result == -Int64(EAGAIN) {
            may = false
            return .wouldBlock
        }
        return noting(.failed(.broken(IOError(call: call, code: Int32(-result)))))
    }

    /// Remembers what broke the connection. The first failure is the cause; what comes after it follows from it.
    func noting(_ progress: Progress) -> Progress {
        if case .failed(let error) = progress, failure == nil {
            // That somebody else is at it breaks nothing.
            if case .busy = error { return progress }
            failure = error
        }
        return progress
    }

    /// How much of a file of this size goes in one turn: where there are several, whole packets. What is over would go as a small
    /// packet of its own, and the peer wakes for it: on loopback, where a packet has 65,483 bytes, one for every 32 large ones.
    func bytesPerTurn(of size: Int64) -> Int {
        guard layer == nil, size > ByteStream.bytesPerTurn else { return ByteStream.bytesPerTurn }
        // A unix socket has no such option, and no packets.
        let packet = Int(cloop_socket_get(descriptor, Int32(IPPROTO_TCP), TCP_MAXSEG))
        guard (1...ByteStream.bytesPerTurn).contains(packet) else { return ByteStream.bytesPerTurn }
        return ByteStream.bytesPerTurn / packet * packet
    }

    /// Sends file bytes without taking them through user space; the output buffer must be empty.
    func sendFile(_ file: Int32, offset: inout Int64, count: Int) -> Progress {
        if let closeReason { return .failed(closeReason) }
        guard mayWrite else { return .wouldBlock }
        var count = fileCount(at: offset, of: count)
        if let faults, let outcome = interfere(faults, .sendFile, &count) { return outcome }
        let sent = cloop_file_send(descriptor, file, &offset, count)
        guard sent >= 0 else {
            // The call has two sides. What is the file's, or the disk's, has not broken the connection.
            let error = IOError(call: "sendfile", code: Int32(-sent))
            return error.isOfFile ? .failed(.broken(error)) : failure(sent, "sendfile", &mayWrite)
        }
        sentTotal &+= Int(sent)
        // A short count means that the socket is full, or that the file has ended: only the one has an edge to come.
        if sent > 0, sent < count, cloop_socket_has_room(descriptor) == 0 { mayWrite = false }
        return sent == 0 ? .end : .moved(Int(sent))
    }

    // MARK: Told by the loop

    func deliver(_ readiness: Readiness) {
        guard isOpen || lingering != nil else { return }
        if readiness.contains(.writable) { mayWrite = true }
        if readiness.contains(.readable) { mayRead = true }
        if readiness.contains(.urgent) { shortMeansDrained = false }
        let ends = readiness.intersection([.peerClosed, .hangUp, .error])
        if !ends.isEmpty {
            if peerEnd != .vanished { peerEnd = ends == .peerClosed ? .finished : .vanished }
            mayRead = true
            shortMeansDrained = false
            if ends != .peerClosed { mayWrite = true }
        }
        if mayRead || (mayWrite && readerNeedsRoom) { reader.take().wake() }
        if mayWrite {
            readerNeedsRoom = false
            if writer.isSomebody { writer.take().wake() } else if backlog != nil { sendByItself() }
            if lingering != nil { return endIfFinished() }
        }
        if mayWrite, isFinishDue { finishWriting() }
        if !ends.isEmpty { tellPeerEnd(ends == .peerClosed ? .finished : .vanished) }
    }

    func abandon() {
        isAbandoned = true
        if isOpen { close(.closed) } else { endLingering() }
    }
}

extension IOError {
    /// Whether it is the file's, of a call that moves a file's bytes to a connection. What is the connection's stands together
    /// in errno(3), but for two.
    fileprivate var isOfFile: Bool { code != EAGAIN && code != EPIPE && !(ENOTSOCK...EHOSTUNREACH).contains(code) }
}
