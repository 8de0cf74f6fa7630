import Coro
import CoroTesting
import Testing

@Suite struct ServingTests {
    @Test func `case 59: an error in a connection's handler is reported and does not stop the server`() async throws {
        let mine = Oops()
        let recorder = ReportRecorder { $0.error as? Oops == mine }
        try await withLoop { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            let server = loop.spawn {
                try await listener.serve { stream in
                    let bytes = try await stream.read()
                    if bytes == [0] { throw mine }
                    try await stream.write("fine")
                }
            }
            let bad = try await Connector(loop: loop).connect(to: listener.address)
            try await bad.write([0])
            // Its connection is closed.
            #expect(try await bad.read() == nil)
            let good = try await Connector(loop: loop).connect(to: listener.address)
            try await good.write([1])
            #expect(try await good.read() == Array("fine".utf8))
            #expect(try await good.read() == nil)
            listener.close()
            try await server.value
        }
        #expect(recorder.failures.count == 1)
        #expect(recorder.failures.first?.summary.hasPrefix("The handler of a connection of 127.0.0.1:") == true)
    }

    @Test func `case 60: stopping twice, and inside a handler with 40 clients pending, raises nothing`() async throws {
        try await withLoop { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            var clients: [ByteStream] = []
            for _ in 0..<40 { clients.append(try await Connector(loop: loop).connect(to: listener.address)) }
            let handled = Journal<Int>()
            let server = loop.spawn {
                try await listener.serve { _ in
                    handled.note(1)
                    listener.close()
                    listener.close()
                    #expect(!listener.isOpen)
                }
            }
            try await server.value
            listener.close()
            #expect(handled.entries.count > 0)
            #expect(listener.connectionCount == 0)
            for client in clients { #expect((try? await client.read()) == nil) }
        }
    }

    @Test func `closing lets handlers that run end in peace`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            let begun = loop.promise(of: Void.self)
            let server = loop.spawn {
                try await listener.serve(grace: .seconds(10)) { stream in
                    begun.trySucceed(())
                    try await loop.sleep(for: .seconds(9))
                    try await stream.write("done")
                }
            }
            let client = try await Connector(loop: loop).connect(to: listener.address)
            try await begun.future.value
            listener.close()
            try await clock.advance(by: .seconds(9))
            #expect(try await client.read() == Array("done".utf8))
            try await server.value
        }
    }

    @Test func `handlers that have not ended after the grace are cancelled, and that is no error`() async throws {
        let clock = ManualClock()
        let ends = Journal<String>()
        try await withLoop(clock: clock) { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            let begun = loop.promise(of: Void.self)
            let server = loop.spawn {
                try await listener.serve(grace: .seconds(10)) { stream in
                    begun.trySucceed(())
                    defer { ends.note("handler") }
                    _ = try await stream.read()
                }
                ends.note("server")
            }
            let client = try await Connector(loop: loop).connect(to: listener.address)
            try await begun.future.value
            listener.close()
            try await clock.advance(by: .seconds(9))
            #expect(ends.entries == [])
            try await clock.advance(by: .seconds(1))
            try await server.value
            #expect(ends.entries == ["handler", "server"])
            #expect(try await client.read() == nil)
        }
    }

    @Test func `cancelling the server cancels its handlers at once`() async throws {
        try await withLoop { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            let begun = loop.promise(of: Void.self)
            let server = loop.spawn {
                try await listener.serve { stream in
                    begun.trySucceed(())
                    _ = try await stream.read()
                }
            }
            let client = try await Connector(loop: loop).connect(to: listener.address)
            try await begun.future.value
            server.cancel()
            await #expect(throws: CancellationError.self) { try await server.value }
            #expect(try await client.read() == nil)
            #expect(!listener.isOpen)
        }
    }

    @Test func `no more connections are served at a time than are allowed, and the rest in their turn`() async throws {
        try await withLoop { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            let most = Journal<Int>()
            let server = loop.spawn {
                try await listener.serve(connectionsMax: 2) { stream in
                    most.note(listener.connectionCount)
                    while let bytes = try await stream.read() { try await stream.write(bytes) }
                }
            }
            var clients: [ByteStream] = []
            for _ in 0..<5 {
                let client = try await Connector(loop: loop).connect(to: listener.address)
                try await client.write("x")
                clients.append(client)
            }
            for client in clients {
                #expect(try await client.read() == [UInt8(ascii: "x")])
                client.close()
            }
            listener.close()
            try await server.value
            #expect(most.entries.count == 5)
            #expect(most.entries.max() == 2)
        }
    }

    @Test func `a server that is full hears that it is closed`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            let begun = loop.promise(of: Void.self)
            let server = loop.spawn {
                try await listener.serve(connectionsMax: 1, grace: .zero) { stream in
                    begun.trySucceed(())
                    _ = try await stream.read()
                }
            }
            let client = try await Connector(loop: loop).connect(to: listener.address)
            try await begun.future.value
            listener.close()
            try await clock.advance(by: .zero)
            try await server.value
            #expect(try await client.read() == nil)
        }
    }

    @Test func `a loop that closes ends its server and its handlers`() async throws {
        let ends = Journal<String>()
        try await withLoop(allowing: [.tasks, .descriptors]) { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            let begun = loop.promise(of: Void.self)
            loop.spawn {
                do {
                    try await listener.serve { stream in
                        begun.trySucceed(())
                        defer { ends.note("handler") }
                        _ = try await stream.read()
                    }
                } catch { ends.note("server") }
            }
            let client = try await Connector(loop: loop).connect(to: listener.address)
            try await begun.future.value
            #expect(client.isOpen)
        }
        #expect(ends.entries.contains("handler"))
    }
}
