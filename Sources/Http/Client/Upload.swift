// A body on its way out, beside the task that waits for the answer.

internal import Coro
internal import HttpWire

/// Sends what is queued on a stream and then a body.
///
/// A failure to send is kept, not thrown: the answer may already be here, or say why. But when the body itself could
/// not be made, the connection is closed, so that the server cannot take the part for the whole.
final class Upload: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): state is touched on the loop's thread only; `cancel` is the task's, for any thread.

    /// Bytes at hand are sent in pieces of this size, so that a large body is not copied whole.
    static let pieceBytes = 64 * 1024

    private let body: OutgoingBody
    private let stream: ByteStream
    /// Kept when the server's word is awaited: whether to send the body.
    private let permission: Promise<Bool>?
    private var task: EventLoop.Task<Void>?
    private var isStopped = false

    /// True once every byte is with the kernel.
    private(set) var isFinished = false
    /// Why not.
    private(set) var failure: (any Error)?

    init(_ body: OutgoingBody, to stream: ByteStream, afterContinue wait: Duration?) {
        self.body = body
        self.stream = stream
        let loop = stream.loop
        if let wait {
            let permission = Promise<Bool>(on: loop)
            // RFC 9110 §10.1.1: a server may never answer the expectation, so the wait is bounded.
            loop.callLater(wait) { permission.trySucceed(true) }
            self.permission = permission
        } else {
            permission = nil
        }
        task = loop.spawn { await self.run() }
    }

    /// The server wants the body.
    func proceed() { permission?.trySucceed(true) }

    /// The final answer is here. A refusal makes what is left of the body pointless; a success may still want it.
    func answerCame(_ status: Status) {
        permission?.trySucceed(false)
        if status.category != .success { cancel() }
    }

    /// Stops sending; the connection stays open for reading.
    func cancel() {
        isStopped = true
        task?.cancel()
    }

    private func run() async {
        do {
            try await stream.flush()
            if let permission, try await !permission.future.value { return }
            try await send()
            isFinished = true
        } catch {
            guard !isStopped else { return }
            failure = error
            if !(error is StreamError) { stream.close() }
        }
    }

    private func send() async throws {
        switch body {
        case .none: break
        case .bytes(let bytes):
            for start in stride(from: 0, to: bytes.count, by: Upload.pieceBytes) {
                let piece = bytes[start..<min(start + Upload.pieceBytes, bytes.count)]
                piece.withUnsafeBytes { stream.append($0) }
                try await stream.flush()
            }
        case .file(let file, let offset, let length):
            try await stream.write(file: file.descriptor, offset: Int64(offset), count: length)
        case .stream(let length, let produce):
            let writer = BodyWriter(stream: stream, declared: length, isChunked: length == nil)
            try await produce(writer)
            try writer.finish()
            try await stream.flush()
        }
    }
}
