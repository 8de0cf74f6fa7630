import CLoop
import Coro
import CoroTesting
import Glibc
import Testing

@Suite struct PollerTests {
    @Test func `case 25: the same descriptor twice fails with EEXIST, removing an unknown one does nothing`() throws {
        let loop = try EventLoop()
        let pair = SocketPair()
        try loop.addHandler(pair.left, interest: .readable) { _ in }
        #expect(throws: IOError(call: "epoll_ctl", code: EEXIST)) {
            try loop.addHandler(pair.left, interest: .writable) { _ in }
        }
        loop.removeHandler(pair.right)
        loop.removeHandler(100_000)
        loop.removeHandler(-1)
        try loop.updateHandler(pair.right, interest: .readable)
        loop.removeHandler(pair.left)
        loop.removeHandler(pair.left)
        try loop.addHandler(pair.left, interest: .readable) { _ in }
        try loop.close()
    }

    @Test func `a negative or closed descriptor is refused with EBADF, a regular file with EPERM`() throws {
        let loop = try EventLoop()
        #expect(throws: IOError(call: "epoll_ctl", code: EBADF)) {
            try loop.addHandler(-1, interest: .readable) { _ in }
        }
        let file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
        #expect(throws: IOError(call: "epoll_ctl", code: EPERM)) {
            try loop.addHandler(file, interest: .readable) { _ in }
        }
        close(file)
        try loop.close()
        let pair = SocketPair()
        #expect(throws: IOError(call: "epoll_ctl", code: EBADF)) {
            try loop.addHandler(pair.left, interest: .readable) { _ in }
        }
    }

    @Test func `case 26: a handler that asked for reading never sees writability`() async throws {
        try await withLoop { loop in
            let pair = SocketPair()
            let seen = Journal<Readiness>()
            try loop.addHandler(pair.left, interest: .readable) { seen.note($0) }
            for _ in 0..<20 { try await loop.moment() }
            #expect(seen.entries.isEmpty)
            pair.send("x", to: \.left)
            for _ in 0..<20 { try await loop.moment() }
            #expect(!seen.entries.isEmpty)
            #expect(seen.entries.allSatisfy { $0 == .readable })
            loop.removeHandler(pair.left)
        }
    }

    @Test func `a handler is called in every iteration that looks for as long as the readiness lasts`() async throws {
        try await withLoop { loop in
            let pair = SocketPair()
            let calls = Journal<Void>()
            pair.send("x", to: \.left)
            try loop.addHandler(pair.left, interest: .readable) { _ in
                calls.note(())
                guard calls.entries.count == 3 else { return }
                var byte: UInt8 = 0
                _ = cloop_socket_receive(pair.left, &byte, 1)
            }
            for _ in 0..<40 { try await loop.moment() }
            #expect(calls.entries.count == 3)
            loop.removeHandler(pair.left)
        }
    }

    @Test func `an updated interest takes the place of the old one`() async throws {
        try await withLoop { loop in
            let pair = SocketPair()
            let seen = Journal<Readiness>()
            pair.send("x", to: \.left)
            try loop.addHandler(pair.left, interest: .readable) { readiness in
                seen.note(readiness)
                if seen.entries.count == 1 { try loop.updateHandler(pair.left, interest: .writable) }
                if seen.entries.count == 2 { loop.removeHandler(pair.left) }
            }
            for _ in 0..<40 { try await loop.moment() }
            #expect(seen.entries == [.readable, .writable])
        }
    }

    @Test func `a peer that is gone is told, asked for or not`() async throws {
        try await withLoop { loop in
            var pair: [Int32] = [-1, -1]
            #expect(cloop_socket_pair(&pair) == 0)
            let (left, right) = (pair[0], pair[1])
            let seen = Journal<Readiness>()
            try loop.addHandler(left, interest: []) { readiness in
                seen.note(readiness)
                loop.removeHandler(left)
            }
            close(right)
            for _ in 0..<20 { try await loop.moment() }
            #expect(seen.entries == [.hangUp])
            close(left)
        }
    }

    @Test
    func `case 27: of two descriptors ready at once, the first handler removes the second's, which is not called`()
        async throws
    {
        try await withLoop { loop in
            let (one, two) = (SocketPair(), SocketPair())
            let called = Journal<Int>()
            try loop.addHandler(one.left, interest: .readable) { _ in
                called.note(1)
                loop.removeHandler(one.left)
                loop.removeHandler(two.left)
            }
            try loop.addHandler(two.left, interest: .readable) { _ in
                called.note(2)
                loop.removeHandler(one.left)
                loop.removeHandler(two.left)
            }
            one.send("x", to: \.left)
            two.send("x", to: \.left)
            for _ in 0..<20 { try await loop.moment() }
            #expect(called.entries.count == 1)
        }
    }

    @Test func `an event of a closed descriptor is not delivered to the one that reuses its number`() async throws {
        try await withLoop { loop in
            let (one, two) = (SocketPair(), SocketPair())
            let quiet = SocketPair()
            let called = Journal<String>()
            // Both are ready in one batch. Whoever comes first puts a quiet descriptor under the other's number.
            @Sendable func replace(_ other: Int32, _ mine: Int32) throws {
                loop.removeHandler(mine)
                loop.removeHandler(other)
                // dup2(2) closes and reuses the number in one step, so that no other test can get it.
                dup2(quiet.left, other)
                try loop.addHandler(other, interest: .readable) { _ in called.note("stale") }
            }
            try loop.addHandler(one.left, interest: .readable) { _ in
                called.note("first")
                try replace(two.left, one.left)
            }
            try loop.addHandler(two.left, interest: .readable) { _ in
                called.note("first")
                try replace(one.left, two.left)
            }
            one.send("x", to: \.left)
            two.send("x", to: \.left)
            for _ in 0..<20 { try await loop.moment() }
            #expect(called.entries == ["first"])
            quiet.send("now", to: \.left)
            // An iteration that has work looks at descriptors every fourth time at the latest.
            for _ in 0..<8 { try await loop.moment() }
            #expect(called.entries.dropFirst().first == "stale")
            loop.removeHandler(one.left)
            loop.removeHandler(two.left)
        }
    }

    @Test func `a handler that throws is reported, and the other handlers run`() async throws {
        let recorder = ReportRecorder { $0.error as? Oops == Oops("handler") }
        try await withLoop { loop in
            let (one, two) = (SocketPair(), SocketPair())
            let called = Journal<Int>()
            for pair in [one, two] {
                try loop.addHandler(pair.left, interest: .readable) { _ in
                    loop.removeHandler(pair.left)
                    called.note(1)
                    throw Oops("handler")
                }
                pair.send("x", to: \.left)
            }
            for _ in 0..<20 { try await loop.moment() }
            #expect(called.entries.count == 2)
        }
        #expect(recorder.failures.count == 2)
    }

    @Test func `handlers are registered and removed while events are delivered, beyond the table's first size`()
        async throws
    {
        try await withLoop { loop in
            let pairs = (0..<150).map { _ in SocketPair() }
            let called = Journal<Int32>()
            @Sendable func add(_ index: Int) throws {
                guard index < pairs.count else { return }
                let pair = pairs[index]
                pair.send("x", to: \.left)
                try loop.addHandler(pair.left, interest: .readable) { _ in
                    called.note(pair.left)
                    loop.removeHandler(pair.left)
                    try add(index + 1)
                }
            }
            try add(0)
            while called.entries.count < pairs.count { try await loop.moment() }
            #expect(called.entries == pairs.map(\.left))
        }
    }
}
