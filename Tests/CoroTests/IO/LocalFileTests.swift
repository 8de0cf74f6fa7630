import Coro
import CoroTesting
import Glibc
import Testing

@Suite struct LocalFileTests {
    @Test func `what is written to a file is read from it`() async throws {
        try await inDirectory { loop, directory in
            let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }
            try await loop.writeFile("\(directory)/file", bytes)
            #expect(try await loop.readFile("\(directory)/file") == bytes)
            let status = try await loop.fileStatus("\(directory)/file")
            #expect(status.kind == .file)
            #expect(status.size == 200_000)
            #expect(try await loop.fileStatus(directory).kind == .directory)
        }
    }

    @Test func `a file is replaced as a whole, and keeps its permissions`() async throws {
        try await inDirectory { loop, directory in
            let path = "\(directory)/file"
            try await loop.writeFile(path, Array("old and longer".utf8))
            chmod(path, 0o640)
            let old = try await loop.openFile(path, for: .reading)
            try await loop.writeFile(path, Array("new".utf8))
            #expect(try await loop.readFile(path).elementsEqual("new".utf8))
            // Who had it open reads on in the old one.
            #expect(try await old.read(at: 0, count: 100).elementsEqual("old and longer".utf8))
            var status = stat()
            #expect(stat(path, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o640)
        }
    }

    @Test func `a write that fails leaves nothing beside`() async throws {
        try await inDirectory { loop, directory in
            mkdir("\(directory)/taken", 0o700)
            await #expect(throws: IOError(call: "rename \(directory)/taken", code: EISDIR)) {
                try await loop.writeFile("\(directory)/taken", [1])
            }
            rmdir("\(directory)/taken")
            // An empty directory can be removed.
            #expect(rmdir(directory) == 0)
            mkdir(directory, 0o700)
        }
    }

    @Test func `a file over the limit is refused, one of exactly the limit is not`() async throws {
        try await inDirectory { loop, directory in
            try await loop.writeFile("\(directory)/file", [1, 2, 3, 4])
            #expect(try await loop.readFile("\(directory)/file", limit: 4).count == 4)
            await #expect(throws: StreamError.limitExceeded(limit: 3)) {
                try await loop.readFile("\(directory)/file", limit: 3)
            }
        }
    }

    @Test func `a file that does not know its size is read to its end, or to the limit`() async throws {
        try await withLoop { loop async throws in
            #expect(try await loop.readFile("/proc/self/status").count > 100)
            await #expect(throws: StreamError.limitExceeded(limit: 10)) {
                try await loop.readFile("/proc/self/status", limit: 10)
            }
        }
    }

    @Test func `all of a file may be asked for without knowing how much that is`() async throws {
        // In a process of its own: room for all that was asked for would be the end of it.
        await #expect(processExitsWith: .success) {
            try await withLoop { loop async throws in
                #expect(try await loop.readFile("/proc/self/status", limit: .max).count > 100)
                let file = try await loop.openFile("/etc/passwd", for: .reading)
                #expect(try await file.read(at: 1, count: .max).count == file.size() - 1)
            }
        }
    }

    @Test func `a file of several rooms is read whole`() async throws {
        try await inDirectory { loop, directory in
            let size = 40 << 20
            let file = try await loop.openFile("\(directory)/file", for: .updating)
            try await file.write([1], at: 0)
            try await file.write([2], at: 16 << 20)
            try await file.write([3], at: size - 1)
            let bytes = try await loop.readFile("\(directory)/file", limit: .max)
            #expect(bytes.count == size)
            #expect([bytes[0], bytes[16 << 20], bytes[size - 1]] == [1, 2, 3])
            #expect(try await file.read(at: 16 << 20, count: size) == Array(bytes[(16 << 20)...]))
        }
    }

    @Test func `a file whose name is as long as names may be is written`() async throws {
        try await inDirectory { loop, directory in
            let path = "\(directory)/\(String(repeating: "a", count: Int(NAME_MAX)))"
            try await loop.writeFile(path, [1])
            #expect(try await loop.readFile(path) == [1])
            unlink(path)
        }
    }

    @Test func `an open file is read and written by position`() async throws {
        try await inDirectory { loop, directory in
            let file = try await loop.openFile("\(directory)/file", for: .updating)
            try await file.write(Array("hello world".utf8), at: 0)
            try await file.write(Array("W".utf8), at: 6)
            #expect(try await file.read(at: 6, count: 3).elementsEqual("Wor".utf8))
            #expect(try await file.read(at: 9, count: 100).elementsEqual("ld".utf8))
            #expect(try await file.read(at: 100, count: 1).isEmpty)
            try await file.truncate(to: 5)
            #expect(try await file.size() == 5)
            try await file.sync()
            let emptied = try await loop.openFile("\(directory)/file", for: .writing)
            #expect(try await file.size() == 0)
            await #expect(throws: IOError(call: "read", code: EBADF)) { try await emptied.read(at: 0, count: 1) }
        }
    }

    @Test func `a part of a file goes out on a stream`() async throws {
        try await inDirectory { loop, directory in
            try await loop.writeFile("\(directory)/file", Array("0123456789".utf8))
            let file = try await loop.openFile("\(directory)/file", for: .reading)
            let pair = SocketPair()
            let stream = try ByteStream(takingOver: dup(pair.left), on: loop)
            let peer = try ByteStream(takingOver: dup(pair.right), on: loop)
            try await stream.write(file, from: 3, count: 4)
            #expect(try await peer.read(exactly: 4).elementsEqual("3456".utf8))
            file.close()
            await #expect(throws: IOError(call: "sendfile", code: EBADF)) { try await stream.write(file, count: 1) }
        }
    }

    @Test func `a closed file says so, and what is missing is named`() async throws {
        try await inDirectory { loop, directory in
            let file = try await loop.openFile("\(directory)/file", for: .writing)
            file.close()
            file.close()
            await #expect(throws: IOError(call: "read", code: EBADF)) { try await file.size() }
            await #expect(throws: IOError(call: "open \(directory)/none", code: ENOENT)) {
                try await loop.readFile("\(directory)/none")
            }
            await #expect(throws: IOError(call: "open", code: ENOENT)) { try await loop.readFile("a\0b") }
        }
    }

    private func inDirectory(_ body: @escaping @Sendable (EventLoop, String) async throws -> Void) async throws {
        var template = Array("/tmp/coro-files-XXXXXX".utf8CString)
        let directory = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer {
            unlink("\(directory)/file")
            rmdir(directory)
        }
        try await withLoop { loop async throws in try await body(loop, directory) }
    }
}
