// What this program is when it has started itself: a server to measure, a load, or the way to another program. Servers of the
// tool's own are processes like all the others, so that their CPU time is theirs alone.

enum Role: Equatable {
    /// Another program, on one core.
    case confined(core: Int32, words: [String])
    /// A server of streams, by Coro or by bare system calls.
    case server(StreamServer)
    #if TLS
    /// A load for servers that speak TLS.
    case client(SecureClient)
    #endif

    /// The word that stands before a role, in place of a command.
    static let flag = "--as"

    /// Reads the words behind the program's name; nil for those of people.
    init?(_ words: [String]) {
        guard words.count > 2, words[0] == Role.flag else { return nil }
        if words[1] == "confined", words.count > 3, let core = Int32(words[2]) {
            self = .confined(core: core, words: Array(words[3...]))
        } else if words.count > 3, let maker = StreamServer.Maker(rawValue: words[1]), let bytes = Int(words[3]),
            bytes > 0,
            let service = StreamServer.Service(rawValue: words[2])
        {
            self = .server(StreamServer(maker: maker, service: service, messageBytes: bytes))
        } else if let client = Role.client(words) {
            self = client
        } else {
            return nil
        }
    }

    private static func client(_ words: [String]) -> Role? {
        #if TLS
        SecureClient(Array(words.dropFirst())).map { .client($0) }
        #else
        nil
        #endif
    }

    /// Does not come back.
    func play() -> Never {
        switch self {
        case .confined(let core, let words): Confinement.become(words, on: core)
        case .server(let server): server.run()
        #if TLS
        case .client(let client): client.run()
        #endif
        }
    }
}
