/// What request and answer heads share: one copy of the head's bytes and the places of its pieces.
///
/// Immutable from the end of a parse to the start of the next parse into it. A connection may parse its next message
/// into the same object only when `isKnownUniquelyReferenced` says that nobody else holds it; then nothing is
/// allocated.
// SAFETY: a parser writes only before it returns a complete head and only into a head the caller holds alone, as the
// parsers' contract says; after that every access is a read, so sharing between threads is sound.
public class MessageHead: @unchecked Sendable {
    // SAFETY: owned; made in `init`, destroyed in `deinit`, never handed out.
    let state: UnsafeMutablePointer<HeadState>

    init() {
        state = .allocate(capacity: 1)
        state.initialize(to: HeadState())
    }

    deinit {
        state.pointee.destroy()
        state.deinitialize(count: 1)
        state.deallocate()
    }

    /// The version the message was sent with; a minor version above 1 reads as 1.1.
    public final var version: Version { state.pointee.version }

    /// How the end of the body is found.
    public final var framing: Framing { state.pointee.framing }

    /// Whether the connection may carry another message after this one (RFC 9112 §9.3).
    public final var keepAlive: Bool { state.pointee.keepAlive }

    /// Whether there is an `Upgrade` field and `Connection` names it (RFC 9110 §7.8).
    public final var hasUpgrade: Bool { state.pointee.notes.hasUpgrade && state.pointee.notes.wantsUpgrade }

    /// The field lines, in order.
    public final var fields: FieldView { FieldView(self) }

    /// The bytes of the head from its start line to the empty line, as they came. Valid inside `body` only.
    public final func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // SAFETY: the copy lives as long as the head, which the call keeps alive.
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafeRawBufferPointer(start: state.pointee.bytes, count: state.pointee.byteCount))
    }

    /// `body`'s result for the bytes that two offsets enclose.
    final func withSlice<Result, Failure: Error>(
        _ start: UInt32, _ end: UInt32, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(state.pointee.slice(start, end))
    }

    final func string(_ start: UInt32, _ end: UInt32) -> String {
        defer { withExtendedLifetime(self) {} }
        return state.pointee.string(start, end)
    }
}
