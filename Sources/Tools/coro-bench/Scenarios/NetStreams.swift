// Streams over loopback TCP against bare system calls: what Coro adds to a server that moves bytes.

internal import Coro

extension Scenario {
    static let netStreams =
        [
            stream(
                "echo, 64 B", .message, .echo, 64,
                about: "32 connections, one message in flight on each: read(exactly:) and write"
            ) { port, bytes, seconds in
                try Load.echo(port, bytes: bytes, connections: 32, seconds: seconds)
            },
            stream(
                "echo, 1 MiB", .message, .echo, 1 << 20, leastRatio: 0.9,
                about: "one connection, one message in flight; the floor receives it in its place, without a copy"
            ) { port, bytes, seconds in
                try Load.echo(port, bytes: bytes, connections: 1, seconds: seconds)
            },
        ]
        + [(64, "64 B", nil), (1 << 20, "1 MiB", 0.9)].flatMap { bytes, size, leastRatio in
            [
                stream(
                    "send \(size)", .byte, .send, bytes, leastRatio: leastRatio,
                    about: "one connection, a write for each message; the load only counts bytes"
                ) { port, _, seconds in
                    try Load.takeIn(port, seconds: seconds)
                },
                stream(
                    "receive \(size)", .byte, .receive, bytes, leastRatio: leastRatio,
                    about: "one connection, read(exactly:) for each message; the load sends 64 KiB at a time"
                ) { port, bytes, seconds in
                    try Load.giveOut(port, bytes: bytes, seconds: seconds)
                },
            ]
        }

    private static func stream(
        _ name: String, _ unit: Comparison.Unit, _ service: StreamServer.Service, _ bytes: Int,
        leastRatio: Double? = nil, about: String, load: @escaping @Sendable (UInt16, Int, Double) throws -> Load.Amount
    ) -> Scenario {
        Scenario("stream", name, leastRatio: leastRatio, about: about) { meter in
            try await meter.compare(unit, ServerProgram.streams(service, bytes: bytes)) { server, seconds in
                try await meter.blocking { try load(server.port, bytes, seconds) }
            }
        }
    }
}
