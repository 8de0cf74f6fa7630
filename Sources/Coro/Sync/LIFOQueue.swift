// The queue that serves the newest first.

/// A queue whose element that came last is got first. In all else a `Queue`.
public final class LIFOQueue<Element: Sendable>: Queue<Element>, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): adds nothing to what `Queue` keeps.

    override func removeNext() -> Element { ring.removeLast() }
}
