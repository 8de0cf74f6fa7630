// soak: repeats the races that tests meet once, thousands of times, and counts what is left at the end.
//
// Exit codes: 0 nothing found, 1 an invariant broken, a hang or a leak, 2 wrong command line.

internal import Console
internal import Coro
internal import Glibc
internal import Synchronization

@main struct Main {
    static func main() {
        signal(SIGPIPE, SIG_IGN)
        var words = CommandLine.arguments.dropFirst()
        if words.first == CrowdClients.word { exit(CrowdClients.run(Array(words.dropFirst())) ? 0 : 1) }
        var repetitions = 10_000
        var first = 0
        var seconds = 10
        var filter = ""
        while let word = words.popFirst() {
            switch (word, words.popFirst()) {
            case ("--repeat", let value?) where (Int(value) ?? 0) > 0: repetitions = Int(value) ?? 0
            case ("--from", let value?) where (Int(value) ?? -1) >= 0: first = Int(value) ?? 0
            case ("--seconds", let value?) where (Int(value) ?? 0) > 0: seconds = Int(value) ?? 0
            case ("--filter", let value?): filter = value
            default:
                Console.note("Usage: Soak [--repeat N] [--from NUMBER] [--seconds N] [--filter TEXT]\n")
                exit(2)
            }
        }
        Reported.replaceSink()
        let scenarios = Scenario.all.filter { $0.name.contains(filter) }
        // Those that take real time may take what they were given.
        let watch = Watch(patience: 60 + seconds)
        var failures = 0
        for scenario in scenarios {
            let repetitions = min(repetitions, scenario.most)
            if !soak(scenario, first, repetitions, seconds, watch) { failures += 1 }
        }
        exit(failures == 0 && !scenarios.isEmpty ? 0 : 1)
    }

    /// Repeats one scenario; false when something was found.
    private static func soak(
        _ scenario: Scenario, _ first: Int, _ repetitions: Int, _ seconds: Int, _ watch: Watch
    ) -> Bool {
        let crew = Crew(3)
        let census = Census()
        let start = clock()
        var number = first
        do {
            for done in 0..<repetitions {
                number = first + done
                watch.note(scenario.name, number, isFirst: done == 0)
                if done == max(repetitions / 10, min(1, repetitions - 1)) { census.begin() }
                if Console.isWatched, done % 100 == 0 {
                    Console.note("\r\u{1B}[K\(scenario.name): \(done) of \(repetitions)")
                }
                try scenario.body(Repetition(number, seconds: seconds, crew: crew, census: census))
                crew.wait()
            }
            let growth = try census.end(after: repetitions)
            let seconds = Double(clock() - start) / Double(CLOCKS_PER_SEC)
            let line = "\(scenario.name): \(repetitions) repetitions, \(Int(seconds)) s of CPU; left: \(growth)"
            if Console.isWatched { Console.note("\r\u{1B}[K") }
            Console.print(line + "\n")
            return true
        } catch {
            Console.print("\(scenario.name), repetition \(number): FAILED: \(error)\n")
            return false
        }
    }
}

/// Ends the process when nothing has moved for a while, and says where it was when something kills it.
private final class Watch: Sendable {
    private static let name = Atomic<UInt>(0)
    private static let number = Atomic(0)
    /// Counts repetitions of all scenarios.
    private static let turns = Atomic(0)

    /// How many seconds nothing may move.
    private static let patience = Atomic(0)

    init(patience: Int) {
        Watch.patience.store(patience, ordering: .relaxed)
        for fault in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT] {
            signal(fault) { fault in
                Watch.say("died of signal \(fault)")
                signal(fault, SIG_DFL)
                raise(fault)
            }
        }
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { _ in
                Watch.stand()
                return nil
            }, nil)
    }

    func note(_ name: String, _ number: Int, isFirst: Bool) {
        if isFirst || Watch.name.load(ordering: .relaxed) == 0 {
            // Never freed: a few dozen bytes a scenario, that a signal handler may read at any time.
            Watch.name.store(UInt(bitPattern: strdup(name)), ordering: .releasing)
        }
        Watch.number.store(number, ordering: .relaxed)
        Watch.turns.wrappingAdd(1, ordering: .relaxed)
    }

    private static func stand() {
        var last = -1
        var idle = 0
        while true {
            sleep(1)
            let now = turns.load(ordering: .relaxed)
            idle = now == last ? idle + 1 : 0
            last = now
            // A repetition takes about a millisecond, a few hundred under a sanitizer.
            if idle >= patience.load(ordering: .relaxed) {
                say("HANGS")
                // For whoever wants to look: SOAK_KEEP=1 leaves the process to a debugger.
                if getenv("SOAK_KEEP") == nil { _exit(1) }
            }
        }
    }

    private static func say(_ what: String) {
        // SAFETY: a string that `note` has made and that nobody frees.
        let name = UnsafePointer<CChar>(bitPattern: name.load(ordering: .acquiring)).map { String(cString: $0) } ?? "?"
        let line = "\n\(name), repetition \(number.load(ordering: .relaxed)): \(what)\n"
        _ = Array(line.utf8).withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    }
}
