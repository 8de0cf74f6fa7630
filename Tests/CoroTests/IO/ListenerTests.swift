import CoroTesting
import Glibc
import Testing

@testable import Coro

@Suite struct ListenerTests {
    // MARK: Unix sockets

    @Test func `a unix socket is for its owner only, and its file goes at close`() async throws {
        let folder = TemporaryFolder()
        try await withLoop { loop async throws in
            let address = try #require(SocketAddress(path: "\(folder.path)/socket"))
            let listener = try Listener(on: loop, address: address)
            #expect(listener.address == address)
            var status = stat()
            #expect(stat("\(folder.path)/socket", &status) == 0 && status.st_mode & 0o777 == 0o600)

            let client = try await Connector(loop: loop).connect(to: address)
            let server = try #require(try await listener.accept())
            try await client.write("hello")
            #expect(try await server.read() == Array("hello".utf8))
            listener.close()
            listener.close()
            #expect(!folder.exists("socket"))
        }
    }

    @Test func `an abstract unix socket has no file`() async throws {
        try await withLoop { loop async throws in
            let address = try #require(SocketAddress(abstract: "coro-test-\(getpid())"))
            let listener = try Listener(on: loop, address: address)
            #expect(listener.address == address)
            _ = try await Connector(loop: loop).connect(to: address)
            #expect(try await listener.accept() != nil)
        }
    }

    @Test func `a socket file that nobody listens at is replaced, one of a living server is not`() async throws {
        let folder = TemporaryFolder()
        try await withLoop { loop async throws in
            let address = try #require(SocketAddress(path: "\(folder.path)/socket"))
            // Bound by a socket that is closed without removing its file, as a server leaves it that was killed.
            leaveSocketFile(at: address)
            #expect(folder.exists("socket"))
            let listener = try Listener(on: loop, address: address, mode: 0o666)
            let error = #expect(throws: IOError.self) { try Listener(on: loop, address: address) }
            #expect(error?.code == EADDRINUSE)
            _ = try await Connector(loop: loop).connect(to: address)
            #expect(try await listener.accept() != nil)
        }
        #expect(!folder.exists("socket"))
    }

    @Test func `what is no socket is never deleted`() async throws {
        let folder = TemporaryFolder()
        try await withLoop { loop async throws in
            let address = try #require(SocketAddress(path: "\(folder.path)/socket"))
            close(open("\(folder.path)/socket", O_CREAT | O_WRONLY, 0o600))
            let error = #expect(throws: IOError.self) { try Listener(on: loop, address: address) }
            #expect(error?.code == EADDRINUSE)
            #expect(folder.exists("socket"))
        }
    }

    @Test func `a file that has taken the socket's place is not deleted at close`() async throws {
        let folder = TemporaryFolder()
        try await withLoop { loop async throws in
            let address = try #require(SocketAddress(path: "\(folder.path)/socket"))
            let first = try Listener(on: loop, address: address)
            unlink("\(folder.path)/socket")
            let second = try Listener(on: loop, address: address)
            first.close()
            #expect(folder.exists("socket"))
            second.close()
            #expect(!folder.exists("socket"))
        }
    }

    // MARK: Inherited and shared

    @Test(arguments: [true, false])
    func `case 61: three loops share one port, by SO_REUSEPORT or by an inherited descriptor`(
        _ reusesPort: Bool
    ) async throws {
        try await withLoop(allowing: .loop) { loop async throws in
            let first = try Listener(on: loop, address: .loopback(port: 0), reusePort: true)
            let address = first.address
            // As it would be inherited: a descriptor and no more.
            let inherited = dup(first.source.descriptor)
            let workers = try (0..<3).map { try LoopThread(name: "worker \($0)") }
            let served = Journal<String>()
            var servers: [EventLoop.Task<Void>] = []
            var listeners: [Listener] = []
            for (index, worker) in workers.enumerated() {
                let listener = try await worker.loop.spawn {
                    if reusesPort { return try Listener(on: worker.loop, address: address, reusePort: true) }
                    return try Listener(takingOver: dup(inherited), on: worker.loop)
                }.value
                #expect(listener.address == address)
                listeners.append(listener)
                servers.append(
                    worker.loop.spawn {
                        try await listener.serve { stream in
                            served.note("worker \(index)")
                            try await stream.write("x")
                        }
                    })
            }
            // The kernel would give a share to this one too, which does not accept.
            first.close()
            close(inherited)
            try await loop.moment()
            var answered = 0
            for _ in 0..<200 where answered < 60 {
                let stream = try await Connector(loop: loop).connect(to: address)
                // A child that another test is just starting has copies of our descriptors for a moment, of the closed
                // share too, and what the kernel gave to that is reset.
                guard let answer = try? await stream.read() else { continue }
                #expect(answer == [UInt8(ascii: "x")])
                answered += 1
            }
            #expect(answered == 60)
            for listener in listeners { listener.close() }
            for server in servers { try await server.value }
            for worker in workers { try await loop.runBlocking { try worker.stop() } }
        }
    }

