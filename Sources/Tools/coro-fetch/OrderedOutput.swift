// Standard output for many transfers at once: each writes as if it were alone, the bytes come out in the order of the
// arguments. The first unfinished transfer streams; what the others have is held, in memory up to a limit for all of them
// together, beyond it in a temporary file, so that no server has to wait, and perhaps gives up, because another is slow.

import Coro

final class OrderedOutput: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): everything happens on the loop's thread.

    /// What may be held in memory for all transfers together.
    private static let heldBytesMax = 16 * 1024 * 1024

    private let loop: EventLoop
    private let file: OutputFile
    /// Whose turn it is.
    private var current = 0
    private var waiting: [Int: Promise<Void>] = [:]
    private var heldBytes = 0

    init(on loop: EventLoop) {
        self.loop = loop
        file = OutputFile(standardOutputOn: loop)
    }

    private func waitForTurn(_ index: Int) async throws {
        guard current != index else { return }
        let promise = loop.promise(of: Void.self)
        waiting[index] = promise
        try await promise.future.value
    }

    private func pass() {
        current += 1
        waiting.removeValue(forKey: current)?.trySucceed(())
    }

    /// One transfer's place in the order.
    final class Place: @unchecked Sendable {
        // SAFETY (@unchecked Sendable): as its output's.

        private let output: OrderedOutput
        private let index: Int
        private var held: [UInt8] = []
        private var spill: SpillFile?

        init(_ output: OrderedOutput, _ index: Int) {
            self.output = output
            self.index = index
        }

        /// Writes, or holds until it is this place's turn.
        ///
        /// - Throws: `Failure` with exit code 23.
        func write(_ bytes: [UInt8]) async throws {
            if output.current == index {
                try await release()
                try await output.file.write(bytes)
            } else if spill == nil, output.heldBytes + bytes.count <= OrderedOutput.heldBytesMax {
                output.heldBytes += bytes.count
                held += bytes
            } else {
                let file = try spill ?? SpillFile()
                spill = file
                try file.append(bytes)
            }
        }

        /// Waits for its turn, writes what is held, and passes the turn on, whatever happens.
        func finish() async throws {
            defer {
                output.heldBytes -= held.count
                output.pass()
            }
            try await output.waitForTurn(index)
            try await release()
        }

        private func release() async throws {
            if !held.isEmpty {
                let bytes = held
                held = []
                output.heldBytes -= bytes.count
                try await output.file.write(bytes)
            }
            while let piece = try spill?.next() { try await output.file.write(piece) }
            spill = nil
        }
    }
}
