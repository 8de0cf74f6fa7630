// The command line, read into what is to be measured. Every complaint says what is wrong and what to do.

internal import Console

/// One run of coro-bench.
struct Options: Sendable, Equatable {
    enum Report: String, Sendable { case text, json }

    /// Which list of scenarios.
    var list = ScenarioList.micro
    /// Texts of which a scenario's key must contain one; none for all of them.
    var filters: [String] = []
    var report = Report.text
    /// How long a scenario is measured.
    var seconds = 1.0
    /// How many parts that time has; the median of them is reported.
    var rounds = 5
}

enum CommandLineArguments {
    enum Outcome: Equatable {
        case measure(Options)
        case list(Options)
        case help
        case version
        case wrong(String)
    }

    static func parse(_ arguments: [String]) -> Outcome {
        var words = CommandWords(arguments)
        var options = Options()
        var command: ScenarioList?
        var lists = false
        do {
            while let word = words.next() {
                switch word {
                case .option("-h"), .option("--help"): return .help
                case .option("-V"), .option("--version"): return .version
                case .option("-l"), .option("--list"): lists = true
                case .option(let name) where name == "-f" || name == "--filter":
                    options.filters.append(try words.value(of: name))
                case .option(let name) where name == "-r" || name == "--report":
                    options.report = try report(words.value(of: name))
                case .option(let name) where name == "-t" || name == "--time":
                    options.seconds = try seconds(words.value(of: name))
                case .option(let name) where name == "-n" || name == "--rounds":
                    options.rounds = try rounds(words.value(of: name))
                case .option(let name): throw Complaint("There is no option \(name).")
                case .operand(let name): command = try scenarios(name, after: command)
                }
                if words.hasUnusedValue { throw Complaint("\(word.name) takes no value; leave it out.") }
            }
            guard let command else { throw Complaint("Say what to measure: coro-bench micro, memory, or net.") }
            options.list = command
            guard !options.scenarios.isEmpty else {
                throw Complaint(
                    "No scenario's name contains \(options.filters.joined(separator: " or ")); "
                        + "coro-bench \(command.rawValue) --list shows them.")
            }
        } catch let complaint as Complaint {
            return .wrong(complaint.text)
        } catch {
            return .wrong("\(error)")
        }
        return lists ? .list(options) : .measure(options)
    }

    private static func scenarios(_ name: String, after command: ScenarioList?) throws -> ScenarioList {
        guard command == nil else { throw Complaint("One list at a time; \(name) is the second.") }
        guard let list = ScenarioList(rawValue: name) else {
            throw Complaint("There is nothing called \(name) to measure; micro, memory and net are there.")
        }
        return list
    }

    private static func report(_ text: String) throws -> Options.Report {
        guard let report = Options.Report(rawValue: text) else {
            throw Complaint("--report \(text): a report is text or json.")
        }
        return report
    }

    private static func seconds(_ text: String) throws -> Double {
        guard let seconds = Double(text), seconds > 0, seconds <= 86_400 else {
            throw Complaint("--time \(text): give the seconds for each scenario, such as 0.5; at most 86400.")
        }
        return seconds
    }

    private static func rounds(_ text: String) throws -> Int {
        guard let rounds = Int(text), (1...1_000).contains(rounds) else {
            throw Complaint("--rounds \(text): give a number from 1 to 1000.")
        }
        return rounds
    }
}

/// What can be asked for by name.
enum ScenarioList: String, Sendable {
    case micro, memory, net

    var scenarios: [Scenario] {
        switch self {
        case .micro: Scenario.micro
        case .memory: Scenario.memory
        case .net: Scenario.net
        }
    }
}

extension Options {
    /// What the list and the filters leave.
    var scenarios: [Scenario] { list.scenarios.filter { $0.matches(filters) } }
}
