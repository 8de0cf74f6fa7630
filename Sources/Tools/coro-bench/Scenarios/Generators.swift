// Generators by themselves.

internal import Coro

extension Scenario {
    static let generators = [
        Scenario("generator", "send", about: "send and the yield that answers it: in and out of the body") { meter in
            try await meter.measure(50_000) { count in
                let generator = Generator<Int, Int, Int> { yielder in
                    var sum = 0
                    for _ in 0..<count { sum &+= try await yielder.yield(sum) }
                    return sum
                }
                for number in 0..<count { blackHole(try generator.send(number)) }
                generator.close()
            }
        },
        Scenario("generator", "made and run to its end", about: "Generator.init, a send that ends it, deinit") {
            meter in
            try await meter.measure(10_000) { count in
                for number in 0..<count {
                    blackHole(try Generator<Int, Int, Int> { _ in number }.send(0))
                }
            }
        },
    ]
}
