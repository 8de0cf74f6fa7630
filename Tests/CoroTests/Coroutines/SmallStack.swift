import Glibc

/// Runs `body` on a new thread with a stack of that many bytes and suspends the caller until it has returned. What
/// recurses without end dies there soon.
func onStack<Result: Sendable>(of bytes: Int, _ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        let work = Unmanaged.passRetained(SmallStackWork { continuation.resume(with: Swift.Result { try body() }) })
        let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
        defer { attributes.deallocate() }
        pthread_attr_init(attributes)
        pthread_attr_setstacksize(attributes, bytes)
        pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, attributes,
            { argument in
                // SAFETY: retained above, taken here once.
                if let argument { Unmanaged<SmallStackWork>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, work.toOpaque())
        precondition(failure == 0, "No thread could be started: errno \(failure).")
        pthread_attr_destroy(attributes)
    }
}

private final class SmallStackWork: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}
