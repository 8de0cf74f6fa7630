// The benchmark tool. For now it says what it will be and which version it is; the scenarios come with the runtime's
// completion.

internal import Console
internal import Glibc

@main
struct Main {
    static let usage = """
        coro-bench: measures Coro, beside itself and beside other servers.

        Usage: coro-bench --help | --version

        This version has no scenarios yet. Docs/Benchmarking.md shows how to measure the server with public tools.

        """

    static func main() {
        switch CommandLine.arguments.dropFirst().first {
        case "--version", "-V": Console.print(ToolVersion.line("coro-bench"))
        case "--help", "-h": Console.print(usage)
        default:
            Console.note(usage)
            exit(2)
        }
    }
}
