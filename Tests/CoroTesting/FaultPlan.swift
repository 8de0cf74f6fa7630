// A script for the system calls of one stream, one end of a pipe or one datagram socket: which of them are cut short,
// find nothing, or fail.
//
// A step is one system call that is about to be made, counted from 0 over both directions. On one loop the calls come
// in the same order each time, so a step is a place that can be visited again, and "a fault at every step" is every
// place where this fault can fall.

public import Coro
internal import Glibc

/// What goes wrong on one stream, one end of a pipe or one datagram socket, and when.
///
/// ```swift
/// let pair = try StreamPair(on: loop)
/// pair.left.inject(.oneByteAtATime)
/// ```
///
/// Whatever a plan does, a kernel and a network could have done: a stream, or a protocol over it, that fails under a plan
/// can fail in production. A plan serves one stream, once.
///
/// Of datagrams it is whole ones that are counted, since none is ever cut: `oneByteAtATime` moves one a call, and
/// `pieces(of: 5)` at most five. An error is of its call alone there, and there is no end.
public final class FaultPlan: StreamFaultSource, CustomStringConvertible, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): all that changes is in `state`, behind its lock; the rest is constant.

    private enum Rule: Sendable {
        case pass
        case pieces(Int)
        case stalls(Int)
        case script([StreamFault?])
        case seeded(UInt64)
    }

    /// What a plan serves: not everything can go wrong with each.
    fileprivate enum Kind: String {
        case stream = "a stream"
        case pipe = "a pipe"
        case datagrams = "a datagram socket"

        func canMeet(_ fault: StreamFault) -> Bool {
            switch fault {
            case .reset: self == .stream
            case .end: self != .datagrams
            default: true
            }
        }
    }

    private struct State {
        weak var served: (any Faultable)?
        var kind = Kind.stream
        var steps = 0
        /// Calls in each direction.
        var receives = 0
        var sends = 0
        var isReached = false
        var isHanging = false
        /// What every further call meets.
        var over: StreamFault?
        var whenReached: [@Sendable () -> Void] = []
        var chance: SeededGenerator
    }

    private let rule: Rule
    /// The one fault that the plan aims at, and its step.
    private let aim: (step: Int, fault: StreamFault)?
    /// How many bytes are received before the end.
    private let endByte: Int?
    private let state: Locked<State>

    private init(_ rule: Rule, aim: (step: Int, fault: StreamFault)? = nil, endByte: Int? = nil) {
        precondition((aim?.step ?? 0) >= 0, "Steps are counted from 0.")
        self.rule = rule
        self.aim = aim
        self.endByte = endByte
        let seed: UInt64 = if case .seeded(let seed) = rule { seed } else { 0 }
        state = Locked(State(chance: SeededGenerator(seed: seed)))
    }

    // MARK: Making one

    /// Nothing goes wrong; counts steps.
    public static var smooth: FaultPlan { FaultPlan(.pass) }

    /// Every call moves one byte, and the next byte comes an iteration later.
    public static var oneByteAtATime: FaultPlan { pieces(of: 1) }

    /// Every call moves at most `count` bytes, and the next come an iteration later.
    public static func pieces(of count: Int) -> FaultPlan {
        precondition(count > 0, "A piece has at least one byte.")
        return FaultPlan(.pieces(count))
    }

    /// Every call that goes through comes after `times` that find nothing (EAGAIN).
    public static func stallBeforeEachStep(times: Int = 1) -> FaultPlan {
        precondition(times > 0, "A storm stalls at least once.")
        return FaultPlan(.stalls(times))
    }

    /// The connection is reset at this step. See `StreamFault.reset`.
    public static func reset(atStep step: Int) -> FaultPlan { smooth.with(.reset, atStep: step) }

    /// The peer ends after exactly this many bytes.
    public static func end(atByte count: Int) -> FaultPlan {
        precondition(count >= 0, "A peer cannot send fewer than no bytes.")
        return FaultPlan(.pass, endByte: count)
    }

    /// One fault after the other; nil lets a call through, and so does the end of the list.
    public static func script(_ faults: [StreamFault?]) -> FaultPlan { FaultPlan(.script(faults)) }

    /// Short calls and stalls by draws from `seed`, or from `Seed.ofProcess`, which is `CORO_SEED` when that is set.
    public static func seeded(_ seed: UInt64? = nil) -> FaultPlan { FaultPlan(.seeded(seed ?? Seed.ofProcess)) }

    /// The same plan, unused, with one more fault at this step.
    public func with(_ fault: StreamFault, atStep step: Int) -> FaultPlan {
        FaultPlan(rule, aim: (step, fault), endByte: endByte)
    }

    // MARK: What became of it

    /// How many system calls were about to be made.
    public var steps: Int { state.withLock { $0.steps } }

    /// True once the fault at its step (`reset(atStep:)`, `with(_:atStep:)`), or the end, has happened.
    public var isReached: Bool { state.withLock { $0.isReached } }

    /// Calls `action` when the fault at its step happens, inside the stream's call: here is where to cancel whoever made it.
    ///
    /// What the action holds is let go of when it has run, when the stream is closed, and when the body of
    /// `forEachStep` or `withLoop` ends.
    public func whenReached(_ action: @escaping @Sendable () -> Void) {
        state.withLock { $0.whenReached.append(action) }
    }

    /// Ends a `hang`: the peer is back, with all that was sent meanwhile. Any thread.
    public func release() {
        let served = state.withLock { state in
            state.isHanging = false
            return state.served
        }
        served?.loop.addCallback { served?.announceReadiness() }
    }

    public var description: String {
        var parts: [String] = []
        switch rule {
        case .pass: break
        case .pieces(1): parts.append("one byte at a time")
        case .pieces(let count): parts.append("at most \(count) bytes at a time")
        case .stalls(let times): parts.append("\(times) stalls before each step")
        case .script(let faults): parts.append("a script of \(faults.count)")
        case .seeded(let seed): parts.append("seed \(seed)")
        }
        if let endByte { parts.append("end at byte \(endByte)") }
        if let aim { parts.append("\(aim.fault) at step \(aim.step)") }
        return parts.isEmpty ? "no fault" : parts.joined(separator: ", ")
    }

    // MARK: What is asked before each call

    fileprivate func serve(_ served: some Faultable, _ kind: Kind) -> FaultPlan {
        precondition(
            named.allSatisfy(kind.canMeet),
            "No kernel resets a pipe, and none resets or ends a datagram socket: say what fails by `fail(errno:)`.")
        state.withLock { state in
            precondition(state.served == nil && state.steps == 0, "A FaultPlan serves one stream, once. Make another.")
            state.served = served
            state.kind = kind
        }
        if case .seeded(let seed) = rule { Chances.current?.note("\(kind.rawValue)'s faults were drawn", seed: seed) }
        served.interpose(self)
        return self
    }

    /// The faults that are named by who made the plan.
    private var named: [StreamFault] {
        var faults: [StreamFault] = endByte == nil ? [] : [.end]
        if let aim { faults.append(aim.fault) }
        if case .script(let script) = rule { faults += script.compactMap(\.self) }
        return faults
    }

    package func verdict(on call: StreamCall, moved: Int) -> StreamVerdict {
        let (verdict, actions) = state.withLock { state in decide(&state, call, moved) }
        for action in actions { action() }
        return verdict
    }

    package func letGo() {
        // What the actions hold goes outside the lock: it may be the stream itself.
        var actions: [@Sendable () -> Void] = []
        state.withLock { state in swap(&state.whenReached, &actions) }
    }

    private func decide(
        _ state: inout State, _ call: StreamCall, _ moved: Int
    ) -> (StreamVerdict, [@Sendable () -> Void]) {
        if let over = state.over { return (afterwards(over, call), []) }
        if state.isHanging { return (.hang, []) }
        let step = state.steps
        state.steps += 1
        let turn = call == .receive ? state.receives : state.sends
        if call == .receive { state.receives += 1 } else { state.sends += 1 }

        if let fault = aimed(step, call, moved) {
            state.isReached = true
            defer { state.whenReached = [] }
            return (begin(fault, &state, call), state.whenReached)
        }
        if let endByte, call == .receive { return (.atMost(endByte - moved), []) }
        guard let fault = ruled(step, turn, &state.chance) else { return (.pass, []) }
        return (begin(fault, &state, call), [])
    }

    /// The fault that the plan aims at, when this is its place.
    private func aimed(_ step: Int, _ call: StreamCall, _ moved: Int) -> StreamFault? {
        if let endByte, call == .receive, moved >= endByte { return .end }
        guard let aim else { return nil }
        if aim.fault == .end { return call == .receive && step >= aim.step ? .end : nil }
        return step == aim.step ? aim.fault : nil
    }

    private func ruled(_ step: Int, _ turn: Int, _ chance: inout SeededGenerator) -> StreamFault? {
        switch rule {
        case .pass: return nil
        case .pieces(let count): return .atMost(count)
        case .stalls(let times): return turn % (times + 1) < times ? .stall : nil
        case .script(let faults): return step < faults.count ? faults[step] : nil
        case .seeded:
            switch chance.next(below: 8) {
            case 0...2: return .stall
            case 3...4: return .atMost(1 + chance.next(below: 4))
            case 5...6: return .atMost(1 + chance.next(below: 1024))
            default: return nil
            }
        }
    }

    private func begin(_ fault: StreamFault, _ state: inout State, _ call: StreamCall) -> StreamVerdict {
        switch fault {
        case .atMost(let count): return .atMost(count)
        case .stall: return .stall
        case .hang:
            state.isHanging = true
            return .hang
        case .reset:
            state.over = fault
            return .fail(ECONNRESET)
        case .fail(let code):
            // Where there is no connection, none is over.
            if state.kind != .datagrams { state.over = fault }
            return .fail(code)
        case .end:
            // Only the peer's direction is over.
            guard call == .receive else { return .pass }
            state.over = fault
            return .end
        }
    }

    /// What a call meets on a connection that is over.
    private func afterwards(_ fault: StreamFault, _ call: StreamCall) -> StreamVerdict {
        switch (fault, call) {
        case (.end, .receive): .end
        case (.end, _): .pass
        case (.fail(let code), .receive): .fail(code)
        case (_, .receive): .fail(ECONNRESET)
        default: .fail(EPIPE)
        }
    }
}

