// A read that is cancelled, times out or is closed has taken nothing.

internal import Coro
internal import Glibc

extension Scenario {
    static let streams = [
        Scenario("stream: cancelled and timed-out reads lose no byte") { repetition in
            let pauses = (0..<20).map { _ in repetition.chance(800) }
            let timeout = Duration.nanoseconds(repetition.chance(60_000))
            try repetition.onLoop { loop in
                let (near, far) = try socketPair()
                let stream = try ByteStream(takingOver: near, on: loop)
                repetition.crew.start(0) {
                    for (index, pause) in pauses.enumerated() {
                        Crew.dawdle(pause)
                        var byte = UInt8(index)
                        _ = send(far, &byte, 1, Int32(MSG_NOSIGNAL))
                    }
                    close(far)
                }
                var received: [UInt8] = []
                var isOver = false
                while !isOver {
                    let reading = loop.spawn { try await loop.withTimeout(timeout) { try await stream.read() } }
                    repetition.crew.start(1) { reading.cancel() }
                    do {
                        if let bytes = try await reading.value { received += bytes } else { isOver = true }
                    } catch is CancellationError {
                    } catch is TimeoutError {
                    }
                    repetition.crew.wait(for: 1)
                }
                stream.close()
                try repetition.expect(received == Array(0..<20), "received \(received)")
            }
        },
        Scenario("stream: closed under its reader, its loop closed under both") { repetition in
            let loop = try repetition.makeLoop()
            let (near, far) = try socketPair()
            let ended = Tally()
            let stop = repetition.chance(3_000)
            let closesFirst = repetition.chance(2) == 0
            loop.spawn {
                defer { ended.add() }
                let stream = try ByteStream(takingOver: near, on: loop)
                let reading = loop.spawn {
                    defer { ended.add() }
                    _ = try await stream.read()
                }
                if closesFirst {
                    try await loop.moment()
                    stream.close()
                }
                _ = try? await reading.value
            }
            repetition.crew.start(0) {
                Crew.dawdle(stop)
                loop.stop()
            }
            try loop.run()
            repetition.crew.wait()
            try loop.close()
            close(far)
            try repetition.expect(ended.value == 2, "\(ended.value) of 2 tasks ended")
        },
    ]

    private static func socketPair() throws -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Broken(description: "no socket pair: \(errno)") }
        return (ends[0], ends[1])
    }
}
