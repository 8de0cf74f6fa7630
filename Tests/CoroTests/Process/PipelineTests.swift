import Coro
import CoroTesting
import Testing

/// Processes joined by their pipes.
@Suite struct PipelineTests {
    @Test func `a process writes into another's input, and the kernel joins them`() async throws {
        try await withLoop { loop async throws in
            let sort = try Subprocess("sort", on: loop, input: .pipe, output: .pipe)
            let input = try #require(sort.standardInput)
            let printer = try Subprocess(.init("printf", "b\\na\\nc\\n"), on: loop, output: .into(input))
            #expect(!input.isOpen)
            #expect(try await printer.wait().isSuccess)
            var lines: [String] = []
            for try await line in try #require(sort.standardOutput).lines() { lines.append(line) }
            #expect(lines == ["a", "b", "c"])
            #expect(try await sort.wait().isSuccess)
        }
    }

    @Test func `a process's output is copied into another's input, no faster than that is read`() async throws {
        try await withLoop { loop async throws in
            let counter = try Subprocess(.init("wc", "-c"), on: loop, input: .pipe, output: .pipe)
            let source = try Subprocess(.init("head", "-c", "300000", "/dev/zero"), on: loop, output: .pipe)
            let input = try #require(counter.standardInput)
            try await input.write(contentsOf: try #require(source.standardOutput))
            input.close()
            let count = try await counter.standardOutput?.read(until: UInt8(ascii: "\n"))
            #expect(count?.elementsEqual("300000\n".utf8) == true)
            _ = try await (source.wait(), counter.wait())
        }
    }

    @Test func `an end that is closed, or has bytes queued, is not handed over`() async throws {
        try await withLoop { loop async throws in
            let first = try Subprocess("cat", on: loop, input: .pipe)
            let input = try #require(first.standardInput)
            let writing = loop.spawn { try await input.write([UInt8](repeating: 1, count: 1_000_000)) }
            try await loop.moment()
            #expect(throws: StreamError.busy("writing")) { try Subprocess("true", on: loop, output: .into(input)) }
            writing.cancel()
            input.close()
            #expect(throws: StreamError.closed) { try Subprocess("true", on: loop, output: .into(input)) }
            _ = try? await writing.value
            _ = try await first.wait()
        }
    }
}
