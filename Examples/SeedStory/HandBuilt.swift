// Third way: a generator stops where it has to wait and hands out a future. When the loop finds the socket ready it sets
// the future's result; that calls the task, and the task sends the generator on. With a `Future` and a `Task` of a few
// lines each, the request is one function again.

import Coro

private final class Future: @unchecked Sendable {
    // SAFETY (@unchecked Sendable), for all three classes: everything here happens on the thread that runs the loop.
    private var callbacks: [() throws -> Void] = []

    func addDoneCallback(_ callback: @escaping () throws -> Void) { callbacks.append(callback) }
    func setResult() throws { for callback in callbacks { try callback() } }
}

private final class Task {
    private let coro: Generator<Future, Void, Void>
    init(_ coro: Generator<Future, Void, Void>) { self.coro = coro }

    func step() throws {
        guard case .yielded(let future) = try coro.send(()) else { return }
        future.addDoneCallback(step)
    }
}

final class HandBuilt: @unchecked Sendable {
    private let loop: EventLoop
    private var count = 0

    static func run(port: UInt16) throws {
        let story = HandBuilt(loop: try EventLoop())
        try Task(story.request(port)).step()
        try Task(story.request(port)).step()
        try runToEnd(story.loop) { story.count == 0 }
    }

    private init(loop: EventLoop) { self.loop = loop }

    private func request(_ port: UInt16) -> Generator<Future, Void, Void> {
        Generator { yielder in
            let socket = try PlainSocket(port: port, isBlocking: false)
            self.count += 1
            try await yielder.yield(self.whenReady(socket, .writable))
            try socket.sendRequest()
            try await yielder.yield(self.whenReady(socket, .readable))
            try socket.receiveAnswer()
            socket.close()
            self.count -= 1
            if self.count == 0 { self.loop.stop() }
        }
    }

    private func whenReady(_ socket: PlainSocket, _ interest: Readiness) throws -> Future {
        let future = Future()
        try loop.addHandler(socket.descriptor, interest: interest) { _ in
            self.loop.removeHandler(socket.descriptor)
            try future.setResult()
        }
        return future
    }
}
