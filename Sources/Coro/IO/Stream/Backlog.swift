// Output that no task waits for: what was appended, and what a cancelled write has left. It goes out by itself, first in the
// iteration after the one that queued it, so that all that one iteration appends costs one system call, and then whenever
// the kernel announces room. A task that writes or flushes meanwhile sends it along with its own; bytes have one order, that
// in which they were queued.

/// When a writer is to wait for its peer, and for how long. In bytes that are queued and not sent.
public struct WaterMarks: Equatable, Sendable {
    /// A writer that waits goes on when no more than this is unsent.
    public let low: Int
    /// A writer waits when more than this is unsent.
    public let high: Int

    /// Two marks, of which `low` is not above `high`. With both at 0 a writer waits until all is sent.
    public init(low: Int = 16 * 1024, high: Int = 64 * 1024) {
        precondition(low >= 0 && low <= high, "The low water mark (\(low)) is between 0 and the high one (\(high)).")
        self.low = low
        self.high = high
    }
}

/// What a channel knows of the output that goes out by itself. Made when first needed: an idle connection has none.
final class Backlog {
    var marks = WaterMarks()
    /// Tasks that wait for the low mark.
    var waiting: [Waiter] = []
    /// Appended while a task sends what is not in the output buffer; its place is behind that.
    var held = StreamBuffer()
    /// The output is to go without a task.
    var goesByItself = false
    var isScheduled = false
    /// Why it goes no further. The kernel has told that to nobody else, and will not again.
    var failure: StreamError?
    /// FIN is to follow the last byte.
    var endsWhenSent = false
}

extension StreamChannel {
    /// The backlog, made if there is none yet.
    var madeBacklog: Backlog {
        if let backlog { return backlog }
        let made = Backlog()
        backlog = made
        return made
    }

    var unsentCount: Int { output.count + (backlog?.held.count ?? 0) }

    /// Queues bytes; whoever calls has them sent.
    @inline(__always)
    func queue(_ bytes: UnsafeRawBufferPointer) {
        output.reserve(bytes.count, loop.buffers).copyMemory(from: bytes)
        output.commit(bytes.count)
    }

    /// Queues bytes that go out by themselves.
    func append(_ bytes: UnsafeRawBufferPointer) {
        guard isOpen, breakage == nil, !bytes.isEmpty else { return }
        if isWriting {
            let backlog = madeBacklog
            backlog.held.reserve(bytes.count, loop.buffers).copyMemory(from: bytes)
            backlog.held.commit(bytes.count)
        } else {
            queue(bytes)
            letGo()
        }
    }

    /// The output goes by itself from now on: nobody who waits for it may be left.
    func letGo() {
        guard isOpen, !output.isEmpty else { return }
        let backlog = madeBacklog
        backlog.goesByItself = true
        // Without room there will be an edge.
        if mayWrite { sendInNextIteration(backlog) }
    }

    private func sendInNextIteration(_ backlog: Backlog) {
        guard !backlog.isScheduled else { return }
        backlog.isScheduled = true
        _ = loop.add(
            .callback { [self] in
                backlog.isScheduled = false
                sendByItself()
            })
    }

    /// Sends as much of the output as the kernel takes, unless a task does.
    func sendByItself() {
        guard let backlog, backlog.goesByItself, isOpen, !isWriting, !isWriterWaiting else { return }
        // It has an iteration of its own already.
        if backlog.isScheduled { return }
        // It goes when the two sides have agreed.
        if let layer, layer.isSecuring { return }
        while !output.isEmpty {
            if isWriterTurnOver {
                outgoing.renew()
                return sendInNextIteration(backlog)
            }
            switch send() {
            case .moved, .end: continue
            case .wouldBlock: return outgoing.renew()
            case .failed(let error):
                // The bytes stay, so that the next flush fails too, and with this.
                backlog.failure = backlog.failure ?? error
                backlog.goesByItself = false
                return wakeDrainers()
            }
        }
        backlog.goesByItself = false
        output.giveBackIfEmpty(loop.buffers)
    }

    /// Bytes have gone: whoever waited for that goes on. Called only when there is a backlog.
    func noteSent() {
        guard let backlog else { return }
        if !backlog.waiting.isEmpty, unsentCount <= backlog.marks.low { wakeDrainers() }
        if backlog.endsWhenSent, output.isEmpty, !isWriting { finishNow() }
    }

    /// A task has sent what is not in the output buffer, or has queued what is left of it.
    func endWriting() {
        isWriting = false
        if let backlog, !backlog.held.isEmpty {
            queue(backlog.held.bytes)
            backlog.held.discard(loop.buffers)
        }
        letGo()
        if backlog != nil { noteSent() }
    }

    /// Suspends until no more than the low mark is unsent, if it is more than the high one.
    func drain() async throws {
        let backlog = madeBacklog
        guard isOpen, failure == nil, unsentCount > backlog.marks.high else { return }
        if !isWriting { letGo() }
        try await park(on: loop, for: "writing") { waiter in
            guard self.isOpen, self.failure == nil else { return waiter.wake(.ready) }
            backlog.waiting.append(waiter)
            waiter.whenWoken { backlog.waiting.removeAll { $0 === waiter } }
        }
    }

    private func wakeDrainers() {
        guard let backlog else { return }
        // Taken out first: each takes itself off the list as it wakes.
        var waiting: [Waiter] = []
        swap(&waiting, &backlog.waiting)
        for waiter in waiting { waiter.wake(.ready) }
    }

    /// FIN, when all that is queued has gone.
    func finishWhenSent() {
        madeBacklog.endsWhenSent = true
        if !isWriting { letGo() }
    }

    private func finishNow() {
        backlog?.endsWhenSent = false
        finishWriting()
    }

    /// The channel is closed.
    func dropBacklog() {
        backlog?.held.discard(loop.buffers)
        backlog?.goesByItself = false
        wakeDrainers()
    }
}
