// The seeds' interactive session with a generator, and what else one can do with it. No loop runs here: a generator's
// body runs inside `send`, on the stack of whoever calls it.

import Coro

struct Trouble: Error {}

@main struct Main {
    static func main() throws {
        print("-- send, and where StopIteration would be")
        let gen = useYield()
        // The first send begins the body. There is no yield yet that could return its value, so it goes nowhere.
        print("send(nil) ->", try gen.send(nil))
        print("send(\"world\") ->", try gen.send("world"))
        print("isFinished:", gen.isFinished)
        do { _ = try gen.send("again") } catch { print("send once more throws:", error) }

        print("-- throw")
        let stubborn = survivor()
        print("send(nil) ->", try stubborn.send(nil))
        print("throw(Trouble()) ->", try stubborn.throw(Trouble()))
        do { _ = try stubborn.throw(Trouble()) } catch { print("throw(Trouble()) comes back:", error) }

        print("-- close")
        let opened = survivor()
        _ = try opened.send(nil)
        opened.close()
        print("isFinished:", opened.isFinished)
    }

    /// A generator function: a function that returns a generator. Calling it runs nothing of the body.
    static func useYield() -> Generator<String, String?, String> {
        Generator { yielder in
            print("   enter the func")
            let value = try await yielder.yield("hello")
            print("   got:", value ?? "nothing")
            return value ?? "nothing"
        }
    }

    /// Catches the first trouble that is thrown in at its yield, and lets the second out.
    static func survivor() -> Generator<String, String?, String> {
        Generator { yielder in
            defer { print("   clean-up runs") }
            do {
                _ = try await yielder.yield("first yield")
            } catch is Trouble {
                print("   caught it")
            }
            _ = try await yielder.yield("second yield")
            return "never reached in this tour"
        }
    }
}
