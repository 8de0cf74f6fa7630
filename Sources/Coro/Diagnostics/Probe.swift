// Who looks on while an iteration runs. The iteration is written once, over a probe, and compiled twice: for `Unobserved`,
// whose methods are empty and vanish, and for `Observation`. Which of the two runs is decided once an iteration, so a loop
// that nobody observes pays for one look at a flag and nothing for each callback.

/// What an iteration tells of itself. Loop's thread.
protocol Probe {
    func iterationBegan(on loop: EventLoop)
    func iterationEnded(on loop: EventLoop)

    /// Around the wait in epoll.
    func waitBegan(on loop: EventLoop)
    func waitEnded(on loop: EventLoop)

    /// Around each callback, job and timer.
    func workBegan(_ kind: LoopWork.Kind, on loop: EventLoop)
    /// Before readiness is handed to who waits for it; `workEnded` follows.
    func deliveryBegan(to registration: any Registration, on loop: EventLoop)
    func workEnded(on loop: EventLoop)

    /// Where the present work comes from, when that is known.
    var place: SourcePlace? { get }
}

/// Nobody looks on.
struct Unobserved: Probe {
    @inline(__always) func iterationBegan(on loop: EventLoop) {}
    @inline(__always) func iterationEnded(on loop: EventLoop) {}
    @inline(__always) func waitBegan(on loop: EventLoop) {}
    @inline(__always) func waitEnded(on loop: EventLoop) {}
    @inline(__always) func workBegan(_ kind: LoopWork.Kind, on loop: EventLoop) {}
    @inline(__always) func deliveryBegan(to registration: any Registration, on loop: EventLoop) {}
    @inline(__always) func workEnded(on loop: EventLoop) {}
    @inline(__always) var place: SourcePlace? { nil }
}
