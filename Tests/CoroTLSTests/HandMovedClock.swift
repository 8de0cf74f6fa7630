#if TLS

import Coro
@testable import CoroTLS

/// The clock of a server's ticket keys, moved by a test.
final class HandMovedClock: Sendable {
    private let seconds = Locked<Int64>(1_000)

    /// Moves it to this long after its beginning.
    func advance(toHour hour: Int, minus early: Int = 0) {
        seconds.withLock { $0 = 1_000 + Int64(hour * 3_600 - early) }
    }

    /// A server that is localhost, with ticket keys that go by this clock.
    func server() throws -> TLSServer {
        try TLSServer([TestAuthority.localhost], .init(), ticketKeys: TicketKeys { self.seconds.withLock { $0 } })
    }
}
#endif
