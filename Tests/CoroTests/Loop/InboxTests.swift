import Coro
import CoroTesting
import Glibc
import Synchronization
import Testing

@Suite struct InboxTests {
    @Test func `case 23: a callback from another thread wakes a loop that sleeps in poll`() async throws {
        let delays = try await withLoop { loop in
            // Without timers and without work the loop would sleep for ever.
            var delays: [Int64] = []
            for _ in 0..<20 {
                let promise = loop.promise(of: Int64.self)
                startThread {
                    usleep(1_000)
                    let sent = realTime()
                    loop.addCallback { promise.trySucceed(realTime() - sent) }
                }
                delays.append(try await promise.future.value)
            }
            return delays
        }
        #expect(delays.allSatisfy { $0 < 200_000_000 })
    }

    @Test func `callbacks of several threads all arrive, each thread's in its order`() async throws {
        try await withLoop { loop in
            let arrived = Journal<(thread: Int, number: Int)>()
            for thread in 0..<4 {
                startThread {
                    for number in 0..<2_000 { loop.addCallback { arrived.note((thread, number)) } }
                }
            }
            while arrived.entries.count < 8_000 { try await loop.sleep(for: .milliseconds(1)) }
            for thread in 0..<4 {
                let numbers = arrived.entries.filter { $0.thread == thread }.map(\.number)
                #expect(numbers == Array(0..<2_000))
            }
        }
    }

    @Test func `a ping-pong between two loops never misses a wake-up`() async throws {
        try await withLoop { here in
            let there = try EventLoop()
            async let serving: Void = onOwnThread {
                try there.run()
                try there.close()
            }
            let done = here.promise(of: Int.self)
            @Sendable func ping(_ number: Int) {
                if number == 5_000 { return done.trySucceed(number) ? () : () }
                there.addCallback { here.addCallback { ping(number + 1) } }
            }
            ping(0)
            #expect(try await done.future.value == 5_000)
            there.stop()
            try await serving
        }
    }

    @Test func `stop from another thread ends a run that sleeps`() async throws {
        let loop = try EventLoop()
        startThread {
            usleep(2_000)
            loop.stop()
        }
        try await onOwnThread {
            try loop.run()
            try loop.close()
        }
    }

    @Test func `work added while nobody runs the loop waits for the run`() async throws {
        let loop = try EventLoop()
        let ran = Journal<Int>()
        try await onOwnThread {
            for number in 0..<10 { loop.addCallback { ran.note(number) } }
        }
        #expect(ran.entries == [])
        loop.stop()
        try loop.run()
        #expect(ran.entries == Array(0..<10))
        try loop.close()
    }
}
