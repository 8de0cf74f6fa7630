// Starting something and waiting for what it comes to.

internal import Coro

extension Scenario {
    static let tasks = [
        Scenario(
            "start", "a task, and await it", aim: 600,
            about: "spawn, its run, and task.value; a hundred callers that take turns"
        ) { meter in
            let loop = meter.loop
            try await meter.measure(50_000) { count in
                try await inTurn(count, on: loop) { count in
                    for number in 0..<count { blackHole(try await loop.spawn { number }.value) }
                }
            }
        },
        Scenario(
            "start", "a task, and await it, alone", aim: 600,
            about: "the same with one caller: two iterations each, with their epoll_wait"
        ) { meter in
            let loop = meter.loop
            try await meter.measure(10_000) { count in
                for number in 0..<count { blackHole(try await loop.spawn { number }.value) }
            }
        },
        Scenario(
            "start", "a thousand tasks, and await them", aim: 600,
            about: "spawn a thousand, then await each; for one task"
        ) { meter in
            let loop = meter.loop
            try await meter.measure(40_000) { count in
                for _ in 0..<count / 1_000 {
                    let tasks = (0..<1_000).map { number in loop.spawn { number } }
                    for task in tasks { blackHole(try await task.value) }
                }
            }
        },
        Scenario(
            "start", "a coroutine that never waits", aim: 600, about: "loop.coroutine { co in 1 }, and its value"
        ) { meter in
            let loop = meter.loop
            try await meter.measure(10_000) { count in
                for number in 0..<count { blackHole(try await loop.coroutine { _ in number }.value) }
            }
        },
        Scenario(
            "start", "a coroutine that waits once",
            about:
                "loop.coroutine { co in try await co.yield(.moment) }, and its value; a hundred callers that take turns"
        ) { meter in
            let loop = meter.loop
            try await meter.measure(50_000) { count in
                try await inTurn(count, on: loop) { count in
                    for _ in 0..<count {
                        try await loop.coroutine { co in try await co.yield(.moment) }.value
                    }
                }
            }
        },
    ]
}
