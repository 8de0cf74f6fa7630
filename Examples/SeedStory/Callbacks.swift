// Second way: tell the loop what to call when a socket is ready, and return. Both requests wait at once, so they take one
// second together. The price: one function has become three, and what it knew has to be handed from each to the next.

import Coro

final class Callbacks: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): everything below happens on the one thread that runs the loop.

    private let loop: EventLoop
    private let port: UInt16
    /// Requests that are not answered yet.
    private var count = 0

    static func run(port: UInt16) throws {
        let story = Callbacks(loop: try EventLoop(), port: port)
        try story.request()
        try story.request()
        try runToEnd(story.loop) { story.count == 0 }
    }

    private init(loop: EventLoop, port: UInt16) {
        self.loop = loop
        self.port = port
    }

    private func request() throws {
        let socket = try PlainSocket(port: port, isBlocking: false)
        count += 1
        try loop.addHandler(socket.descriptor, interest: .writable) { _ in try self.writable(socket) }
    }

    private func writable(_ socket: PlainSocket) throws {
        loop.removeHandler(socket.descriptor)
        try socket.sendRequest()
        try loop.addHandler(socket.descriptor, interest: .readable) { _ in try self.readable(socket) }
    }

    private func readable(_ socket: PlainSocket) throws {
        loop.removeHandler(socket.descriptor)
        try socket.receiveAnswer()
        socket.close()
        count -= 1
        if count == 0 { loop.stop() }
    }
}

/// Runs a loop whose callbacks stop it when they have finished; a failure among them is reported, and ends in this error.
func runToEnd(_ loop: EventLoop, isFinished: () -> Bool) throws {
    loop.callLater(.seconds(5)) { loop.stop() }
    try loop.run()
    try loop.close()
    guard isFinished() else { throw Unexpected("no answer within five seconds") }
}
