import Coro
import CoroTesting
import Glibc
import Testing

/// The snippets of Docs/Coroutines.md that the seeds' own tests do not have, compiled and run: what they show is tested
/// elsewhere, one behaviour at a time.
@Suite struct CoroutinesPageTests {
    @Test func `wrapping, tuples, thunks and delegation`() async throws {
        try await withLoop { loop async throws in
            @Sendable func fetch(_ url: String) -> Future<String> { Future(on: loop, .finished("page of \(url)")) }
            let fetchTwice = loop.wrap { (co: Coroutine, url: String) in try await co.yield([fetch(url), fetch(url)]) }
            let pages = fetchTwice("http://one.test/")
            #expect(try await pages.value.count == 2)

            @Sendable func legacyRead(_ path: String, _ done: @Sendable (Oops?, String?) -> Void) { done(nil, path) }
            let future = loop.coroutine { co in
                let (user, posts) = try await co.yield(fetch("user"), Future(on: loop, .finished(3)))
                let text: String = try await co.yield(Thunk.errorFirst { done in legacyRead("/etc/motd", done) })
                return "\(user) \(posts) \(text)"
            }
            #expect(try await future.value == "page of user 3 /etc/motd")

            func moreNumbers() -> Generator<Int, Void, Void> { Generator { try await $0.yield(2) } }
            func numbers() -> Generator<Int, Void, Void> {
                Generator { yielder in
                    try await yielder.yield(1)
                    try await yielder.yield(from: moreNumbers())
                }
            }
            var seen: [Int] = []
            for number in numbers().results { seen.append(try number.get()) }
            #expect(seen == [1, 2])
        }
    }

    @Test func `many futures`() async throws {
        try await withLoop { loop async throws in
            let urls = ["a", "b", "c"]
            @Sendable func fetch(_ url: String) -> Future<String> { loop.sleep(.zero).map { url } }
            let pages = try await loop.gathered(urls.map(fetch))
            let same = try await urls.mapConcurrently(limit: 8, on: loop) { url in
                try await fetch(url).value
            }
            #expect(pages == same)
            let fastest = try await loop.firstSuccess(urls.map(fetch)).value
            #expect(urls.contains(fastest))
            let patient = try await fetch("a").withTimeout(.seconds(5), "a is slow").value
            let strict = try await fetch("a").orCancel(after: .seconds(5)).value
            #expect(patient == strict)
            var count = 0
            for try await done in loop.asCompleted(urls.map(fetch)) {
                #expect(try done.get() == urls[done.index])
                count += 1
            }
            #expect(count == 3)
            let pulled = loop.coroutine { co in
                let completions = loop.asCompleted(urls.map(fetch))
                var order: [Int] = []
                while let done = try await co.yield(completions.nextFuture()) { order.append(done.index) }
                return order
            }
            #expect(try await pulled.value.sorted() == [0, 1, 2])
        }
    }

    @Test func `the cursor loop, periods and ticks`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let left = Journal<Int>()
            @Sendable func fetchNext() -> Future<Int?> {
                left.note(1)
                let count = left.entries.count
                return loop.sleep(.seconds(1)).map { count > 3 ? nil : count }
            }
            var documents: [Int] = []
            for try await document in loop.sequence({ fetchNext() }) { documents.append(document) }
            #expect(documents == [1, 2, 3])

