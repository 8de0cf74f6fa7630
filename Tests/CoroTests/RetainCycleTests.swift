import Coro
import CoroTesting
import Testing

/// Each test proves by a weak reference that normal operation leaves nothing behind. That the loop itself goes is
/// checked by `withLoop`, in every test that uses it.
@Suite struct RetainCycleTests {
    private func expectGone(_ work: @escaping @Sendable (EventLoop, Held) async throws -> Void) async throws {
        try await withLoop { loop async throws in
            var held: Held? = Held()
            weak let gone = held
            if let held { try? await work(loop, held) }
            held = nil
            for _ in 0..<5 { try await loop.moment() }
            #expect(gone == nil)
        }
    }

    @Test func `a completed promise and its observers are let go of`() async throws {
        try await expectGone { loop, held in
            let promise = loop.promise(of: Held.self)
            promise.future.whenDone { _ in _ = held }
            promise.onCancel { _ = held }
            promise.trySucceed(held)
            _ = try await promise.future.value
        }
    }

    @Test func `a cancelled future is let go of`() async throws {
        try await expectGone { loop, held in
            let promise = loop.promise(of: Held.self)
            promise.future.whenDone { _ in _ = held }
            promise.onCancel { _ = (held, promise) }
            promise.future.cancel()
        }
    }

    @Test func `finished, failed and cancelled coroutines are let go of`() async throws {
        try await expectGone { loop, held in
            _ = try await loop.coroutine { co in
                try await co.yield()
                _ = held
            }.value
            _ = try? await loop.coroutine { co in
                try await co.yield()
                _ = held
                throw Oops("cycle")
            }.value
            let suspended = loop.coroutine { co in
                try await co.yield(loop.sleep(.seconds(3600)))
                _ = held
            }
            try await loop.moment()
            suspended.cancel()
        }
    }

    @Test func `finished and cancelled tasks are let go of`() async throws {
        try await expectGone { loop, held in
            _ = try await loop.spawn { _ = held }.value
            let sleeping = loop.spawn {
                try await loop.sleep(for: .seconds(3600))
                _ = held
            }
            try await loop.moment()
            sleeping.cancel()
            _ = try? await sleeping.value
        }
    }

    @Test func `gathers are let go of, those that failed early too`() async throws {
        try await expectGone { loop, held in
            for policy in [GatherPolicy.all, .cancelRest] {
                let promises = (0..<3).map { _ in loop.promise(of: Held.self) }
                for promise in promises { promise.onCancel { _ = held } }
                let gathered = loop.gather(promises.map(\.future), onFailure: policy)
                promises[0].tryFail(Oops("cycle"))
                promises[1].trySucceed(held)
                promises[2].trySucceed(held)
                _ = try? await gathered.value
            }
        }
    }

    @Test func `a coroutine suspended for ever is let go of when its loop closes, though its promise lives`()
        async throws
    {
        weak var gone: Held?
        let loop = try EventLoop()
        let promise = loop.promise(of: Int.self)
        func start() {
            let held = Held()
            gone = held
            _ = loop.coroutine { co in
                _ = try await co.yield(promise.future)
                _ = held
            }
        }
        start()
        loop.stop()
        try loop.run()
        #expect(gone != nil)
        try loop.close()
        #expect(gone == nil)
        _ = promise
    }

    @Test func `a gather that its loop's end left pending is let go of with its promises`() throws {
        weak var gone: EventLoop?
        func work() throws {
            let loop = try EventLoop()
            gone = loop
            let promises = (0..<2).map { _ in loop.promise(of: Int.self) }
            let gathered = loop.gather(promises.map(\.future))
            gathered.whenDone { _ in }
            loop.stop()
            try loop.run()
            try loop.close()
        }
        try work()
        #expect(gone == nil)
    }
}