    @Test func `a descriptor that does not listen is not taken over, and closed`() async throws {
        try await withLoop { loop async throws in
            let pair = SocketPair()
            let other = dup(pair.left)
            let error = #expect(throws: IOError.self) { try Listener(takingOver: other, on: loop) }
            #expect(error?.code == EINVAL)
            let again = #expect(throws: IOError.self) { try Listener(takingOver: -1, on: loop) }
            #expect(again?.code == EBADF)
        }
    }

    @Test func `a listener that somebody else has shut down says so, instead of trying for ever`() async throws {
        try await withLoop { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            let accepting = loop.spawn { try await listener.accept() }
            try await loop.moment()
            // As another process can that shares the socket.
            let shared = dup(listener.source.descriptor)
            shutdown(shared, Int32(SHUT_RDWR))
            close(shared)
            for _ in 0..<100 where !accepting.future.isDone { try await loop.moment() }
            accepting.cancel()
            await #expect(throws: IOError(call: "accept4", code: EINVAL)) { try await accepting.value }
        }
    }

    @Test func `descriptors are inherited when they are meant for this process`() {
        func announced(_ variables: [String: String]) -> [InheritedDescriptor] {
            InheritedDescriptor.announced(to: 77) { variables[$0] }
        }
        #expect(announced([:]) == [])
        #expect(announced(["LISTEN_PID": "78", "LISTEN_FDS": "1"]) == [])
        #expect(announced(["LISTEN_PID": "77", "LISTEN_FDS": "x"]) == [])
        #expect(announced(["LISTEN_PID": "77", "LISTEN_FDS": "-2"]) == [])
        let found = announced(["LISTEN_PID": "77", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "http::admin:more"])
        #expect(found.map(\.descriptor) == [3, 4, 5])
        #expect(found.map(\.name) == ["http", nil, "admin"])
        #expect(InheritedDescriptor.all() == [])
    }

    // MARK: Several addresses

    @Test func `case 65: port 0 of a name with two families is one same port for both`() async throws {
        try await withLoop { loop async throws in
            var resolver = OverrideResolver()
            let both = ["127.0.0.1", "::1", "127.0.0.2", "127.0.0.1"].compactMap { SocketAddress(ip: $0, port: 0) }
            resolver.override("both.test", with: both)
            let listeners = try await Listener.bind(to: "both.test", port: 0, on: loop, resolver: resolver)
            // ::1 is left out on a machine without IPv6.
            #expect(listeners.count >= 2)
            #expect(Set(listeners.map(\.address.port)).count == 1)
            #expect(listeners.first?.address.port != 0)
            #expect(Set(listeners.map(\.address)).count == listeners.count)
        }
    }

    @Test func `an address that is in use closes the others again`() async throws {
        try await withLoop { loop async throws in
            let taken = try Listener(on: loop, address: .loopback(port: 0))
            let other = try #require(SocketAddress(ip: "127.0.0.2", port: taken.address.port))
            let error = #expect(throws: IOError.self) { try Listener.bind(to: [other, taken.address], on: loop) }
            #expect(error?.code == EADDRINUSE)
            // A program that a test starts at this moment has a copy of every socket until it is executed, and the port is taken as
            // long.
            while (try? Listener(on: loop, address: other)) == nil { try await loop.moment() }
        }
    }

    @Test func `an address of another machine is left out, and alone is an error`() async throws {
        try await withLoop { loop async throws in
            let foreign = try #require(SocketAddress(ip: "192.0.2.1", port: 0))
            let listeners = try Listener.bind(to: [foreign, .loopback(port: 0)], on: loop)
            #expect(listeners.map(\.address.host) == ["127.0.0.1"])
            let error = #expect(throws: IOError.self) { try Listener.bind(to: [foreign], on: loop) }
            #expect(error?.code == EADDRNOTAVAIL)
        }
    }

    @Test func `accepting on another thread is refused, and after the loop's end nothing comes`() async throws {
        let listener = try await withLoop(allowing: [.loop, .descriptors]) { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            await #expect(throws: StreamError.wrongThread) {
                try await withLoop { _ async throws in _ = try await listener.accept() }
            }
            return listener
        }
        #expect(try await listener.accept() == nil)
    }

    private func leaveSocketFile(at address: SocketAddress) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        address.bytes.withUnsafeBytes { bytes in
            var storage = sockaddr_un()
            withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: bytes) }
            withUnsafePointer(to: &storage) {
                _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(bytes.count))
                }
            }
        }
        close(descriptor)
    }
}
