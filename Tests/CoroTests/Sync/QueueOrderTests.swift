import CoroTesting
import Testing

@testable import Coro

@Suite struct QueueOrderTests {
    @Test func `a priority queue serves the lowest first`() async throws {
        try await withLoop { loop async throws in
            let queue = PriorityQueue<Int>(on: loop)
            let numbers = (0..<200).map { $0 * 7919 % 211 }
            for number in numbers { try await queue.put(number) }
            #expect(queue.count == 200)
            queue.close()
            var served: [Int] = []
            for try await number in queue { served.append(number) }
            #expect(served == numbers.sorted())
        }
    }

    @Test func `among equals a priority queue serves who came first`() async throws {
        try await withLoop { loop async throws in
            let queue = PriorityQueue<Job>(on: loop)
            for number in 0..<60 { try await queue.put(Job(priority: number % 3, number: number)) }
            var served: [Int] = []
            while let job = try queue.tryGet() { served.append(job.number) }
            #expect(served == (0..<3).flatMap { priority in (0..<60).filter { $0 % 3 == priority } })
        }
    }

    @Test func `a LIFO queue serves the newest first`() async throws {
        try await withLoop { loop async throws in
            let queue = LIFOQueue<Int>(on: loop)
            for number in 0..<10 { try await queue.put(number) }
            for number in (0..<10).reversed() { #expect(try await queue.get() == number) }
        }
    }

    @Test func `bounded ones wait for room like any queue, and hand over to who waits`() async throws {
        try await withLoop { loop async throws in
            for queue in [PriorityQueue<Int>(on: loop, capacity: 1), LIFOQueue<Int>(on: loop, capacity: 1)] {
                try await queue.put(5)
                let putter = loop.spawn { try await queue.put(1) }
                try await loop.moment()
                #expect(!putter.future.isDone)
                // What was not in the queue yet cannot be served before what was.
                #expect(try await queue.get() == 5)
                try await putter.value
                #expect(try await queue.get() == 1)
                let getter = loop.spawn { try await queue.get() }
                try await loop.moment()
                try await queue.put(9)
                #expect(try await getter.value == 9)
            }
        }
    }

    @Test func `a ring keeps its order while it grows, wraps around and is emptied`() {
        let ring = Ring<Int>()
        var model: [Int] = []
        var next = 0
        for round in 0..<3_000 {
            switch (round * 31 + round / 7) % 7 {
            case 0...2:
                ring.append(next)
                model.append(next)
            case 3:
                ring.prepend(next)
                model.insert(next, at: 0)
            case _ where model.isEmpty: #expect(ring.count == 0)
            case 4: #expect(ring.removeLast() == model.removeLast())
            default: #expect(ring.removeFirst() == model.removeFirst())
            }
            next += 1
            #expect(ring.count == model.count)
        }
        for number in 0..<5_000 { ring.append(number) }
        model += Array(0..<5_000)
        #expect(model.allSatisfy { $0 == ring.removeFirst() })
        #expect(ring.count == 0)
    }

    @Test func `a line keeps its order whoever leaves it`() throws {
        let loop = try EventLoop()
        defer { try? loop.close() }
        var line = Line()
        let places = (0..<6).map { _ in Place(on: loop) }
        for place in places { line.append(place) }
        for index in [0, 3, 5, 3] { line.remove(places[index]) }
        #expect(line.count == 3)
        line.append(places[0])
        for index in [1, 2, 4, 0] { #expect(line.takeFirst() === places[index]) }
        #expect(line.isEmpty && line.takeFirst() == nil && line.count == 0)
    }
}

private struct Job: Comparable {
    let priority: Int
    let number: Int
    static func < (left: Job, right: Job) -> Bool { left.priority < right.priority }
    static func == (left: Job, right: Job) -> Bool { left.priority == right.priority }
}
