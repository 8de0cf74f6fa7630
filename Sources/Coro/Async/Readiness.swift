// Waiting for a descriptor that somebody else owns: a pipe, a device, a C library's socket. It is registered for one wait
// and no longer, so between two waits it is its owner's to use, to change and to close.

extension EventLoop {
    /// Suspends until `descriptor` is ready for what `interest` asks, and returns what it is ready for.
    ///
    /// The result may also hold `.error`, `.hangUp` and `.peerClosed`: then the next call on the descriptor tells. The
    /// descriptor stays yours; one that you close meanwhile is never ready.
    ///
    /// - Throws: `IOError` EEXIST when the descriptor has a handler or another wait on this loop, EPERM for a regular
    ///   file, which is always ready, EBADF; `CancellationError`, `TimeoutError`, `LoopError.closed`.
    /// - Source: epoll(7), level-triggered.
    @discardableResult
    public func whenReady(_ descriptor: Int32, _ interest: Readiness) async throws -> Readiness {
        let wait = ReadinessWait(descriptor, on: self)
        try await park(on: self) { waiter in
            wait.begin(interest) { waiter.wake(.ready) }
            waiter.whenWoken { wait.end() }
        }
        return try wait.outcome.get()
    }

    /// A future of the readiness of `descriptor`, for coroutines: `co.yield(loop.ready(descriptor, for: .writable))`.
    ///
    /// It is registered at once. Cancelling the future unregisters it. See `whenReady`.
    public func ready(
        _ descriptor: Int32, for interest: Readiness, file: StaticString = #fileID, line: UInt = #line
    ) -> Future<Readiness> {
        let promise = Promise<Readiness>(on: self, file: file, line: line)
        promise.future.onLoop {
            // Cancelled on its way from another thread.
            guard !promise.future.isDone else { return }
            let wait = ReadinessWait(descriptor, on: self)
            promise.future.onCancel { wait.end() }
            wait.begin(interest) {
                switch wait.outcome {
                case .success(let readiness): promise.trySucceed(readiness)
                case .failure(let error): promise.tryFail(error)
                }
            }
        }
        return promise.future
    }

    /// The readiness of `descriptor`, again and again, as a sequence.
    ///
    ///     for try await _ in loop.readiness(of: descriptor, interest: .readable) { … }
    ///
    /// Level-triggered: it comes again at once for as long as you leave something to take. Nothing is registered while
    /// you are not waiting. It ends by what `whenReady` throws.
    public func readiness(of descriptor: Int32, interest: Readiness) -> ReadinessSequence {
        ReadinessSequence(loop: self, descriptor: descriptor, interest: interest)
    }
}

/// The readiness of one descriptor, wait by wait. Made by `EventLoop.readiness(of:interest:)`.
public struct ReadinessSequence: AsyncSequence, AsyncIteratorProtocol, Sendable {
    fileprivate let loop: EventLoop
    fileprivate let descriptor: Int32
    fileprivate let interest: Readiness

    public func makeAsyncIterator() -> ReadinessSequence { self }

    /// Suspends until the descriptor is ready. Never nil.
    public mutating func next() async throws -> Readiness? { try await loop.whenReady(descriptor, interest) }
}

/// A registration for one wait. All of it on the loop's thread.
private final class ReadinessWait: Registration, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): begun, ended and delivered to on the loop's thread; the task that waited reads the
    // outcome after it was resumed from there.

    let descriptor: Int32
    private let loop: EventLoop
    private var whenOver: (() -> Void)?
    private(set) var outcome: Result<Readiness, any Error> = .failure(LoopError.closed)

    init(_ descriptor: Int32, on loop: EventLoop) {
        self.descriptor = descriptor
        self.loop = loop
    }

    /// Registers, and calls `whenOver` once: when the descriptor is ready, or now when it cannot be registered.
    func begin(_ interest: Readiness, whenOver: @escaping () -> Void) {
        do {
            try loop.poller.register(self, interest: interest.rawValue)
            self.whenOver = whenOver
        } catch {
            outcome = .failure(error)
            whenOver()
        }
    }

    /// Unregisters; does nothing when it was not registered or is no more.
    func end() {
        loop.poller.unregister(self)
        whenOver = nil
    }

    func deliver(_ readiness: Readiness) {
        let whenOver = whenOver
        end()
        outcome = .success(readiness)
        whenOver?()
    }

    func abandon() { whenOver = nil }
}
