// Fetches several URLs at once, in the seeds' four shapes. `ParallelFetch http://a.test/ http://b.test/` fetches those;
// without arguments, two from a server in this program that takes a second for each answer.

import Coro
import Http

@main struct Main {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let loop = try EventLoop()
        try loop.runSync {
            let server = HTTPServer(on: loop) { request in
                try await request.loop.sleep(for: .seconds(1))
                return .text("Hello, \(request.path)\n")
            }
            let address = try await server.listen(on: .loopback(port: 0))
            let urls = arguments.isEmpty ? ["http://\(address)/one", "http://\(address)/two"] : arguments
            let client = HTTPClient(on: loop)
            try await timed("two, native") { try await parallelFetch(client, urls[0], urls[urls.count - 1]) }
            try await timed("many, native") { try await parallelFetchMany(client, urls) }
            try await timed("dictionary, native") { try await parallelFetchDictionary(client, urls) }
            try await timed("many, generator style") { try await parallelFetchDecorated(client, urls).value }
            await server.shutdown()
        }
        try loop.close()
    }

    static func parallelFetch(_ client: HTTPClient, _ url1: String, _ url2: String) async throws -> [Status] {
        // Child tasks run on the loop of the task that starts them.
        async let response1 = client.get(url1)
        async let response2 = client.get(url2)
        return try await [response1.status, response2.status]
    }

    static func parallelFetchMany(_ client: HTTPClient, _ urls: [String]) async throws -> [Status] {
        try await client.loop.gather(urls.map { client.fetch(try .init(.get, $0)) }).value.map(\.status)
    }

    static func parallelFetchDictionary(_ client: HTTPClient, _ urls: [String]) async throws -> [Status] {
        let futures = try urls.map { ($0, client.fetch(try .init(.get, $0)) as Future) }
        let responses = try await client.loop.gather(Dictionary(futures) { first, _ in first }).value
        return urls.compactMap { responses[$0]?.status }
    }

    static func parallelFetchDecorated(_ client: HTTPClient, _ urls: [String]) -> Future<[Status]> {
        coroutine { co in
            let responses = try await co.yield(urls.map { client.fetch(try .init(.get, $0)) })
            return responses.map(\.status)
        }
    }

    static func timed(_ name: String, _ operation: () async throws -> [Status]) async throws {
        let started = ContinuousClock.now
        let statuses = try await operation()
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        print("\(name): \(statuses) in \((seconds * 10).rounded() / 10) s")
    }
}
