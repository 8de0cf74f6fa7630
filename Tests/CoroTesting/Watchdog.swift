// Real time for tests that must not hang, whatever clock their loop goes by.

internal import Synchronization

/// Calls `bark` once after a while of real time, unless it is called off.
final class Watchdog: Sendable {
    /// Opened to call the watchdog off.
    private let off = Gate()
    private let barked = Atomic<Bool>(false)

    init(after seconds: Int, bark: @escaping @Sendable () -> Void) {
        startThread {
            if self.off.wait(seconds: seconds) { return }
            self.barked.store(true, ordering: .releasing)
            bark()
        }
    }

    /// True once `bark` was called.
    var hasBarked: Bool { barked.load(ordering: .acquiring) }

    func callOff() { off.open() }
}
