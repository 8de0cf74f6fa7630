import CLoop
import Glibc
import Testing

@Suite struct ProcessTests {
    @Test func `a program that is not there answers ENOENT, and leaves no child`() {
        var step: Int32 = -1
        #expect(spawn(["/nowhere/program"], step: &step) == -ENOENT)
        #expect(step == CLOOP_STEP_PROGRAM)
        #expect(spawn([], step: &step) == -ENOENT)
    }

    @Test func `of several paths the first that is there is run, and one that may not be run is named last`() {
        var step: Int32 = -1
        let process = spawn(["/nowhere/true", "/etc/passwd/true", "/etc/passwd", "/bin/true"], step: &step)
        #expect(process >= 0)
        #expect(end(of: process) == End(how: CLOOP_PROCESS_EXITED, number: 0))
        #expect(spawn(["/etc/passwd", "/nowhere/true"], step: &step) == -EACCES)
    }

    @Test func `a directory that is not there is told apart from a program`() {
        var step: Int32 = -1
        #expect("/nowhere".withCString { spawn(["/bin/true"], directory: $0, step: &step) } == -ENOENT)
        #expect(step == CLOOP_STEP_DIRECTORY)
    }

    @Test func `a descriptor that is not open is refused before the program runs`() {
        var step: Int32 = -1
        #expect(spawn(["/bin/true"], input: 9_999, step: &step) == -EBADF)
        #expect(step == CLOOP_STEP_DESCRIPTORS)
    }

    @Test func `a pidfd is close-on-exec, tells the signal that killed, and outlives it`() {
        var step: Int32 = -1
        let process = spawn(["/bin/sleep"], argument: "1000", step: &step)
        #expect(fcntl(process, F_GETFD) & FD_CLOEXEC != 0)
        var number: Int32 = 0
        #expect(cloop_process_reap(process, &number) == CLOOP_PROCESS_RUNS)
        #expect(cloop_process_signal(process, SIGKILL) == 0)
        var request = pollfd(fd: process, events: Int16(POLLIN), revents: 0)
        poll(&request, 1, -1)
        #expect(cloop_process_reap(process, &number) == CLOOP_PROCESS_SIGNALLED)
        #expect(number == SIGKILL)
        #expect(cloop_process_reap(process, &number) == -ECHILD)
        #expect(cloop_process_signal(process, SIGKILL) == -ESRCH)
        close(process)
    }

    @Test func `a write to a pipe without a reader answers EPIPE and raises nothing`() {
        var ends: [Int32] = [-1, -1]
        #expect(cloop_pipe_open(&ends) == 0)
        #expect(cloop_pipe_write(ends[1], "abc", 3) == 3)
        var room = [UInt8](repeating: 0, count: 8)
        #expect(cloop_pipe_read(ends[0], &room, 8) == 3)
        close(ends[0])
        // A child that another test is just starting has a copy of the other end for a moment.
        var written: Int64 = 0
        repeat { written = cloop_pipe_write(ends[1], "abc", 3) } while written > 0
        #expect(written == -Int64(EPIPE))
        close(ends[1])
    }

    private struct End: Equatable {
        var how: Int32
        var number: Int32
    }

    private func end(of process: Int32) -> End {
        var request = pollfd(fd: process, events: Int16(POLLIN), revents: 0)
        poll(&request, 1, -1)
        var number: Int32 = -1
        let how = cloop_process_reap(process, &number)
        close(process)
        return End(how: how, number: number)
    }

    private func spawn(
        _ paths: [String], argument: String? = nil, directory: UnsafePointer<CChar>? = nil, input: Int32 = 0,
        step: inout Int32
    ) -> Int32 {
        var programs = paths.map { strdup($0) } + [nil]
        var arguments = [strdup("program"), argument.flatMap { strdup($0) }, nil]
        defer { for text in programs + arguments { free(text) } }
        var id: Int32 = 0
        return programs.withUnsafeMutableBufferPointer { programs in
            arguments.withUnsafeMutableBufferPointer { arguments in
                var plan = cloop_process_plan()
                plan.programs = UnsafePointer(programs.baseAddress)
                plan.arguments = UnsafePointer(arguments.baseAddress)
                plan.directory = directory
                plan.descriptors = (input, 1, 2)
                return cloop_process_spawn(&plan, &id, &step)
            }
        }
    }
}
