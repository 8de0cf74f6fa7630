import Coro
import Glibc
import Synchronization

/// What happened, in order, noted from any thread.
final class Journal<Entry: Sendable>: Sendable {
    private let noted = Mutex<[Entry]>([])

    var entries: [Entry] { noted.withLock { $0 } }

    func note(_ entry: Entry) { noted.withLock { $0.append(entry) } }
}

/// An error of one test; the name tells the reports of parallel tests apart.
struct Oops: Error, Equatable {
    let name: String
    init(_ name: String = #function) { self.name = name }
}

/// The calling thread, to compare.
func thisThread() -> UInt { UInt(pthread_self()) }

/// Monotonic nanoseconds of real time.
func realTime() -> Int64 { MonotonicClock().now }
