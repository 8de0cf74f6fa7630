// Passes connections on to another port, both ways, at the pace of the slower side.
// `PortForwarder 8080 example.org 80` forwards localhost:8080; without arguments it forwards to an echo of its own, once.

import Coro

@main struct Main {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        let loop = try EventLoop()
        try loop.runSync {
            if arguments.count == 3, let from = UInt16(arguments[1]), let to = UInt16(arguments[3]) {
                let listener = try Listener(on: loop, address: .loopback(port: from))
                return try await forward(listener, to: arguments[2], to)
            }
            let echo = try Listener(on: loop, address: .loopback(port: 0))
            let entrance = try Listener(on: loop, address: .loopback(port: 0))
            try await loop.withScope { scope in
                scope.spawn { try await echo.serve { stream in try await pump(from: stream, to: stream) } }
                scope.spawn { try await forward(entrance, to: "127.0.0.1", echo.address.port) }
                let stream = try await Connector(loop: loop).connect(to: entrance.address)
                // More than all the buffers on the way hold: the writer is stopped until the reader has made room.
                let sent = [UInt8](repeating: 7, count: 32 << 20)
                scope.spawn {
                    try await stream.write(sent)
                    stream.finishWriting()
                }
                var received = 0
                while let bytes = try await stream.read() { received += bytes.count }
                print("sent \(sent.count) bytes, and \(received) came back")
                entrance.close()
                echo.close()
            }
        }
        try loop.close()
    }

    /// Serves until the listener is closed. A host that cannot be reached is reported and costs one connection.
    static func forward(_ listener: Listener, to host: String, _ port: UInt16) async throws {
        let connector = Connector(loop: listener.loop)
        try await listener.serve { near in
            let far = try await near.loop.withTimeout(.seconds(10)) {
                try await connector.connect(host: host, port: port)
            }
            // When one direction fails, the scope ends the other.
            try await near.loop.withScope { scope in
                scope.spawn { try await pump(from: near, to: far) }
                try await pump(from: far, to: near)
            }
        }
    }

    /// Moves bytes until the source ends. `write` waits until the kernel has taken them, and nothing is read meanwhile:
    /// that is all there is to back-pressure.
    static func pump(from source: ByteStream, to sink: ByteStream) async throws {
        while let bytes = try await source.read() { try await sink.write(bytes) }
        sink.finishWriting()
    }
}
