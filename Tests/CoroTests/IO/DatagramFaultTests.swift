import CoroTesting
import Glibc
import Testing

@testable import Coro

/// Datagrams under everything that can go wrong, at every place where it can. A datagram is whole or not at all, so a
/// call that is cut short moves fewer of them. What must hold: whatever the sockets do, each that was sent is received,
/// once and in order. (The loopback interface loses none that the receiver has room for.)
@Suite struct DatagramFaultTests {
    /// More than one call takes, with the empty one among them.
    private static let texts = (0..<20).map { [UInt8](repeating: UInt8($0), count: $0 % 5) }

    private static func socket(on loop: EventLoop) throws -> DatagramSocket {
        try DatagramSocket(on: loop, address: .loopback(port: 0))
    }

    /// How they are sent: a call each, or as many with a call as it takes.
    enum Sending: CaseIterable {
        case singly, together

        func send(from socket: DatagramSocket, to address: SocketAddress) async throws {
            switch self {
            case .singly: for text in DatagramFaultTests.texts { try await socket.send(text, to: address) }
            case .together: try await socket.send(DatagramFaultTests.texts.map { Datagram($0, to: address) })
            }
        }
    }

    /// Receives until all have come.
    private static func receive(_ socket: DatagramSocket, into came: Journal<[UInt8]>) async throws {
        while came.entries.count < texts.count, let datagram = try await socket.receive() { came.note(datagram.bytes) }
    }

