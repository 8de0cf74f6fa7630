// The servers of the process, one a loop, from the first listen to the last answer.

internal import Coro
internal import Glibc
internal import Http

/// Serves until it is told to stop.
struct Service {
    private let options: Options
    /// Nil for plain HTTP.
    private let security: Security?
    private let loop: EventLoop
    /// Nil when answers are not to be told of.
    private let log: AccessLog?
    private let handler: HTTPServer.Handler

    init(_ options: Options, _ security: Security?, on loop: EventLoop, handler: @escaping HTTPServer.Handler) {
        self.options = options
        self.security = security
        self.loop = loop
        log = options.isQuiet ? nil : AccessLog(on: loop)
        self.handler = handler
    }

    /// Listens, says where, and returns when a signal has come and the last answer is out.
    func run(until signals: SignalSource) async throws {
        ServerProcess.outliveBrokenPipes()
        let first = server(on: loop)
        let address = try await listen(first, port: options.port)
        let others = try (1..<options.loops).map { _ in try LoopThread(name: "coro-serve") }
        var servers = [first]
        for other in others {
            let server = server(on: other.loop)
            // Where the first one is: with port 0 it was the kernel that chose.
            _ = try await listen(server, port: address.port)
            servers.append(server)
        }
        ServerProcess.say("listening on \(security == nil ? "http" : "https")://\(address)/")
        if let lines = security?.introduction(at: address) { ServerProcess.say(lines) }
        if let shortcoming = security?.shortcoming { ServerProcess.say(shortcoming) }

        while try await signals.next() == SIGHUP, let security, security.mayReload {
            ServerProcess.say(await security.reload(on: loop))
        }
        let stopping = loop.spawn { [servers] in await stop(servers) }
        let impatience = loop.spawn {
            if let signal = try await signals.next() {
                security?.end()
                _exit(128 + signal)
            }
        }
        try await stopping.value
        impatience.cancel()
        for other in others { try other.stop() }
        log?.finish()
    }

    /// How long answers under way may take after the first signal.
    private static let grace = Duration.seconds(30)

    private func stop(_ servers: [HTTPServer]) async {
        let endings = servers.map { server in
            server.loop.spawn { await server.shutdown(grace: Service.grace) }
        }
        for ending in endings { try? await ending.value }
    }

    private func server(on loop: EventLoop) -> HTTPServer {
        HTTPServer(on: loop, whenAnswered: log?.answered, handler: handler)
    }

    // MARK: Listening

    /// Why there is nothing to serve on.
    struct CannotListen: Error, CustomStringConvertible {
        let address: SocketAddress
        let error: IOError

        var description: String {
            let cure =
                switch error.code {
                case EADDRINUSE:
                    "Port \(address.port) is in use. Stop what listens there, or choose another with --port; 0 picks one."
                case EACCES: "Ports below 1024 are for root. Choose another with --port."
                case EADDRNOTAVAIL: "This machine has no such address. Choose another with --bind."
                default: "\(error)."
                }
            return "Cannot listen on \(address). \(cure)"
        }
    }

    private func listen(_ server: HTTPServer, port: UInt16) async throws -> SocketAddress {
        // The command line was checked, so that the address is one.
        guard let address = SocketAddress(ip: options.host, port: port) else { throw LoopError.closed }
        do {
            let reusePort = options.loops > 1
            guard let security else { return try await server.listen(on: address, reusePort: reusePort) }
            return try await security.listen(server, on: address, reusePort: reusePort, log: log)
        } catch let error as IOError {
            throw CannotListen(address: address, error: error)
        }
    }
}
