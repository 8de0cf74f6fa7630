// Streams over networks that misbehave: the right bytes or an error, in time.

internal import Coro
internal import CoroTesting

extension Scenario {
    static let paths = [
        Scenario("path: seeded faults end in the right bytes or an error") { repetition in
            let seed = UInt64(repetition.number)
            try repetition.onLoop(clock: ManualClock(whenIdle: .jumps)) { loop in
                var chance = SeededGenerator(seed: seed)
                let text = (0...chance.next(below: 1 << chance.next(below: 17))).map { _ in
                    UInt8(truncatingIfNeeded: chance.next())
                }
                let listener = try Listener(on: loop, address: .loopback(port: 0))
                let serving = loop.spawn { try await listener.serve(grace: .zero, echo) }
                let path = try FaultyPath(
                    to: listener.address, on: loop, upstream: .seeded(seed), downstream: .seeded(seed))
                let stream = try await Connector(loop: loop).connect(to: path.address)
                do {
                    let back = try await loop.withTimeout(.seconds(120)) {
                        try await stream.write(text)
                        stream.finishWriting()
                        return try await stream.read(exactly: text.count)
                    }
                    try repetition.expect(back == text, "other bytes came back (seed \(seed))")
                } catch is TimeoutError {
                    try repetition.expect(text.starts(with: stream.unread), "other bytes, and silence (seed \(seed))")
                } catch is StreamError {
                    try repetition.expect(text.starts(with: stream.unread), "other bytes, and an end (seed \(seed))")
                }
                stream.close()
                path.close()
                listener.close()
                try await serving.value
            }
        },
        Scenario("path: deadlines on a silent path hold within 50 ms", atMost: 100) { repetition in
            let timeout = Duration.microseconds(repetition.chance(10_000))
            let byte = repetition.chance(100)
            try repetition.onLoop { loop in
                let listener = try Listener(on: loop, address: .loopback(port: 0))
                let serving = loop.spawn { try await listener.serve(grace: .zero, echo) }
                let path = try FaultyPath(
                    to: listener.address, on: loop, downstream: .smooth.with(.silence, atByte: byte))
                var late: [Duration] = []
                // A machine with other things to do may be late itself, but not three times in a row.
                while late.count < 3, late.last.map({ $0 > .milliseconds(50) }) ?? true {
                    let stream = try await Connector(loop: loop).connect(to: path.address)
                    let deadline = loop.now.advanced(by: timeout)
                    do {
                        try await loop.withDeadline(deadline) {
                            try await stream.write([UInt8](repeating: 1, count: 100))
                            _ = try await stream.read(exactly: 101)
                        }
                        throw Broken(description: "a silent path said something")
                    } catch is TimeoutError {
                        late.append(deadline.duration(to: loop.now))
                    }
                }
                try repetition.expect(late.last.map { $0 <= .milliseconds(50) } ?? false, "late by \(late)")
                path.close()
                listener.close()
                try await serving.value
            }
        },
    ]
}

/// A handler that sends back what comes. A peer that breaks off is no failure of the server's.
@Sendable private func echo(_ stream: ByteStream) async {
    do {
        while let bytes = try await stream.read() { try await stream.write(bytes) }
        stream.finishWriting()
    } catch {}
}