    /// Nothing but what was received is there to be received.
    private static func expectNoMore(_ socket: DatagramSocket) async throws {
        await #expect(throws: TimeoutError.self) {
            try await socket.loop.withTimeout(.zero) { try await socket.receive() }
        }
    }

    @Test(arguments: Sending.allCases)
    func `all arrive, in order, some a call and in a storm of stalls`(_ sending: Sending) async throws {
        let plans: [@Sendable () -> FaultPlan] = [
            { .oneByteAtATime }, { .pieces(of: 3) }, { .stallBeforeEachStep(times: 2) },
        ]
        for plan in plans {
            try await withLoop { loop async throws in
                let (one, two) = try (Self.socket(on: loop), Self.socket(on: loop))
                one.inject(plan())
                two.inject(plan())
                let came = Journal<[UInt8]>()
                let receiving = loop.spawn { try await Self.receive(two, into: came) }
                try await sending.send(from: one, to: two.address)
                try await receiving.value
                #expect(came.entries == Self.texts)
                try await Self.expectNoMore(two)
            }
        }
    }

    @Test(arguments: Sending.allCases)
    func `all arrive, whatever the seed, with tasks in any order`(_ sending: Sending) async throws {
        for offset in 0..<20 {
            let seed = Seed.ofProcess &+ UInt64(offset)
            try await withLoop(order: .seeded(seed)) { loop async throws in
                let (one, two) = try (Self.socket(on: loop), Self.socket(on: loop))
                one.inject(.seeded(seed))
                two.inject(.seeded(seed &+ 1_000))
                let came = Journal<[UInt8]>()
                let receiving = loop.spawn { try await Self.receive(two, into: came) }
                try await sending.send(from: one, to: two.address)
                try await receiving.value
                #expect(came.entries == Self.texts)
            }
        }
    }

    @Test(arguments: Sending.allCases)
    func `all arrive, with a stall at each step of either socket`(_ sending: Sending) async throws {
        try await withLoop { loop async throws in
            for isSender in [true, false] {
                let steps = try await forEachStep(.stall, in: .pieces(of: 3)) { plan async throws in
                    let (one, two) = try (Self.socket(on: loop), Self.socket(on: loop))
                    (isSender ? one : two).inject(plan)
                    let came = Journal<[UInt8]>()
                    let receiving = loop.spawn { try await Self.receive(two, into: came) }
                    try await sending.send(from: one, to: two.address)
                    try await receiving.value
                    #expect(came.entries == Self.texts)
                }
                #expect(steps >= Self.texts.count / 3)
            }
        }
    }

    @Test func `a piece of datagrams is whole datagrams, the next of them an iteration later`() async throws {
        try await withLoop { loop async throws in
            let (one, two) = try (Self.socket(on: loop), Self.socket(on: loop))
            let sent = one.inject(.pieces(of: 3))
            let received = two.inject(.oneByteAtATime)
            try await one.send((0..<7).map { Datagram([UInt8](repeating: $0, count: 100), to: two.address) })
            #expect(sent.steps == 3)
            for number in UInt8(0)..<7 {
                #expect(try await two.receive()?.bytes == [UInt8](repeating: number, count: 100))
                #expect(received.steps == Int(number) + 1)
            }
        }
    }

    @Test func `an error at each step of receiving loses nothing`() async throws {
        try await withLoop { loop async throws in
            let steps = try await forEachStep(.fail(errno: ECONNREFUSED), in: .pieces(of: 3)) { plan async throws in
                let (one, two) = try (Self.socket(on: loop), Self.socket(on: loop))
                two.inject(plan)
                try await Sending.together.send(from: one, to: two.address)
                let came = Journal<[UInt8]>()
                do {
                    try await Self.receive(two, into: came)
                    #expect(!plan.isReached)
                } catch let error as IOError {
                    #expect(plan.isReached)
                    #expect(error == IOError(call: "recvmmsg", code: ECONNREFUSED))
                    // Told once; the socket goes on.
                    try await Self.receive(two, into: came)
                }
                #expect(came.entries == Self.texts)
                two.interpose(nil)
                try await Self.expectNoMore(two)
            }
            #expect(steps >= Self.texts.count / 3)
        }
    }

    @Test(arguments: Sending.allCases)
    func `an error at each step of sending: those before it were sent, the others not`(
        _ sending: Sending
    ) async throws {
        try await withLoop { loop async throws in
            let steps = try await forEachStep(.fail(errno: ENETUNREACH), in: .pieces(of: 3)) { plan async throws in
                let (one, two) = try (Self.socket(on: loop), Self.socket(on: loop))
                one.inject(plan)
                do {
                    try await sending.send(from: one, to: two.address)
                    #expect(!plan.isReached)
                } catch let error as IOError {
                    #expect(plan.isReached)
                    #expect(error == IOError(call: "sendmmsg", code: ENETUNREACH))
                }
                let sent = one.channel.given
                #expect(plan.isReached || sent == Self.texts.count)
                // It is still a socket, and what it sends now comes behind.
                one.interpose(nil)
                try await one.send([255], to: two.address)
                for text in Self.texts.prefix(sent) + [[255]] { #expect(try await two.receive()?.bytes == text) }
                try await Self.expectNoMore(two)
            }
            #expect(steps >= Self.texts.count / 3)
        }
    }

    /// When the cancel comes: inside the call that finds nothing, or when the task sleeps.
    enum Moment: CaseIterable { case atTheCall, asleep }

    @Test(arguments: Moment.allCases)
    func `a receive cancelled at each step has taken nothing`(_ moment: Moment) async throws {
        try await withLoop { loop async throws in
            try await forEachStep(.hang, in: .pieces(of: 3)) { plan async throws in
                let (one, two) = try (Self.socket(on: loop), Self.socket(on: loop))
                two.inject(plan)
                try await Sending.together.send(from: one, to: two.address)
                let came = Journal<[UInt8]>()
                let task = loop.spawn { try await Self.receive(two, into: came) }
                plan.whenReached {
                    if moment == .atTheCall { task.cancel() } else { loop.callLater(.zero) { task.cancel() } }
                }
                do {
                    try await task.value
                    #expect(!plan.isReached)
                } catch is CancellationError {
                    #expect(plan.isReached)
                    #expect(came.entries == Array(Self.texts.prefix(two.channel.taken)))
                    plan.release()
                    try await Self.receive(two, into: came)
                }
                #expect(came.entries == Self.texts)
                try await Self.expectNoMore(two)
            }
        }
    }

    @Test(arguments: Moment.allCases)
    func `a datagram whose sending is cancelled at its step was not sent`(_ moment: Moment) async throws {
        try await withLoop { loop async throws in
            try await forEachStep(.hang) { plan async throws in
                let (one, two) = try (Self.socket(on: loop), Self.socket(on: loop))
                one.inject(plan)
                let sent = Journal<[UInt8]>()
                let sending: @Sendable () async throws -> Void = {
                    while sent.entries.count < Self.texts.count {
                        let text = Self.texts[sent.entries.count]
                        try await one.send(text, to: two.address)
                        sent.note(text)
                    }
                }
                let task = loop.spawn { try await sending() }
                plan.whenReached {
                    if moment == .atTheCall { task.cancel() } else { loop.callLater(.zero) { task.cancel() } }
                }
                do {
                    try await task.value
                    #expect(!plan.isReached)
                } catch is CancellationError {
                    #expect(plan.isReached)
                    #expect(one.channel.given == sent.entries.count)
                    plan.release()
                    // Sent again by who knows that it was not.
                    try await sending()
                }
                for text in Self.texts { #expect(try await two.receive()?.bytes == text) }
                try await Self.expectNoMore(two)
            }
        }
    }

    @Test(arguments: Moment.allCases)
    func `a batch whose sending is cancelled at each step has sent a beginning, each once`(
        _ moment: Moment
    ) async throws {
        try await withLoop { loop async throws in
            let steps = try await forEachStep(.hang, in: .pieces(of: 3)) { plan async throws in
                let (one, two) = try (Self.socket(on: loop), Self.socket(on: loop))
                one.inject(plan)
                let task = loop.spawn { try await Sending.together.send(from: one, to: two.address) }
                plan.whenReached {
                    if moment == .atTheCall { task.cancel() } else { loop.callLater(.zero) { task.cancel() } }
                }
                do {
                    try await task.value
                    #expect(!plan.isReached)
                } catch is CancellationError {
                    #expect(plan.isReached)
                    #expect(one.channel.given == min(3 * (plan.steps - 1), Self.texts.count))
                }
                for text in Self.texts.prefix(one.channel.given) { #expect(try await two.receive()?.bytes == text) }
                try await Self.expectNoMore(two)
            }
            #expect(steps == 7)
        }
    }

    @Test(arguments: Moment.allCases)
    func `closing at each step ends receiving and sending`(_ moment: Moment) async throws {
        try await withLoop { loop async throws in
            for isSender in [true, false] {
                try await forEachStep(.hang, in: .pieces(of: 3)) { plan async throws in
                    let (one, two) = try (Self.socket(on: loop), Self.socket(on: loop))
                    let closing = (isSender ? one : two)
                    closing.inject(plan)
                    plan.whenReached {
                        if moment == .atTheCall { closing.close() } else { loop.callLater(.zero) { closing.close() } }
                    }
                    do {
                        try await Sending.together.send(from: one, to: two.address)
                        #expect(!plan.isReached)
                    } catch StreamError.closed {
                        #expect(isSender && plan.isReached)
                    }
                    let came = Journal<[UInt8]>()
                    if !isSender { try await Self.receive(two, into: came) }
                    #expect(came.entries == Array(Self.texts.prefix(came.entries.count)))
                    #expect(isSender || plan.isReached || came.entries.count == Self.texts.count)
                }
            }
        }
    }

    @Test func `a second sender is refused before it has sent anything`() async throws {
        try await withLoop { loop async throws in
            let (one, two) = try (Self.socket(on: loop), Self.socket(on: loop))
            one.inject(.smooth.with(.hang, atStep: 0))
            let first = loop.spawn { try await one.send([1], to: two.address) }
            try await loop.moment()
            // There is room again, and nobody has been told so yet.
            one.interpose(nil)
            await #expect(throws: StreamError.busy("sending on")) { try await one.send([2], to: two.address) }
            one.announceReadiness()
            try await first.value
            #expect(try await two.receive()?.bytes == [1])
            try await Self.expectNoMore(two)
        }
    }

    @Test func `a second receiver is refused what the first one waits for`() async throws {
        try await withLoop { loop async throws in
            let (one, two) = try (Self.socket(on: loop), Self.socket(on: loop))
            let first = loop.spawn { try await two.receive() }
            try await loop.moment()
            try await one.send([1], to: two.address)
            await #expect(throws: StreamError.busy("receiving on")) { try await two.receive() }
            #expect(try await first.value?.bytes == [1])
        }
    }
}