extension ByteStream {
    /// Puts `plan` between the stream and the kernel, from its next system call on. Loop's thread.
    ///
    /// - Returns: the plan, to ask what became of it.
    @discardableResult
    public func inject(_ plan: FaultPlan) -> FaultPlan { plan.serve(self, .stream) }
}

extension PipeReader {
    /// Puts `plan` between the pipe's end and the kernel, from its next read(2) on. Loop's thread.
    ///
    /// A pipe is not reset: reading fails with `fail(errno: EIO)`, or ends.
    ///
    /// - Returns: the plan, to ask what became of it.
    @discardableResult
    public func inject(_ plan: FaultPlan) -> FaultPlan { plan.serve(self, .pipe) }
}

extension PipeWriter {
    /// Puts `plan` between the pipe's end and the kernel, from its next write(2) on. Loop's thread.
    ///
    /// A pipe is not reset: without a reader writing fails with `fail(errno: EPIPE)`.
    ///
    /// - Returns: the plan, to ask what became of it.
    @discardableResult
    public func inject(_ plan: FaultPlan) -> FaultPlan { plan.serve(self, .pipe) }
}

extension DatagramSocket {
    /// Puts `plan` between the socket and the kernel, from its next system call on. Loop's thread.
    ///
    /// A call that is cut short moves fewer datagrams; one that fails (`fail(errno: ECONNREFUSED)`) has moved none, and
    /// the socket goes on.
    ///
    /// - Returns: the plan, to ask what became of it.
    @discardableResult
    public func inject(_ plan: FaultPlan) -> FaultPlan { plan.serve(self, .datagrams) }
}
