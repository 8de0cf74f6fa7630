import CLoop
import Glibc
import Testing

/// sendfile(2) and write(2) to a pipe cannot be told to raise no SIGPIPE, whose default would end this process.
@Suite struct BrokenPipeTests {
    /// One call to a peer that is gone.
    private func sendNowhere() -> Int64 {
        let pair = SocketPair()
        pair.closeRight()
        let file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        var offset: Int64 = 0
        return cloop_file_send(pair.left, file, &offset, 1)
    }

    @Test func `where it was neither blocked nor pending, it is neither afterwards`() {
        let pipe = SignalState()
        pipe.unblock()
        #expect(sendNowhere() == Int64(-EPIPE))
        #expect(!pipe.isPending)
        #expect(!pipe.isBlocked)
        pipe.restore()
    }

    @Test func `where it was blocked, it is afterwards, and none is pending`() {
        let pipe = SignalState()
        pipe.block()
        #expect(sendNowhere() == Int64(-EPIPE))
        #expect(!pipe.isPending)
        #expect(pipe.isBlocked)
        pipe.restore()
    }

    @Test func `one that was pending before is not ours to take`() {
        let pipe = SignalState()
        pipe.block()
        pthread_kill(pthread_self(), SIGPIPE)
        #expect(sendNowhere() == Int64(-EPIPE))
        #expect(pipe.isPending)
        pipe.takeBack()
        pipe.restore()
    }
}

/// SIGPIPE as this thread has it, until `restore`. No `await` in between: a task may go on on another thread.
private struct SignalState {
    private var before = sigset_t()
    private let pipe: sigset_t

    init() {
        var pipe = sigset_t()
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        self.pipe = pipe
        pthread_sigmask(SIG_BLOCK, nil, &before)
    }

    func block() { change(SIG_BLOCK) }
    func unblock() { change(SIG_UNBLOCK) }

    private func change(_ how: Int32) {
        var pipe = pipe
        pthread_sigmask(how, &pipe, nil)
    }

    var isBlocked: Bool {
        var now = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &now)
        return sigismember(&now, SIGPIPE) == 1
    }

    var isPending: Bool {
        var pending = sigset_t()
        sigpending(&pending)
        return sigismember(&pending, SIGPIPE) == 1
    }

    func takeBack() {
        var pipe = pipe
        var atOnce = timespec()
        sigtimedwait(&pipe, nil, &atOnce)
    }

    func restore() {
        var before = before
        pthread_sigmask(SIG_SETMASK, &before, nil)
    }
}
