// A server in one call: accept, a task a connection, errors kept apart, and an end that waits for those who are still being
// served.

extension Listener {
    /// Accepts connections until the listener is closed, and runs `handler` for each in a task of its own.
    ///
    ///     try await listener.serve { stream in
    ///         while let bytes = try await stream.read() { try await stream.write(bytes) }
    ///     }
    ///
    /// A connection is closed when its handler ends. An error that a handler throws is reported and ends that connection
    /// alone. `close()`, from anywhere and as often as you like, ends the accepting; handlers that run then have `grace` to
    /// end by themselves (`isOpen` tells them), are then cancelled, and `serve` returns when the last has ended.
    ///
    /// Cancelling the task that serves, or its deadline, cancels the handlers at once.
    ///
    /// - Parameters:
    ///   - connectionsMax: how many handlers may run at a time. Further connections wait in the kernel's queue.
    ///   - grace: how long handlers may take to end after `close()`.
    /// - Runs on: the loop's thread, the handlers too.
    /// - Throws: as `accept()`. The listener is closed then, too.
    public func serve(
        connectionsMax: Int = .max, grace: Duration = .seconds(10),
        _ handler: @escaping @Sendable (ByteStream) async throws -> Void
    ) async throws {
        precondition(connectionsMax > 0, "A server must be allowed at least one connection; \(connectionsMax) is none.")
        defer { close() }
        var cut: LoopTimer?
        defer { cut?.cancel() }
        try await loop.withScope { scope in
            while let stream = try await acceptBelow(connectionsMax) {
                connectionCount += 1
                scope.spawn(name: "connection") { [self] in await handle(stream, handler) }
            }
            // The scope now waits for its tasks; cancelling it is no failure of theirs.
            cut = loop.callLater(grace) { scope.cancel() }
        }
    }

    private func acceptBelow(_ connectionsMax: Int) async throws -> ByteStream? {
        while connectionCount >= connectionsMax, isOpen { try await source.waitUntilWoken("serving") }
        return try await accept()
    }

    private func handle(_ stream: ByteStream, _ handler: @Sendable (ByteStream) async throws -> Void) async {
        do {
            try await handler(stream)
        } catch is CancellationError, LoopError.closed {
            // It was told to end, and did.
        } catch {
            let peer = stream.peerAddress.map { " of \($0)" } ?? ""
            Report.failure("The handler of a connection\(peer) failed", error)
        }
        stream.close()
        connectionCount -= 1
        source.wake()
    }
}
