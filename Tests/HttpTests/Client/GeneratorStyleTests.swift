// The seeds' story: fetching in a generator-style coroutine.

import Coro
import CoroTesting
import Http
import Testing

@Suite(.ownThread) struct `Fetching in a coroutine` {
    @Test func `yields the future of an answer, and many in parallel`() throws {
        try withClient(script: answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) { client, server in
            let url = server.url
            let story = client.loop.coroutine { co in
                let request = try HTTPClient.Request(.get, url)
                let first = try await co.yield(client.fetch(request))
                let rest = try await co.yield([client.fetch(request), client.fetch(request)])
                return [first.status] + rest.map(\.status)
            }
            let statuses = try await story.value
            #expect(statuses == [.ok, .ok, .ok])
        }
    }
}
