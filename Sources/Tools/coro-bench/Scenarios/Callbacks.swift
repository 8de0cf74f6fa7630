// Callbacks: on the loop's thread, and from another.

internal import Coro
internal import Glibc

extension Scenario {
    static let callbacks = [
        Scenario(
            "callback", "next iteration", aim: 40, about: "addCallback on the loop's thread; a thousand an iteration"
        ) { meter in
            let loop = meter.loop
            let ran = Counter()
            try await meter.measure(100_000) { count in
                for _ in 0..<count / 1_000 {
                    for _ in 0..<1_000 { loop.addCallback { ran.value += 1 } }
                    try await loop.moment()
                }
            }
            blackHole(ran.value)
        },
        Scenario(
            "callback", "one an iteration",
            about: "a callback that adds itself again: a whole iteration, its epoll_wait among it"
        ) { meter in
            let chain = CallbackChain(on: meter.loop)
            try await meter.measure(10_000) { count in try await chain.run(count) }
        },
        Scenario(
            "callback", "from another thread, in bursts",
            about: "another thread adds a hundred thousand; until the last has run", crossesThreads: true
        ) { meter in
            let loop = meter.loop
            let ran = Counter()
            try await meter.measure(100_000) { count in
                let last = loop.promise(of: Void.self)
                Task.detached {
                    for _ in 0..<count { loop.addCallback { ran.value += 1 } }
                    last.trySucceed(())
                }
                try await last.future.value
            }
            blackHole(ran.value)
        },
        Scenario(
            "callback", "from another thread, one wake each",
            about: "another thread adds one to a sleeping loop and waits until it has run: two thread wake-ups",
            crossesThreads: true
        ) { meter in
            let loop = meter.loop
            try await meter.measure(2_000) { count in
                await Task.detached {
                    let ran = Semaphore()
                    for _ in 0..<count {
                        loop.addCallback { ran.post() }
                        ran.wait()
                    }
                }.value
            }
        },
    ]
}

/// A callback that adds itself again until it has run so many times.
private final class CallbackChain: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): touched on the loop's thread only.
    private let loop: EventLoop
    private var left = 0
    private var done: Promise<Void>?

    init(on loop: EventLoop) { self.loop = loop }

    func run(_ count: Int) async throws {
        let done = loop.promise(of: Void.self)
        self.done = done
        left = count
        loop.addCallback { self.step() }
        try await done.future.value
    }

    private func step() {
        left -= 1
        if left > 0 { loop.addCallback { self.step() } } else { done?.trySucceed(()) }
    }
}

/// sem_overview(7), for threads that wait for each other.
final class Semaphore: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): made to be shared; it has an address of its own for life.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func post() { sem_post(semaphore) }

    func wait() {
        while sem_wait(semaphore) != 0, errno == EINTR {}
    }
}
