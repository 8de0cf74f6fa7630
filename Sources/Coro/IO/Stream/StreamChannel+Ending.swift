// How a connection ends: in one direction or both, at once or when a farewell has found room, alone or in a crowd.

internal import CLoop
internal import Glibc

extension StreamChannel {
    /// Says FIN, after what is queued: no more will be sent.
    func finishWriting() {
        guard isOpen else { return }
        // (What is queued while the farewell waits for room is refused, and stays there.)
        guard isFinishDue || (output.isEmpty && !isWriting) else { return finishWhenSent() }
        isFinishDue = false
        if let layer, case .wouldBlock = sayFarewell(layer) {
            // FIN without it would look like a cut; it follows when the kernel has room again.
            isFinishDue = true
            return
        }
        _ = shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes: from now on every call is refused. Unsent and unread bytes are dropped. The first reason stands.
    ///
    /// What there is to do then, with OpenSSL, epoll and the kernel, is done at once; of many that are closed in one moment,
    /// for most in later iterations (`Endings`).
    func close(_ reason: StreamError = .closed) {
        guard isOpen else { return }
        // What is cut must not look complete to the peer, and what is complete must not look cut.
        end(reason, isOrderly: output.isEmpty && !isWriting)
    }

    /// Closes with RST: the peer learns that what it got is not all there was to be.
    func reset() {
        guard isOpen else { return endLingering() }
        _ = cloop_socket_reset_on_close(descriptor)
        end(.closed, isOrderly: false)
    }

    private func end(_ reason: StreamError, isOrderly: Bool) {
        closeReason = reason
        endsOrderly = isOrderly
        loop.endInTurn(self)
    }

    /// Says farewell and lets go of the descriptor.
    package func takePlace() {
        observer = nil
        input.discard(loop.buffers)
        output.discard(loop.buffers)
        if backlog != nil { dropBacklog() }
        if let layer {
            if endsOrderly, !isAbandoned, case .wouldBlock = sayFarewell(layer) { return linger() }
            layer.close(orderly: endsOrderly)
        }
        letGoOfDescriptor()
    }

    /// Closes the descriptor and wakes whoever waits.
    private func letGoOfDescriptor() {
        loop.poller.forget(self)
        if let faults { faults.letGo() }
        Descriptor.close(descriptor)
        descriptor = -1
        transport?.cut()
        wakeAll()
    }

    private func wakeAll() {
        reader.take().wake()
        writer.take().wake()
        wakeEndWatchers()
    }

    /// Keeps the descriptor until the farewell has found room: the kernel does so for FIN, and knows nothing of this one.
    private func linger() {
        // SAFETY: timers run on the loop's thread, which alone touches the channel.
        nonisolated(unsafe) let channel = self
        lingering = loop.callLater(StreamChannel.lingerTime) { channel.endLingering() }
        wakeAll()
    }

    /// For a peer that does not read, which may be waiting to be told just that by the end.
    private static let lingerTime = Duration.seconds(5)

    /// The kernel has room: says the farewell that is due, and ends.
    func endIfFinished() {
        if let layer, case .wouldBlock = sayFarewell(layer) { return }
        endLingering()
    }

    /// Lets the layer say that no more will come. FIN follows when it has, in the same packet.
    private func sayFarewell(_ layer: any StreamLayer) -> Progress {
        moreFollows = true
        defer { moreFollows = false }
        return layer.finish()
    }

    /// Waits no longer for room; does nothing when nobody waits.
    func endLingering() {
        guard let timer = lingering.take() else { return }
        timer.cancel()
        layer?.close(orderly: true)
        letGoOfDescriptor()
    }
}
