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
        let others = try (1..<options.loops).map { _ in try LoopThread(name: "coro-serve") }
        let servers = ([loop] + others.map(\.loop)).map { server(on: $0) }
        let addresses = try await Listening(options, security, log).begin(servers)
        for address in addresses {
            ServerProcess.say("listening on \(security == nil ? "http" : "https")://\(address)/")
        }
        if let lines = addresses.first.flatMap({ security?.introduction(at: $0) }) { ServerProcess.say(lines) }
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
}
