// The servers of the stream rows: the same service written for Coro, as its users would write it, and in bare system
// calls.

internal import BenchFloor
internal import Console
internal import Coro
internal import Glibc

struct StreamServer: Sendable, Equatable {
    /// What is between the service and the kernel.
    enum Maker: String { case coro, floor }
    /// What is done with each connection (bench_floor.h).
    enum Service: String { case echo, send, receive, churn }

    let maker: Maker
    let service: Service
    let messageBytes: Int

    /// Listens on a free port, says where on standard error, and serves until it is killed.
    func run() -> Never {
        do {
            switch maker {
            case .coro: try runCoro()
            case .floor: try runFloor()
            }
        } catch {
            Console.note("\(error)\n")
        }
        exit(1)
    }

    // MARK: Coro

    private func runCoro() throws {
        let loop = try EventLoop()
        try loop.runSync {
            guard let address = SocketAddress(ip: "127.0.0.1", port: 0) else { return }
            let listener = try Listener(on: loop, address: address)
            Console.note("listening on \(listener.address)\n")
            // A peer that goes when it has seen enough is no failure.
            try await listener.serve { stream in try? await serve(stream) }
        }
    }

    private func serve(_ stream: ByteStream) async throws {
        switch service {
        case .echo:
            while true { try await stream.write(try await stream.read(exactly: messageBytes)) }
        case .send:
            let message = [UInt8](repeating: 0, count: messageBytes)
            while true { try await stream.write(message) }
        case .receive:
            do {
                while true { blackHole(try await stream.read(exactly: messageBytes)) }
            } catch StreamError.ended {
                try await stream.write([0])
            }
        case .churn:
            blackHole(try await stream.read(exactly: 1))
        }
    }

    // MARK: The floor

    private func runFloor() throws {
        var port: UInt16 = 0
        let listener = floor_listen(&port)
        guard listener >= 0 else { throw IOError(call: "listen", code: -listener) }
        Console.note("listening on 127.0.0.1:\(port)\n")
        let end = floor_serve(listener, floorService, messageBytes)
        throw IOError(call: "epoll_wait", code: -end)
    }

    private var floorService: floor_service {
        switch service {
        case .echo: FLOOR_ECHO
        case .send: FLOOR_SEND
        case .receive: FLOOR_RECEIVE
        case .churn: FLOOR_CHURN
        }
    }
}