            let rounds = Journal<Void>()
            let periodic = loop.every(.seconds(60), jitter: 0.1) {
                try await loop.sleep(for: .seconds(1))
                rounds.note(())
            }
            var ticks = 0
            for try await _ in loop.ticks(every: .seconds(100)) {
                ticks += 1
                if ticks == 3 { break }
            }
            periodic.stop()
            // The round that is under way goes on to its end.
            try await loop.sleep(for: .seconds(2))
            #expect(rounds.entries.count >= 3)
        }
    }

    @Test func `scopes, locks and queues`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let done = Journal<Int>()
            let total = try await loop.withScope { scope in
                scope.spawn(name: "ticker") { while true { try await loop.sleep(for: .seconds(1)) } }
                let one = scope.spawn { 1 }
                let two = scope.spawn { 2 }
                let sum = try await one.value + two.value
                scope.cancel()
                return sum
            }
            #expect(total == 3)

            let lock = Lock(on: loop)
            let jobs = Queue<Int>(on: loop, capacity: 2)
            let workers = (0..<4).map { _ in
                loop.spawn {
                    for try await job in jobs {
                        try await lock.withLock { done.note(job) }
                        try jobs.taskDone()
                    }
                }
            }
            for job in 0..<10 { try await jobs.put(job) }
            try await jobs.join()
            jobs.close()
            for worker in workers { try await worker.value }
            #expect(done.entries.sorted() == Array(0..<10))

            let event = Event(on: loop)
            event.set()
            try await loop.withTimeout(.seconds(5)) { try await event.wait() }
        }
    }

    @Test func `blocking work, descriptors and a second loop`() async throws {
        try await withLoop { loop async throws in
            @Sendable func readFile() throws -> String { "text" }
            let text = try await loop.runBlocking { try readFile() }
            let same = loop.coroutine { co in try await co.yield(loop.blocking { try readFile() }) }
            #expect(try await same.value == text)

            let pair = SocketPair()
            pair.send("x", to: \.left)
            try await loop.whenReady(pair.left, .readable)

            let worker = try LoopThread(name: "worker")
            let sum = try await worker.loop.spawn { 1 + 1 }.value
            #expect(sum == 2)
            try worker.stop()
        }
    }

    @Test func `a server, a client, and names`() async throws {
        try await withLoop { loop async throws in
            let listeners = try await Listener.bind(to: "localhost", port: 0, on: loop)
            try await loop.withScope { scope in
                for listener in listeners {
                    scope.spawn {
                        try await listener.serve(connectionsMax: 1_000, grace: .seconds(5)) { stream in
                            while let bytes = try await stream.read() { try await stream.write(bytes) }
                        }
                    }
                }
                var names = OverrideResolver()
                names.override("api.test", with: listeners.map(\.address))
                let resolver = names
                let stream = try await loop.withTimeout(.seconds(30)) {
                    try await Connector(loop: loop, resolver: resolver).connect(host: "api.test", port: 80)
                }
                try await stream.write("hello")
                #expect(try await stream.read(exactly: 5) == Array("hello".utf8))
                stream.close()
                for listener in listeners { listener.close() }
            }
        }
    }

    @Test func `streams`() async throws {
        @Sendable func answer(_ stream: ByteStream) async throws {
            try stream.set(SocketOptions(keepAlive: .on))
            stream.inputLimit = 1024 * 1024
            guard try await stream.peek(atLeast: 1)[0] == UInt8(ascii: "P") else { return stream.reset() }
            let head = try await stream.read(until: Array("\r\n\r\n".utf8), limit: 16 * 1024)
            try await stream.write(pieces: [greeting, head])
            for try await chunk in stream.chunks() {
                stream.append(chunk)
                try await stream.drain()
            }
            try await stream.flush()
        }
        let greeting = Array("HTTP/1.1 200 OK\r\n\r\n".utf8)
        try await withLoop { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            let serving = loop.spawn { try await listener.serve { try await answer($0) } }
            let connector = Connector(loop: loop, options: SocketOptions(keepAlive: .on))

            let stream = try await connector.connect(to: listener.address)
            stream.waterMarks = WaterMarks(low: 1024, high: 4096)
            let head = "POST / HTTP/1.1\r\n\r\n"
            stream.append(head)
            try await stream.drain()
            try await stream.write("body")
            stream.finishWriting()
            #expect(try await stream.collect() == greeting + Array((head + "body").utf8))

            let other = try await connector.connect(to: listener.address)
            try await other.write("no request")
            await #expect(throws: StreamError.self) { try await other.collect() }

            listener.close()
            try await serving.value
        }
    }

    @Test func `programs, datagrams and files`() async throws {
        try await withLoop { loop async throws in
            let listing = try await loop.withTimeout(.seconds(50)) { try await loop.run("ls", "/").text }
            #expect(listing.contains("proc"))

            let sorted = Journal<String>()
            try await loop.withSubprocess("sort", input: .pipe) { sort in
                try await sort.standardInput!.write("b\na\n")
                sort.standardInput!.close()
                for try await line in sort.standardOutput!.lines() { sorted.note(line) }
                try await sort.wait().requireSuccess(of: "sort")
            }
            #expect(sorted.entries == ["a", "b"])

            let path = "/tmp/coro-page-\(getpid())"
            try await loop.writeFile(path, Array("state".utf8))
            let settings = try await loop.readFile(path, limit: 64 * 1024)
            #expect(settings == Array("state".utf8))
            unlink(path)
        }
    }

    @Test func `who hangs where`() async throws {
        final class Tracer: LoopObserver {}
        try await withLoop { loop async throws in
            loop.reportSlow(over: .seconds(20))
            loop.watch(blockedFor: .seconds(60))
            loop.addObserver(Tracer())
            #expect(try await loop.dumpTasks().contains("task"))
            #expect(try await loop.statistics().iterations > 0)
            loop.reportSlow(over: nil)
            loop.watch(blockedFor: nil)
        }
    }

    @Test func `a greeting survives any network`() async throws {
        @Sendable func greet(_ stream: ByteStream) async throws {
            _ = try await stream.read(until: 10)
            try await stream.write(Array("hello\n".utf8))
        }
        @Sendable func ask(_ stream: ByteStream) async throws -> String {
            try await stream.write(Array("who?\n".utf8))
            return String(decoding: try await stream.read(until: 10).dropLast(), as: UTF8.self)
        }
        try await withLoop(clock: ManualClock(whenIdle: .jumps), order: .seeded()) { loop async throws in
            try await forEachStep(.reset, in: .oneByteAtATime) { plan in
                let pair = try StreamPair(on: loop)
                pair.left.inject(plan)
                let right = pair.right
                let serving = loop.spawn { try await greet(right) }
                do { #expect(try await ask(pair.left) == "hello") } catch is StreamError { #expect(plan.isReached) }
                pair.close()
                _ = try? await serving.value
            }
        }
    }

    @Test func `who falls silent is given up`() async throws {
        @Sendable func greet(_ stream: ByteStream) async throws { try await stream.write("hello, world\n") }
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            let serving = loop.spawn { try await listener.serve { try await greet($0) } }
            let path = try FaultyPath(to: listener.address, on: loop, downstream: .smooth.with(.silence, atByte: 5))
            let stream = try await Connector(loop: loop).connect(to: path.address)
            await #expect(throws: TimeoutError.self) {
                _ = try await loop.withTimeout(.seconds(30)) { try await stream.read(until: 10) }
            }
            #expect(Array(stream.unread) == Array("hello".utf8))
            path.close()
            listener.close()
            try await serving.value
        }
    }
}
