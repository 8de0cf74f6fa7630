// Who is told when a descriptor is ready. An object and not a closure: one witness call, no context to retain.

internal import CLoop

/// What a descriptor is ready for, as the kernel reports it, or what one asks to be told.
public struct Readiness: OptionSet, Sendable {
    /// The bits of epoll(7).
    public let rawValue: UInt32
    /// A set of epoll's bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// A read would not block.
    public static let readable = Readiness(rawValue: 0x001)
    /// A write would not block.
    public static let writable = Readiness(rawValue: 0x004)
    /// The descriptor has an error; always reported, asked for or not.
    public static let error = Readiness(rawValue: 0x008)
    /// Both directions are closed; always reported, asked for or not.
    public static let hangUp = Readiness(rawValue: 0x010)
    /// The peer will send no more (FIN).
    public static let peerClosed = Readiness(rawValue: 0x2000)

    /// The peer has sent out-of-band data.
    static let urgent = Readiness(rawValue: 0x002)

    /// True when it says that the other side has gone, or that one direction has ended.
    var isEnd: Bool { rawValue & (0x2000 | 0x010 | 0x008) != 0 }
}

/// A descriptor's place in a poller, which holds it strongly until it is unregistered.
protocol Registration: AnyObject {
    var descriptor: Int32 { get }

    /// Where it was added, when that is known.
    var place: SourcePlace? { get }

    /// Whether the news of an end may come an iteration or more later, when there are many. Only for one that the poller tells
    /// once: level-triggered, it would be told again and again meanwhile.
    var endsMayWait: Bool { get }

    /// Called on the loop's thread with what the descriptor is ready for.
    func deliver(_ readiness: Readiness)

    /// Called once when the loop closes while the registration is still there.
    func abandon()
}

extension Registration {
    var place: SourcePlace? { nil }
    var endsMayWait: Bool { false }
}

extension EventLoop {
    /// Registers a descriptor that its registration owns; closes it when it cannot be registered.
    func adopt(_ registration: any Registration, interest: UInt32) throws(IOError) {
        do throws(IOError) {
            try poller.register(registration, interest: interest)
            endings.expect(poller.slotCount)
        } catch {
            Descriptor.close(registration.descriptor)
            throw error
        }
    }
}

// MARK: Tornado's handler contracts

/// A registration whose readiness goes to a closure.
private final class Handler: Registration {
    let descriptor: Int32
    let place: SourcePlace?
    private let call: @Sendable (Readiness) throws -> Void

    init(descriptor: Int32, place: SourcePlace, call: @escaping @Sendable (Readiness) throws -> Void) {
        self.descriptor = descriptor
        self.place = place
        self.call = call
    }

    func deliver(_ readiness: Readiness) {
        do { try call(readiness) } catch { Report.callbackFailed(error, origin: place) }
    }

    func abandon() {}
}

extension EventLoop {
    /// Calls `handler` whenever `descriptor` is ready for what `interest` asks.
    ///
    /// Level-triggered: called in every iteration that looks for as long as the readiness lasts. (A loop with work to
    /// do may look every fourth time only.) The loop does not own the descriptor; remove the handler before closing it.
    ///
    /// - Runs on: the loop's thread, or any while nobody runs the loop.
    /// - Throws: `IOError` EEXIST when the descriptor has a handler already, EPERM for a regular file.
    public func addHandler(
        _ descriptor: Int32, interest: Readiness, file: StaticString = #fileID, line: UInt = #line,
        _ handler: @escaping @Sendable (Readiness) throws -> Void
    ) throws(IOError) {
        let place = SourcePlace(file: file, line: line)
        try poller.register(Handler(descriptor: descriptor, place: place, call: handler), interest: interest.rawValue)
    }

    /// Replaces the interest of a descriptor's handler; does nothing when it has none.
    public func updateHandler(_ descriptor: Int32, interest: Readiness) throws(IOError) {
        guard let registration = poller.registration(for: descriptor) else { return }
        try poller.modify(registration, interest: interest.rawValue)
    }

    /// Forgets a descriptor's handler; does nothing when it has none.
    ///
    /// Readiness that was reported in this iteration but not delivered yet is dropped.
    public func removeHandler(_ descriptor: Int32) {
        guard let registration = poller.registration(for: descriptor) else { return }
        poller.unregister(registration)
    }
}
