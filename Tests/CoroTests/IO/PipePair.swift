import CLoop
import Coro

/// The two ends of a new pipe. Loop's thread.
func pipe(on loop: EventLoop) throws -> (reader: PipeReader, writer: PipeWriter) {
    var ends: [Int32] = [-1, -1]
    precondition(cloop_pipe_open(&ends) == 0, "No pipe.")
    return (try PipeReader(takingOver: ends[0], on: loop), try PipeWriter(takingOver: ends[1], on: loop))
}
