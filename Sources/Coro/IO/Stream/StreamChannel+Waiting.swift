// Who reads a connection and who writes it: one of each at a time, how they wait, and when they let others have their turn.
// A task is in the middle of its read or write from its first wait to its last step, also between a wake and its run.

extension StreamChannel {
    // MARK: The reader

    /// Refuses a second reader before it has taken what the first one waits to be more.
    @inline(__always)
    func checkReader() throws(StreamError) {
        if hasReader || reader.isSomebody { throw .busy("reading") }
    }

    /// Suspends until a read is worth trying. Heeds cancellation and the task's deadline; consumes nothing.
    func waitUntilReadable() async throws {
        try checkReader()
        hasReader = true
        defer { hasReader = false }
        incoming.renew()
        input.rest(loop.buffers)
        try await park(on: loop, for: "reading") { waiter in
            guard self.isOpen, !self.isReadable else { return waiter.wake(.ready) }
            self.reader = .waiter(waiter)
            waiter.whenWoken { self.reader = .nobody }
        }
    }

    /// So much has been received without a wait that it is the others' turn: `giveReaderTurn()` before the next read.
    var isReaderTurnOver: Bool { incoming.left <= 0 }

    /// Lets the others on the loop have their turn, in the middle of a read.
    func giveReaderTurn() async throws {
        incoming.renew()
        hasReader = true
        defer { hasReader = false }
        try await loop.moment()
    }

    /// The hot path's wait: no cancellation handler, no waiter object, no async frame. Only for a task whose owner wakes
    /// it with `wakeReader` when it is to end.
    func resumeWhenReadableOrWoken(_ continuation: UnsafeContinuation<Void, Never>) {
        input.rest(loop.buffers)
        incoming.renew()
        if !isOpen || isReadable || reader.isSomebody {
            continuation.resume()
        } else {
            reader = .continuation(continuation)
        }
    }

    /// Lets a sleeping reader look again.
    func wakeReader() { reader.take().wake() }

    var isReaderWaiting: Bool { reader.isSomebody }

    // MARK: The writer

    /// Refuses a second writer, and any on a broken connection, before it has queued anything.
    @inline(__always)
    func checkWriter() throws(StreamError) {
        if isWriting || hasWriter { throw .busy("writing") }
        if let layer, isOpen, layer.isSecuring { throw .busy("securing") }
        if isOpen, let breakage { throw breakage }
    }

    /// What broke the connection, in both directions: nothing that is queued from then on can ever be sent.
    var breakage: StreamError? {
        guard let failure, case .broken = failure else { return nil }
        return backlog?.failure ?? failure
    }

    /// Suspends until a send is worth trying. Heeds cancellation and the task's deadline.
    func waitUntilWritable() async throws {
        if hasWriter { throw StreamError.busy("writing") }
        hasWriter = true
        defer { hasWriter = false }
        outgoing.renew()
        try await park(on: loop, for: "writing") { waiter in
            guard self.isOpen, !self.mayWrite else { return waiter.wake(.ready) }
            self.writer = .waiter(waiter)
            waiter.whenWoken { self.writer = .nobody }
        }
    }

    /// So much has been sent without a wait that it is the others' turn: `giveWriterTurn()` before the next send.
    var isWriterTurnOver: Bool { outgoing.left <= 0 }

    /// Lets the others on the loop have their turn, in the middle of a write.
    func giveWriterTurn() async throws {
        outgoing.renew()
        hasWriter = true
        defer { hasWriter = false }
        try await loop.moment()
    }

    var isWriterWaiting: Bool { writer.isSomebody }
}
