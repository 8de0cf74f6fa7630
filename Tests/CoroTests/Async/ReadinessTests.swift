import Coro
import CoroTesting
import Glibc
import Testing

@Suite struct ReadinessTests {
    @Test func `S13: a task waits until a descriptor is ready, and it is registered no longer than that`() async throws
    {
        try await withLoop { loop async throws in
            let pair = SocketPair()
            #expect(try await loop.whenReady(pair.left, .writable).contains(.writable))
            let waiting = loop.spawn { try await loop.whenReady(pair.left, .readable) }
            try await loop.moment()
            #expect(throws: IOError.self) { try loop.addHandler(pair.left, interest: .readable) { _ in } }
            pair.send("x", to: \.left)
            #expect(try await waiting.value.contains(.readable))
            // Free for others, and for the next wait.
            try loop.addHandler(pair.left, interest: .readable) { _ in }
            loop.removeHandler(pair.left)
            #expect(try await loop.whenReady(pair.left, .readable).contains(.readable))
        }
    }

    @Test func `a descriptor that has a handler is refused, and the handler keeps working`() async throws {
        try await withLoop { loop async throws in
            let pair = SocketPair()
            let called = loop.promise(of: Void.self)
            try loop.addHandler(pair.left, interest: .readable) { _ in called.trySucceed(()) }
            await #expect(throws: IOError(call: "epoll_ctl", code: EEXIST)) {
                try await loop.whenReady(pair.left, .writable)
            }
            await #expect(throws: IOError(call: "epoll_ctl", code: EEXIST)) {
                try await loop.ready(pair.left, for: .writable).value
            }
            pair.send("x", to: \.left)
            try await called.future.value
            loop.removeHandler(pair.left)
        }
    }

    @Test func `what is no descriptor, and what is always ready, is refused`() async throws {
        try await withLoop { loop async throws in
            await #expect(throws: IOError(call: "epoll_ctl", code: EBADF)) { try await loop.whenReady(-1, .readable) }
            let file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
            defer { close(file) }
            await #expect(throws: IOError(call: "epoll_ctl", code: EPERM)) { try await loop.whenReady(file, .readable) }
        }
    }

    @Test func `a wait that is cancelled or timed out leaves the descriptor unregistered`() async throws {
        let clock = ManualClock(whenIdle: .jumps)
        try await withLoop(clock: clock) { loop async throws in
            let pair = SocketPair()
            let waiting = loop.spawn { try await loop.whenReady(pair.left, .readable) }
            try await loop.moment()
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.seconds(5)) { try await loop.whenReady(pair.left, .readable) }
            }
            let future = loop.ready(pair.left, for: .readable)
            future.cancel()
            try loop.addHandler(pair.left, interest: .readable) { _ in }
            loop.removeHandler(pair.left)
        }
    }

    @Test func `closing the loop ends the waits`() async throws {
        let loop = try EventLoop()
        let pair = SocketPair()
        let other = SocketPair()
        let waiting = loop.spawn { try await loop.whenReady(pair.left, .readable) }
        let future = loop.ready(other.left, for: .readable)
        try loop.runSync { try await loop.moment() }
        try loop.close()
        await #expect(throws: LoopError.closed) { try await waiting.value }
        await #expect(throws: LoopError.closed) { try await future.value }
        await #expect(throws: LoopError.closed) { try await loop.whenReady(pair.left, .readable) }
        await #expect(throws: LoopError.closed) { try await loop.ready(pair.left, for: .readable).value }
    }

    @Test func `a coroutine yields readiness, from its own loop and from another thread's`() async throws {
        let worker = try LoopThread()
        try await withLoop { loop async throws in
            let pair = SocketPair()
            let other = SocketPair()
            let coroutine = loop.coroutine { co in
                let writable = try await co.yield(loop.ready(pair.left, for: .writable))
                let readable = try await co.yield(worker.loop.ready(other.left, for: .readable))
                return writable.contains(.writable) && readable.contains(.readable)
            }
            other.send("x", to: \.left)
            #expect(try await coroutine.value)
        }
        try worker.stop()
    }

    @Test func `readiness comes again for as long as there is something to take`() async throws {
        try await withLoop { loop async throws in
            let pair = SocketPair()
            pair.send("abc", to: \.left)
            var taken: [UInt8] = []
            for try await readiness in loop.readiness(of: pair.left, interest: [.readable, .peerClosed]) {
                var byte: UInt8 = 0
                guard recv(pair.left, &byte, 1, 0) == 1 else {
                    #expect(readiness.contains(.peerClosed))
                    break
                }
                taken.append(byte)
                if taken.count == 3 { shutdown(pair.right, Int32(SHUT_WR)) }
            }
            #expect(taken == Array("abc".utf8))
        }
    }

    @Test func `the peer's end is told without being asked for`() async throws {
        try await withLoop { loop async throws in
            let pair = SocketPair()
            let waiting = loop.spawn { try await loop.whenReady(pair.left, []) }
            try await loop.moment()
            shutdown(pair.right, Int32(SHUT_RDWR))
            #expect(try await waiting.value.contains(.hangUp))
        }
    }
}
