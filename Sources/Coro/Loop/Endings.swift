// Ends come in crowds: a network breaks and ten thousand connections hang up in one moment, or a server stops and cancels as
// many handlers. One end takes some twenty microseconds, most of them the kernel's; ten thousand take a fifth of a second,
// and because what is ready runs in order of arrival, whoever speaks meanwhile would wait as long.
//
// So some dozens of ends take place in an iteration, or as many as there is other work in it, and the others stand aside, in
// their order, while those who have something to say are served. Ends can then at most double an iteration, and they cannot
// fall behind: whatever closes as often as it works closes at once. Who ends a few at a time notices nothing.

/// The ends that wait for their turn: hang-ups to be delivered, descriptors to be closed, cancelled tasks to be woken.
struct Endings {
    /// One of them, told by the loop that it is for.
    typealias End = (EventLoop) -> Void

    /// In one iteration, in any case: well below a millisecond's work.
    static let least = 16

    /// In order of arrival, from `first` on.
    private var waiting: [End] = []
    private var first = 0
    /// How many have taken place in this iteration.
    private var count = 0
    /// How many may.
    private var limit = least

    /// True when none stands aside.
    @inline(__always)
    var isEmpty: Bool { waiting.isEmpty }

    /// Begins an iteration.
    @inline(__always)
    mutating func renew() {
        count = 0
        limit = Endings.least
    }

    /// Makes room for as many as there is other work.
    mutating func makeRoom(besides work: Int) { limit = max(Endings.least, work) }

    /// True when the caller's end may take place now. Otherwise it stands aside, by `append`.
    mutating func admit() -> Bool {
        guard waiting.isEmpty, count < limit else { return false }
        count += 1
        return true
    }

    mutating func append(_ end: @escaping End) { waiting.append(end) }

    /// The next one whose turn it is in this iteration.
    mutating func next() -> End? {
        guard first < waiting.count, count < limit else { return nil }
        count += 1
        let end = waiting[first]
        // Let go of: what it holds is to be gone when it has run.
        waiting[first] = { _ in }
        first += 1
        if first == waiting.count {
            waiting.removeAll(keepingCapacity: false)
            first = 0
        }
        return end
    }

    /// All of them.
    mutating func takeAll() -> ArraySlice<End> {
        defer {
            waiting = []
            first = 0
        }
        return waiting[first...]
    }
}

extension EventLoop {
    /// Lets as many ends take place as this iteration has room for.
    func endSome() {
        // What they wake comes behind, so this is the work of others.
        endings.makeRoom(besides: ready.count)
        while let end = endings.next() { end(self) }
    }

    /// Lets all of them take place: the loop stops running, or closes, and what was closed is to be closed then.
    func endAll() {
        while !endings.isEmpty {
            for end in endings.takeAll() { end(self) }
        }
    }

    /// Keeps the news that a registration's other side has gone for a later iteration, when its turn has come. The
    /// registration must be one that is told once (`Registration.endsMayWait`).
    func standAside(_ registration: any Registration, _ readiness: Readiness) {
        endings.append { loop in
            if loop.poller.holds(registration) { registration.deliver(readiness) }
        }
    }
}
