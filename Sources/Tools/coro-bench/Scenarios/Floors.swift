// What Swift's runtime takes for its part, without Coro: no row above can be faster than what it is made of.

internal import Coro

extension Scenario {
    static let floors = [
        Scenario(
            "swift alone", "suspend and resume",
            about: "a continuation resumed on a task executor that does nothing but keep the job and run it"
        ) { meter in
            let executor = BareExecutor()
            let pause = Pause()
            try await meter.measure(50_000) { count in
                Task(executorPreference: executor) {
                    for _ in 0..<count { await withUnsafeContinuation { pause.continuation = $0 } }
                }
                executor.run()
                for _ in 0..<count {
                    pause.continuation.take()?.resume()
                    executor.run()
                }
            }
        },
        Scenario(
            "swift alone", "start a task", about: "Task(executorPreference:) { }, and its job run, on such an executor"
        ) { meter in
            let executor = BareExecutor()
            try await meter.measure(50_000) { count in
                for number in 0..<count {
                    Task(executorPreference: executor) { blackHole(number) }
                    executor.run()
                }
            }
        },
        Scenario(
            "swift alone", "cancellation handler",
            about: "withTaskCancellationHandler around nothing: every wait that can be cancelled has one"
        ) { meter in
            try await meter.measure(100_000) { count in
                for number in 0..<count {
                    await withTaskCancellationHandler {
                        blackHole(number)
                    } onCancel: {
                        blackHole(number)
                    }
                }
            }
        },
        Scenario("swift alone", "read a task-local", about: "one that is not bound; a deadline is one") { meter in
            try await meter.measure(100_000) { count in
                for _ in 0..<count { blackHole(Floor.local) }
            }
        },
        Scenario("swift alone", "bind a task-local", about: "withValue around nothing") { meter in
            try await meter.measure(100_000) { count in
                for number in 0..<count { Floor.$local.withValue(number) { blackHole(number) } }
            }
        },
        Scenario(
            "swift alone", "make an object",
            about: "one swift_allocObject of 48 bytes: it proves that allocations count"
        ) { meter in
            let keeper = Keeper()
            try await meter.measure(100_000) { count in
                for number in 0..<count { keeper.object = FourNumbers(number) }
            }
            blackHole(keeper.object)
        },
        Scenario(
            "swift alone", "make a thousand objects",
            about: "120 bytes each, as a future has, alive together, then let go"
        ) { meter in
            var objects: [Large] = []
            objects.reserveCapacity(1_000)
            try await meter.measure(100_000) { count in
                for _ in 0..<count / 1_000 {
                    for number in 0..<1_000 { objects.append(Large(number)) }
                    objects.removeAll(keepingCapacity: true)
                }
            }
        },
        Scenario(
            "swift alone", "touch one of 100 000 objects",
            about: "a number in one of 56 bytes, in random order: what finding a timer again takes"
        ) { meter in
            var random: UInt64 = 0x9E37_79B9_7F4A_7C15
            var objects = (0..<100_000).map { FiveNumbers($0) }
            for place in objects.indices.reversed() {
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                objects.swapAt(place, Int(random >> 33) % (place + 1))
            }
            try await meter.measure(100_000) { count in
                for number in 0..<count { objects[number].number &+= 1 }
            }
        },
        Scenario(
            "swift alone", "await an async function", about: "a nonisolated(nonsending) function that does not suspend"
        ) { meter in
            try await meter.measure(100_000) { count in
                for number in 0..<count { blackHole(await Floor.identity(number)) }
            }
        },
    ]
}

private enum Floor {
    @TaskLocal static var local: Int?

    @inline(never)
    static func identity(_ number: Int) async -> Int { number }
}

private final class Pause: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): the task that waits and the one that resumes it take turns on one thread.
    var continuation: UnsafeContinuation<Void, Never>?
}

/// Keeps one job until it is told to run it.
private final class BareExecutor: TaskExecutor, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): one thread enqueues and runs.
    private var job: UnownedJob?

    func enqueue(_ job: consuming ExecutorJob) { self.job = UnownedJob(job) }
    func run() { job.take()?.runSynchronously(on: asUnownedTaskExecutor()) }
    func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
}

/// A header of two words and four of its own.
private final class FourNumbers {
    let numbers: (Int, Int, Int, Int)
    init(_ number: Int) { numbers = (number, number, number, number) }
}

/// As large as a future: 120 bytes with the header.
private final class Large {
    private let numbers: (FiveWords, FiveWords, Int, Int, Int)
    init(_ number: Int) { numbers = ((number, 0, 0, 0, 0), (0, 0, 0, 0, 0), 0, 0, 0) }

    private typealias FiveWords = (Int, Int, Int, Int, Int)
}

/// As large as a timer.
private final class FiveNumbers {
    var number: Int
    let numbers = (0, 0, 0, 0)
    init(_ number: Int) { self.number = number }
}

private final class Keeper {
    var object: FourNumbers?
}
