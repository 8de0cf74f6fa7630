// --resolve: what names stand for, said on the command line.

import Coro

/// The table of all --resolve options.
struct Resolving {
    private struct Entry {
        /// Nil for any.
        let host: String?
        let port: UInt16
        let addresses: [SocketAddress]
    }

    private var entries: [Entry] = []

    /// Reads `HOST:PORT:ADDRESS[,ADDRESS]`. A later option outranks an earlier one; `*` stands for every host that is not
    /// named. IPv6 addresses may be in brackets. A plus in front, which lets curl's entry go stale, changes nothing here.
    ///
    /// - Throws: `Failure` with exit code 2.
    mutating func add(_ argument: String) throws {
        let wrong = Failure(
            .failedToStart, "--resolve \(argument) is not understood",
            hint: "It wants HOST:PORT:ADDRESS, such as api.test:443:127.0.0.1.")
        let text = argument.hasPrefix("+") ? argument.dropFirst() : argument[...]
        guard let (host, rest) = Resolving.takeHost(text), !host.isEmpty,
            let colon = rest.firstIndex(of: ":"), let port = UInt16(rest[..<colon]), port > 0
        else { throw wrong }
        let list = rest[rest.index(after: colon)...].split(separator: ",", omittingEmptySubsequences: false)
        let addresses = try list.map { literal in
            guard let address = SocketAddress(ip: String(literal), port: 0) else { throw wrong }
            return address
        }
        entries.append(Entry(host: host == "*" ? nil : host, port: port, addresses: addresses))
    }

    /// The host, without the brackets that it may have, and what is behind its colon.
    private static func takeHost(_ text: Substring) -> (host: String, rest: Substring)? {
        let isBracketed = text.hasPrefix("[")
        let host = isBracketed ? text.dropFirst().prefix { $0 != "]" } : text.prefix { $0 != ":" }
        let rest = text[host.endIndex...].dropFirst(isBracketed ? 1 : 0)
        guard rest.first == ":" else { return nil }
        return (String(host), rest.dropFirst())
    }

    /// Who answers by the table, and asks the system for the rest.
    var resolver: OverrideResolver {
        var anyHost: [UInt16: [SocketAddress]] = [:]
        for entry in entries where entry.host == nil { anyHost[entry.port] = entry.addresses }
        var resolver = OverrideResolver(otherwise: AnyHost(addresses: anyHost))
        for entry in entries {
            if let host = entry.host { resolver.override(host, port: entry.port, with: entry.addresses) }
        }
        return resolver
    }

    /// `*`: one answer for whatever name, by port.
    private struct AnyHost: Resolver {
        let addresses: [UInt16: [SocketAddress]]

        func addresses(of host: String, port: UInt16, on loop: EventLoop) async throws -> [SocketAddress] {
            if let found = addresses[port] { return found.map { $0.with(port: port) } }
            return try await SystemResolver.system.addresses(of: host, port: port, on: loop)
        }

        func findAddresses(
            of host: String, port: UInt16, on loop: EventLoop, found: @escaping @Sendable ([SocketAddress]) -> Void
        ) async throws {
            if let known = addresses[port] { return found(known.map { $0.with(port: port) }) }
            try await SystemResolver.system.findAddresses(of: host, port: port, on: loop, found: found)
        }
    }
}
