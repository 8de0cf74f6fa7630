// What SwiftNIO takes for the operations of Coro's design, one JSON line each: a peer to be measured in the same minutes.
//
//     nio-peer [--seconds S] [OPERATION]...        all operations if none is named

import Glibc
import NIOCore
import NIOPosix

@main
struct Main {
    static func main() async throws {
        var seconds = 0.5
        var wanted: Set<String> = []
        var arguments = CommandLine.arguments.dropFirst()
        while let argument = arguments.popFirst() {
            guard argument == "--seconds" else {
                wanted.insert(argument)
                continue
            }
            guard let value = arguments.popFirst().flatMap(Double.init), value > 0 else {
                fail("--seconds wants a number of seconds.")
            }
            seconds = value
        }
        let unknown = wanted.subtracting(Operation.all.map(\.name))
        guard unknown.isEmpty else { fail("There is no operation \(unknown.sorted()).") }

        let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
        for operation in Operation.all where wanted.isEmpty || wanted.contains(operation.name) {
            let times = try await operation.measure(loop, seconds).sorted()
            let (median, least) = (times[times.count / 2], times[0])
            print(#"{"operation": "\#(operation.name)", "median": \#(median), "least": \#(least)}"#)
        }
        // Without a shutdown: it would cancel a hundred thousand timers for nobody.
    }

    static func fail(_ sentence: String) -> Never {
        let line = Array("nio-peer: \(sentence)\n".utf8)
        write(2, line, line.count)
        exit(2)
    }
}
