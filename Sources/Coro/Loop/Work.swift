// What stands in the queue of the callback phase.

/// One unit of the callback phase.
enum Work: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): a callback that is not @Sendable is added only on the loop's own thread, by this
    // module; what crosses threads came in through `addCallback`, which demands @Sendable, or is a Swift job.
    case job(UnownedJob)
    /// A task that gave up its turn.
    case resume(UnsafeContinuation<Void, Never>)
    case callback(() throws -> Void)
}
