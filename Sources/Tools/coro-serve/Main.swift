// coro-serve: from the command line to an exit code. What is served is in `Demo` and in Http's `StaticFiles`.

internal import Console
internal import Coro
internal import Glibc
internal import Http

@main struct Main {
    static func main() {
        switch CommandLineArguments.parse(Array(CommandLine.arguments.dropFirst())) {
        case .help:
            Console.print(CommandLineArguments.help)
        case .version:
            Console.print(ToolVersion.line("coro-serve"))
        case .wrong(let complaint):
            ServerProcess.say(complaint + "\nTry coro-serve --help.")
            exit(2)
        case .serve(let options):
            exit(run(options))
        }
    }

    private static func run(_ options: Options) -> Int32 {
        ServerProcess.raiseDescriptorLimit()
        do {
            var handler: HTTPServer.Handler
            if let directory = options.directory {
                guard let files = try? StaticFiles(directory: directory) else {
                    ServerProcess.say("There is no directory \(directory) that can be read. Name one that is there.")
                    return 2
                }
                var router = Router()
                router.get("/{path...}", files.handler)
                handler = router.handler
            } else {
                handler = Demo.router.handler
            }
            let security: Security?
            do {
                security = try Security(options)
            } catch {
                ServerProcess.say(error.text)
                return 2
            }
            defer { security?.end() }
            if security != nil { handler = withoutSniffing(handler) }
            let loop = try EventLoop()
            // Before any other thread is there to take a signal the old way.
            let signals = try loop.signals([SIGINT, SIGTERM] + (security == nil ? [] : [SIGHUP]))
            try loop.runSync {
                try await Service(options, security, on: loop, handler: handler).run(until: signals)
            }
            return 0
        } catch let failure as CannotListen {
            ServerProcess.say("\(failure)")
        } catch {
            ServerProcess.say("\(error)")
        }
        return 1
    }

    /// Has browsers take the type of an answer as it is said, and guess no other from its bytes (X-Content-Type-Options,
    /// Fetch Standard). That is right for every answer; over plain HTTP, where anybody on the way may change both, it would
    /// promise what nobody can keep.
    private static func withoutSniffing(_ handler: @escaping HTTPServer.Handler) -> HTTPServer.Handler {
        { request in
            var response = try await handler(request)
            try response.fields.set("X-Content-Type-Options", "nosniff")
            return response
        }
    }
}
