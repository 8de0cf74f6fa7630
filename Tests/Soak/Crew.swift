// Other threads, made once: a thread a repetition would spend the time on making threads, and races need them to be
// there already when the moment comes.

internal import CoroTesting
internal import Glibc
internal import Synchronization

/// Some threads that each do one thing at a time.
final class Crew: Sendable {
    private let seats: [Seat]

    init(_ count: Int) { seats = (0..<count).map { _ in Seat() } }

    /// Lets one thread begin `work`. It must have ended what it did before; `wait` sees to that.
    func start(_ index: Int, _ work: @escaping @Sendable () -> Void) { seats[index].start(work) }

    /// Waits until one thread has ended what it was started with.
    func wait(for index: Int) { seats[index].wait() }

    /// Waits until all that was started has ended.
    func wait() {
        for seat in seats { seat.wait() }
    }

    /// Keeps a thread busy for about so many turns, so that races are met at every distance.
    static func dawdle(_ turns: Int) {
        let busy = Atomic(0)
        for _ in 0..<turns { busy.wrappingAdd(1, ordering: .relaxed) }
    }

    private final class Seat: @unchecked Sendable {
        // SAFETY (@unchecked Sendable): `work` is handed over by `begin` and taken back by `ended`; `isTaken` belongs to
        // the thread that starts and waits.
        private let begin = Gate()
        private let ended = Gate()
        private var work: (@Sendable () -> Void)?
        private var isTaken = false

        init() {
            var thread = pthread_t()
            let seat = Unmanaged.passRetained(self).toOpaque()
            let failure = pthread_create(
                &thread, nil,
                { seat in
                    // SAFETY: retained above; the thread has it for as long as the process lives.
                    if let seat { Unmanaged<Seat>.fromOpaque(seat).takeRetainedValue().serve() }
                    return nil
                }, seat)
            precondition(failure == 0, "No thread could be started: errno \(failure).")
            pthread_detach(thread)
        }

        func start(_ work: @escaping @Sendable () -> Void) {
            precondition(!isTaken, "This thread is at work already; wait for the crew first.")
            isTaken = true
            self.work = work
            begin.open()
        }

        func wait() {
            guard isTaken else { return }
            ended.wait()
            isTaken = false
        }

        private func serve() {
            while true {
                begin.wait()
                work?()
                // Let go of before anybody is told: what it holds may be counted.
                work = nil
                ended.open()
            }
        }
    }
}
