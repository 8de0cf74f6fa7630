import Coro
import Http

@main struct Main {
    static func main() throws {
        let loop = try EventLoop()
        try loop.runSync {
            var router = Router()
            let hello = HTTPServer.Response.text("Hello, world\n")
            router.get("/") { _ in hello }
            let server = HTTPServer(on: loop, handler: router.handler)
            let a = try await server.listen(on: .loopback(port: 8000))
            print("listening on \(a)")
            try await loop.sleep(for: .seconds(100000))
        }
    }
}
