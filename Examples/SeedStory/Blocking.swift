// First way: ask, sleep until the answer is there, ask again. Easy to read. The thread does nothing for two seconds, and
// the second request is not even sent before the first is answered.

enum Blocking {
    static func run(port: UInt16) throws {
        try request(port)
        try request(port)
    }

    private static func request(_ port: UInt16) throws {
        let socket = try PlainSocket(port: port, isBlocking: true)
        defer { socket.close() }
        try socket.sendRequest()
        try socket.receiveAnswer()
    }
}
