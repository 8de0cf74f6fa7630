// Connections as such: how fast they come and go, and what they weigh while they are quiet.

internal import Coro

extension Scenario {
    static let netConnections = [
        Scenario(
            "connection", "a byte, and closed",
            about: "connect, one byte, the server closes; sixteen at a time. Coro: Listener.serve, a task for each"
        ) { meter in
            try await meter.compare(.connection, ServerProgram.streams(.churn, bytes: 1)) { server, seconds in
                try await meter.blocking { try Load.churn(server.port, saying: "x", seconds: seconds) }
            }
        },
        Scenario(
            "connection", "one HTTP request", leastRatio: 1,
            about: "GET /plaintext with Connection: close, sixteen at a time; nginx: return 200"
        ) { meter in
            try await meter.withWorkshop { folder in
                let request = Load.request("/plaintext", connection: "close")
                try await meter.compare(.connection, [.coroServe(), .nginx(folder)]) { server, seconds in
                    try await meter.blocking { try Load.churn(server.port, saying: request, seconds: seconds) }
                }
            }
        },
        Scenario(
            "quiet", "a stream", about: "resident memory for each connection after one byte there and back"
        ) { meter in
            try await meter.compareMemory(ServerProgram.streams(.echo, bytes: 1)) { server, count in
                try await meter.blocking { try Load.quiet(server.port, count: count, saying: "x", until: "x") }
            }
        },
        Scenario(
            "quiet", "HTTP keep-alive",
            about: "resident memory for each connection after one request; nginx has taken its structures in advance"
        ) { meter in
            try await meter.withWorkshop { folder in
                let request = Load.request("/plaintext", connection: "keep-alive")
                try await meter.compareMemory([.coroServe(), .nginx(folder)]) { server, count in
                    try await meter.blocking {
                        try Load.quiet(server.port, count: count, saying: request, until: "Hello, World!")
                    }
                }
            }
        },
    ]
}
