import CLoop
import Glibc
import Testing

@Suite struct PollerTests {
    let poller = cloop_poller_open()
    let pair = SocketPair()
    let events = UnsafeMutablePointer<cloop_event>.allocate(capacity: 4)

    func end() {
        close(poller)
        events.deallocate()
    }

    @Test func `adding a descriptor twice answers EEXIST`() {
        defer { end() }
        #expect(cloop_poller_add(poller, pair.left, CLOOP_READABLE, 1) == 0)
        #expect(cloop_poller_add(poller, pair.left, CLOOP_READABLE, 2) == -EEXIST)
    }

    @Test func `removing or modifying a descriptor that is not there answers ENOENT`() {
        defer { end() }
        #expect(cloop_poller_remove(poller, pair.left) == -ENOENT)
        #expect(cloop_poller_modify(poller, pair.left, CLOOP_READABLE, 1) == -ENOENT)
    }

    @Test func `removing a closed descriptor answers EBADF`() {
        defer { end() }
        let duplicate = dup(pair.left)
        close(duplicate)
        #expect(cloop_poller_remove(poller, duplicate) == -EBADF)
    }

    @Test func `a regular file is refused with EPERM`() {
        defer { end() }
        let file = open("/proc/self/exe", O_RDONLY)
        defer { close(file) }
        #expect(cloop_poller_add(poller, file, CLOOP_READABLE, 1) == -EPERM)
    }

    @Test func `a wait without events ends after its timeout, not before`() {
        defer { end() }
        let start = nanoseconds()
        #expect(cloop_poller_wait(poller, events, 4, 3_000_000) == 0)
        #expect(nanoseconds() - start >= 3_000_000)
    }

    @Test func `a wait of a few microseconds is not rounded up to a millisecond of spinning or down to none`() {
        defer { end() }
        let start = nanoseconds()
        #expect(cloop_poller_wait(poller, events, 4, 50_000) == 0)
        #expect(nanoseconds() - start >= 50_000)
    }

    @Test func `a wait of zero returns at once`() {
        defer { end() }
        #expect(cloop_poller_wait(poller, events, 4, 0) == 0)
    }

    @Test func `the token comes back with each event, all 64 bits of it`() {
        defer { end() }
        let token: UInt64 = 0xFEDC_BA98_7654_3210
        #expect(cloop_poller_add(poller, pair.left, CLOOP_READABLE, token) == 0)
        #expect(cloop_socket_send(pair.right, "x", 1) == 1)
        #expect(cloop_poller_wait(poller, events, 4, -1) == 1)
        #expect(events[0].token_low == 0x7654_3210)
        #expect(events[0].token_high == 0xFEDC_BA98)
        #expect(events[0].readiness == CLOOP_READABLE)
    }

    @Test func `modifying replaces the interest and the token`() {
        defer { end() }
        #expect(cloop_poller_add(poller, pair.left, CLOOP_READABLE, 1) == 0)
        #expect(cloop_poller_modify(poller, pair.left, CLOOP_WRITABLE, 2) == 0)
        #expect(cloop_poller_wait(poller, events, 4, -1) == 1)
        #expect(events[0].token_low == 2)
        #expect(events[0].readiness == CLOOP_WRITABLE)
    }

    @Test func `each of several events has its own token`() {
        defer { end() }
        #expect(cloop_poller_add(poller, pair.left, CLOOP_WRITABLE, 1) == 0)
        #expect(cloop_poller_add(poller, pair.right, CLOOP_WRITABLE, 2) == 0)
        #expect(cloop_poller_wait(poller, events, 4, -1) == 2)
        #expect(Set([events[0].token_low, events[1].token_low]) == [1, 2])
    }

    @Test func `edge-triggered readiness is reported once until more comes`() {
        defer { end() }
        #expect(cloop_poller_add(poller, pair.left, CLOOP_READABLE | CLOOP_EDGE_TRIGGERED, 1) == 0)
        #expect(cloop_socket_send(pair.right, "x", 1) == 1)
        #expect(cloop_poller_wait(poller, events, 4, -1) == 1)
        #expect(cloop_poller_wait(poller, events, 4, 0) == 0)
        #expect(cloop_socket_send(pair.right, "y", 1) == 1)
        #expect(cloop_poller_wait(poller, events, 4, -1) == 1)
    }

    @Test func `a peer that closes is reported as closed and readable`() {
        defer { end() }
        #expect(cloop_poller_add(poller, pair.left, CLOOP_READABLE | CLOOP_PEER_CLOSED, 1) == 0)
        pair.closeRight()
        #expect(cloop_poller_wait(poller, events, 4, -1) == 1)
        #expect(events[0].readiness & CLOOP_PEER_CLOSED != 0)
        #expect(events[0].readiness & CLOOP_READABLE != 0)
        #expect(events[0].readiness & CLOOP_HANG_UP != 0)
    }

    @Test func `where a filter of system calls refuses the newer wait, the older one waits`() throws {
        // A filter is its thread's own, and ends with it.
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { _ in
                let (pair, poller) = (SocketPair(), cloop_poller_open())
                defer { close(poller) }
                _ = cloop_poller_add(poller, pair.left, CLOOP_WRITABLE, 1)
                var event = cloop_event()
                guard refuseSystemCall(441) else { return UnsafeMutableRawPointer(bitPattern: 1) }
                let count = cloop_poller_wait(poller, &event, 1, 1_000_000_000)
                return UnsafeMutableRawPointer(bitPattern: count == 1 ? 1 : 2)
            }, nil)
        try #require(failure == 0)
        var result: UnsafeMutableRawPointer?
        pthread_join(thread, &result)
        #expect(result == UnsafeMutableRawPointer(bitPattern: 1))
    }

    @Test func `waiting on a closed poller answers EBADF`() {
        let gone = cloop_poller_open()
        close(gone)
        #expect(cloop_poller_wait(gone, events, 4, 0) == -EBADF)
        end()
    }

    @Test func `a poller is closed on exec`() {
        defer { end() }
        #expect(fcntl(poller, F_GETFD) & FD_CLOEXEC != 0)
    }
}

func nanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Has a system call fail with EPERM from now on, on this thread, as an old seccomp(2) profile does; false where filters cannot be
/// had. 441 is epoll_pwait2(2), on every architecture.
private func refuseSystemCall(_ number: UInt32) -> Bool {
    // prctl(2) is variadic, which Swift does not call; integers are passed the same way either way.
    typealias Control = @convention(c) (Int, Int, UnsafeRawPointer?, Int, Int) -> Int32
    guard let symbol = dlsym(nil, "prctl") else { return false }
    let control = unsafeBitCast(symbol, to: Control.self)
    // struct sock_filter: load the number of the call; if it is this one, fail with EPERM; else go on.
    typealias Step = (code: UInt16, yes: UInt8, no: UInt8, value: UInt32)
    let steps: [Step] = [
        (0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x0005_0000 | UInt32(EPERM)), (0x06, 0, 0, 0x7FFF_0000),
    ]
    return steps.withUnsafeBufferPointer { steps in
        // struct sock_fprog
        var program = (count: UInt16(steps.count), steps: steps.baseAddress)
        let noNewPrivileges = 38
        let setFilter = 22
        guard control(noNewPrivileges, 1, nil, 0, 0) == 0 else { return false }
        return control(setFilter, 2, &program, 0, 0) == 0
    }
}
