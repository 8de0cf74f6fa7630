// A large file over HTTP by sendfile(2).

internal import Coro

extension Scenario {
    static let netFiles = [
        Scenario(
            "file", "1 GiB by sendfile", leastRatio: 0.95,
            about: "GET of a file in the page cache, a connection for each; the load only counts bytes (MSG_TRUNC)"
        ) { meter in
            try await meter.withWorkshop { folder in
                let bytes = meter.isBrief ? 1 << 20 : 1 << 30
                try folder.makeZeros(bytes, at: "zeros")
                // Whose page structures the caches hold decides more than the server does: one transfer takes up to three times as
                // long as the next.
                try await meter.compare(.byte, [.coroServe(folder), .nginx(folder)], repeats: 5) { server, seconds in
                    try await meter.blocking {
                        try Load.fetch(server.port, path: "/zeros", bytes: bytes, seconds: seconds)
                    }
                }
            }
        }
    ]
}
