// Answers to name look-ups, kept for a short time. Without their TTL, which getaddrinfo(3) does not tell, short is all that
// can be right. Only answers are kept: a name that fails is asked for again, so that what is put right works at once.

/// The addresses of names, bounded in time and number.
struct NameCache<Name: Hashable> {
    private struct Entry {
        let addresses: [SocketAddress]
        let expiry: LoopInstant
        /// How often it was the answer.
        var turn = 0
    }

    private var entries: [Name: Entry] = [:]
    private let lifetime: Duration
    private let countMax: Int

    init(lifetime: Duration, countMax: Int) {
        self.lifetime = lifetime
        self.countMax = countMax
    }

    var count: Int { entries.count }

    /// The addresses of `name`, if they are known and young enough. Each time another of a family comes first, so that
    /// hosts of one name share the load.
    mutating func addresses(of name: Name, at now: LoopInstant) -> [SocketAddress]? {
        guard var entry = entries[name] else { return nil }
        guard now < entry.expiry else {
            entries[name] = nil
            return nil
        }
        entry.turn += 1
        entries[name] = entry
        return Self.turned(entry.addresses, by: entry.turn)
    }

    /// - Complexity: O(n) in the names kept when the cache is full.
    mutating func insert(_ addresses: [SocketAddress], for name: Name, at now: LoopInstant) {
        guard lifetime > .zero, countMax > 0 else { return }
        if entries[name] == nil, entries.count >= countMax,
            let first = entries.min(by: { $0.value.expiry < $1.value.expiry })
        {
            entries[first.key] = nil
        }
        entries[name] = Entry(addresses: addresses, expiry: now.advanced(by: lifetime))
    }

    mutating func removeAll() { entries = [:] }

    /// Each family turned by so many places within the places it has: which family comes first is the system's choice
    /// (RFC 6724), which member of it is ours.
    static func turned(_ addresses: [SocketAddress], by turn: Int) -> [SocketAddress] {
        var result = addresses
        for family in Set(addresses.map(\.family)) {
            let places = addresses.indices.filter { addresses[$0].family == family }
            for (index, place) in places.enumerated() {
                result[place] = addresses[places[(index + turn) % places.count]]
            }
        }
        return result
    }
}
