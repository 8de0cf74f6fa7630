// Servers in turns: each the same load for the same time, first one way round and then the other, so that a machine that
// becomes slower or faster meanwhile is unfair to none.

internal import Console
internal import Coro

extension Meter {
    /// Compares what servers do with a load; Coro's comes first among them.
    ///
    /// - Parameters:
    ///   - repeats: how many rounds stand for one, each as long as that one: where rounds differ by more than servers do.
    ///   - load: keeps that server busy for so many seconds, and says what came of it.
    func compare(
        _ unit: Comparison.Unit, _ servers: [ServerProgram], repeats: Int = 1,
        load: @escaping @Sendable (RunningServer, Double) async throws -> Load.Amount
    ) async throws {
        let (present, missing) = try sorted(servers)
        var comparison = Comparison(unit: unit, sides: present.map { .init(name: $0.name) }, missing: missing)
        try await RunningServer.with(present, on: loop) { servers in
            // Once before, for caches, pools and the kernel's idea of its buffers.
            for server in servers { _ = try await load(server, seconds / Double(rounds) / 5) }
            let count = isBrief ? rounds : rounds * repeats
            for round in 0..<count {
                for turn in servers.indices {
                    let index = round % 2 == 0 ? turn : servers.count - 1 - turn
                    let server = servers[index]
                    tell("round \(round + 1) of \(count), \(server.program.name)")
                    let cpu = server.cpu
                    let amount = try await load(server, seconds / Double(rounds))
                    comparison.sides[index].rounds.append(
                        .init(perSecond: amount.units / amount.seconds, cpu: (server.cpu - cpu) / amount.units))
                }
            }
        }
        figures.comparison = comparison
    }

    /// Compares what quiet connections take of servers' memory, each time in a new process.
    ///
    /// - Parameter connect: makes so many connections, which live as long as what it returns.
    func compareMemory(
        _ servers: [ServerProgram], connections: Int = 4_000,
        connect: @escaping @Sendable (RunningServer, Int) async throws -> [any Sendable]
    ) async throws {
        let (present, missing) = try sorted(servers)
        var comparison = Comparison(unit: .connection, sides: present.map { .init(name: $0.name) }, missing: missing)
        let count = isBrief ? 50 : min(connections, Confinement.connectionsMax)
        for round in 0..<rounds {
            for (index, program) in present.enumerated() {
                tell("round \(round + 1) of \(rounds), \(program.name)")
                try await RunningServer.with([program], on: loop) { servers in
                    guard let server = servers.first else { return }
                    // The first ones bring what all of them share.
                    let first = try await connect(server, count / 10)
                    let before = server.resident
                    let rest = try await connect(server, count - count / 10)
                    comparison.sides[index].rounds.append(
                        .init(bytes: (server.resident - before) / Double(rest.count)))
                    withExtendedLifetime((first, rest)) {}
                }
            }
        }
        figures.comparison = comparison
    }

    /// Those that are there; without Coro's own there is nothing to compare.
    private func sorted(
        _ servers: [ServerProgram]
    ) throws -> (present: [ServerProgram], missing: [(name: String, cure: String)]) {
        if let ours = servers.first, ours.words == nil { throw Complaint("\(ours.name) is missing. \(ours.cure)") }
        return (servers.filter { $0.words != nil }, servers.filter { $0.words == nil }.map { ($0.name, $0.cure) })
    }
}
