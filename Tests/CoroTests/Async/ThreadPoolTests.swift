@testable import Coro
import CoroTesting
import Glibc
import Testing

/// How many threads a pool has, and in which order they work.
@Suite(.ownThread) struct ThreadPoolTests {
    @Test func `no more threads work than the pool may have, and the queue is in order`() async throws {
        let pool = ThreadPool(threadsMax: 1)
        try await withLoop { loop async throws in
            let gate = Gate()
            let begun = loop.promise(of: Void.self)
            let order = Journal<Int>()
            let first = loop.blocking(on: pool) {
                begun.trySucceed(())
                gate.wait()
            }
            try await begun.future.value
            let rest = (0..<100).map { number in loop.blocking(on: pool) { order.note(number) } }
            #expect(pool.statistics == ThreadPool.Statistics(threads: 1, running: 1, queued: 100))
            gate.open()
            try await first.value
            _ = try await loop.gather(rest).value
            #expect(order.entries == Array(0..<100))
            #expect(pool.statistics.queued == 0)
        }
    }

    @Test func `a pool may be given more threads, and fewer`() async throws {
        let pool = ThreadPool(threadsMax: 1)
        try await withLoop { loop async throws in
            let gate = Gate()
            let work = (0..<4).map { _ in
                let begun = loop.promise(of: Void.self)
                return (
                    begun.future,
                    loop.blocking(on: pool) {
                        begun.trySucceed(())
                        gate.wait()
                    }
                )
            }
            try await work[0].0.value
            #expect(pool.statistics.queued == 3)
            pool.threadsMax = 3
            for number in 1..<3 { try await work[number].0.value }
            #expect(pool.statistics == ThreadPool.Statistics(threads: 3, running: 3, queued: 1))
            pool.threadsMax = 1
            for _ in work { gate.open() }
            for (_, future) in work { try await future.value }
            while pool.statistics.threads > 1 { try await loop.moment() }
            #expect(pool.threadsMax == 1)
        }
    }

    @Test func `idle threads that a pool may no longer have end, and take no call for work with them`() async throws {
        let pool = ThreadPool(threadsMax: 2, idleTimeout: .seconds(3600))
        try await withLoop { loop async throws in
            let (one, two) = (Gate(), Gate())
            let first = loop.blocking(on: pool) {
                one.open()
                two.wait()
            }
            let second = loop.blocking(on: pool) {
                two.open()
                one.wait()
            }
            _ = try await loop.gather(first, second).value
            while pool.statistics.running > 0 { try await loop.moment() }
            #expect(pool.statistics.threads == 2)
            pool.threadsMax = 1
            #expect(try await loop.withTimeout(.seconds(10)) { try await loop.runBlocking(on: pool) { 1 } } == 1)
            while pool.statistics.threads > 1 { try await loop.moment() }
        }
    }

    @Test func `ten thousand pieces of work are all done, by few threads`() async throws {
        let pool = ThreadPool(threadsMax: 4)
        try await withLoop { loop async throws in
            let futures = (0..<10_000).map { number in loop.blocking(on: pool) { number } }
            #expect(pool.statistics.threads <= 4)
            #expect(try await loop.gather(futures).value == Array(0..<10_000))
        }
    }

    @Test func `threads that have nothing to do end, and others are started when they are needed`() async throws {
        let pool = ThreadPool(threadsMax: 2, idleTimeout: .zero)
        try await withLoop { loop async throws in
            for _ in 0..<20 {
                #expect(try await loop.runBlocking(on: pool) { 1 } == 1)
                while pool.statistics.threads > 0 { try await loop.moment() }
            }
        }
    }
}
