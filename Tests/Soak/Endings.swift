// How a wait may end, and counters that threads share.

internal import Coro
internal import Synchronization

/// What a wait came to.
enum Ending: Equatable {
    case value(Int)
    case cancelled, timedOut, closed, abandoned

    /// - Throws: `Broken` for an error that nobody announced.
    init(of wait: () async throws -> Int) async throws {
        do {
            self = .value(try await wait())
        } catch is CancellationError {
            self = .cancelled
        } catch is TimeoutError {
            self = .timedOut
        } catch LoopError.closed {
            self = .closed
        } catch is AbandonedError {
            self = .abandoned
        } catch {
            throw Broken(description: "a wait ended with \(error)")
        }
    }
}

/// A number that several threads add to.
final class Tally: Sendable {
    private let number = Atomic(0)

    var value: Int { number.load(ordering: .acquiring) }
    @discardableResult
    func add(_ amount: Int = 1) -> Int { number.wrappingAdd(amount, ordering: .acquiringAndReleasing).newValue }
}

/// Counts itself while it lives: what holds it has been let go of when the tally is back at zero.
final class Token: Sendable {
    private let living: Tally

    init(_ living: Tally) {
        self.living = living
        living.add()
    }

    deinit { living.add(-1) }
}
