// Ends come in crowds: a network breaks and ten thousand connections hang up in one moment, or a server stops and cancels as
// many handlers. One end takes some twenty microseconds, most of them the kernel's; ten thousand take a fifth of a second,
// and because what is ready runs in order of arrival, whoever speaks meanwhile would wait as long.
//
// So four ends take place in an iteration, or as many as there is other work in it, and the others stand aside, in
// their order, while those who have something to say are served. Ends can then at most double an iteration, and they cannot
// fall behind: whatever closes as often as it works closes at once. Who ends a few at a time notices nothing.

/// What may end later than it was told to: it has changed its state, and the dear part is to follow.
package protocol Ending: AnyObject {
    /// Its turn has come. Loop's thread.
    func takePlace()
}

/// The ends that wait for their turn: hang-ups to be delivered, descriptors to be closed, tasks to be woken that were
/// cancelled or whose time is up.
struct Endings {
    /// One that stands aside. No closure: five thousand that are told to end in one callback are to cost it little.
    enum End {
        case ending(any Ending)
        /// News for a registration, unless it has gone when they are delivered.
        case news(any Registration, Readiness)
        /// A deadline that has passed, unless what waited for it has ended by then.
        case expiry(LoopTimer)
    }

    /// In one iteration, in any case: well below a millisecond's work.
    static let least = 4

    /// In order of arrival, from `first` on.
    private var waiting: [End?] = []
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

    /// True when an end may take place now.
    var admitsOne: Bool { waiting.isEmpty && count < limit }

    /// True when the caller's end may take place now. Otherwise it stands aside, by `append`.
    mutating func admit() -> Bool {
        guard admitsOne else { return false }
        count += 1
        return true
    }

    /// Has room for the ends of so many, so that those who end in one callback find it there.
    ///
    /// A call of malloc for that much would come at the worst moment: it is then that it sorts all that was freed before, for
    /// milliseconds when thousands of connections have ended.
    mutating func expect(_ count: Int) {
        if waiting.capacity < count { waiting.reserveCapacity(max(count, 2 * waiting.capacity)) }
    }

    mutating func append(_ end: End) { waiting.append(end) }

    /// The next one whose turn it is in this iteration.
    mutating func next() -> End? {
        guard first < waiting.count, count < limit else { return nil }
        count += 1
        let end = waiting[first]
        // Let go of: what it holds is to be gone when it has run.
        waiting[first] = nil
        first += 1
        if first == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            first = 0
        }
        return end
    }

    /// All of them.
    mutating func takeAll() -> ArraySlice<End?> {
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
        while let end = endings.next() { takePlace(end) }
    }

    /// Lets all of them take place: the loop stops running, or closes, and what was closed is to be closed then.
    func endAll() {
        while !endings.isEmpty {
            for end in endings.takeAll() { if let end { takePlace(end) } }
        }
    }

    private func takePlace(_ end: Endings.End) {
        switch end {
        case .ending(let ending): ending.takePlace()
        case .news(let registration, let readiness):
            if poller.holds(registration) { registration.deliver(readiness) }
        case .expiry(let timer):
            do { try timer.fire() } catch { Report.callbackFailed(error, origin: nil) }
        }
    }

    /// True when an end that came now would take place at once.
    var isEndAdmitted: Bool { endings.admitsOne }

    /// Lets an end take place now, or, in a crowd, when its turn has come.
    package func endInTurn(_ ending: some Ending) {
        if endings.admit() { ending.takePlace() } else { endings.append(.ending(ending)) }
    }

    /// Lets an end take place when its turn has come, and never now: for one of many, by who must not run others' code.
    func endLater(_ ending: some Ending) { endings.append(.ending(ending)) }

    /// Keeps the news that a registration's other side has gone for a later iteration, when its turn has come. The
    /// registration must be one that is told once (`Registration.endsMayWait`).
    func standAside(_ registration: any Registration, _ readiness: Readiness) {
        endings.append(.news(registration, readiness))
    }

    /// Keeps what a passed deadline ends for a later iteration, when its turn has come.
    func standAside(_ timer: LoopTimer) { endings.append(.expiry(timer)) }
}
