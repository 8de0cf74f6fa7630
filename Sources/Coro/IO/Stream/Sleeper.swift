// Who is asleep on one direction of a connection: a task that heeds its cancellation and its deadline, or, on the server's hot
// path, a bare continuation that its owner wakes.

/// Who sleeps until one direction is ready.
enum Sleeper {
    case nobody
    case waiter(Waiter)
    case continuation(UnsafeContinuation<Void, Never>)

    /// Takes the sleeper out of its place. Waking comes after: a waiter clears the place itself as it wakes, which must not
    /// happen while the place is being changed here.
    mutating func take() -> Sleeper {
        let sleeper = self
        self = .nobody
        return sleeper
    }

    func wake() {
        switch self {
        case .nobody: return
        case .waiter(let waiter): waiter.wake(.ready)
        case .continuation(let continuation): continuation.resume()
        }
    }

    var isSomebody: Bool { if case .nobody = self { false } else { true } }
}
