import CLoop
import Glibc
import Testing

@Suite struct FileTests {
    @Test func `a file beneath the directory opens, also through its subdirectories and back`() throws {
        let tree = try Tree()
        for path in ["inside", "sub/deep", "sub/../inside", "./inside", "linkInside"] {
            let file = cloop_file_open_beneath(tree.directory, path)
            #expect(file >= 0, "\(path)")
            #expect(isNonBlockingAndCloseOnExec(file))
            close(file)
        }
    }

    @Test func `a path that leaves the directory is refused with EXDEV`() throws {
        let tree = try Tree()
        for path in [
            "../outside", "sub/../../outside", "/etc/passwd", "linkOutside", "linkAbsolute", "linkUp/outside", "..",
        ] {
            #expect(cloop_file_open_beneath(tree.directory, path) == -EXDEV, "\(path)")
        }
    }

    @Test func `a magic link of proc is refused`() {
        let proc = open("/proc/self", O_RDONLY | O_DIRECTORY)
        defer { close(proc) }
        let answer = cloop_file_open_beneath(proc, "exe")
        #expect(answer == -ELOOP || answer == -EXDEV)
    }

    @Test func `a missing file answers ENOENT`() throws {
        let tree = try Tree()
        #expect(cloop_file_open_beneath(tree.directory, "nowhere") == -ENOENT)
    }

    @Test func `opening a FIFO that nobody writes to does not block`() throws {
        let tree = try Tree()
        mkfifo("\(tree.path)/fifo", 0o600)
        let file = cloop_file_open_beneath(tree.directory, "fifo")
        #expect(file >= 0)
        close(file)
    }

    @Test func `sending a file moves the offset by what was sent, and answers zero at its end`() throws {
        let tree = try Tree()
        let file = cloop_file_open_beneath(tree.directory, "inside")
        defer { close(file) }
        let pair = SocketPair()
        var offset: Int64 = 2
        #expect(cloop_file_send(pair.left, file, &offset, 3) == 3)
        #expect(offset == 5)
        var room = [UInt8](repeating: 0, count: 8)
        #expect(cloop_socket_receive(pair.right, &room, 8) == 3)
        #expect(room.prefix(3).elementsEqual("sid".utf8))
        offset = 6
        #expect(cloop_file_send(pair.left, file, &offset, 3) == 0)
        #expect(offset == 6)
    }
}

/// A directory with a file, a subdirectory and some links, and a file beside it that must stay out of reach.
private final class Tree {
    let path: String
    let directory: Int32
    private let root: String

    init() throws {
        var template = Array("/tmp/cloop-XXXXXX".utf8CString)
        root = try #require(mkdtemp(&template).map { String(cString: $0) })
        path = "\(root)/served"
        mkdir(path, 0o700)
        mkdir("\(path)/sub", 0o700)
        for file in ["\(root)/outside", "\(path)/inside", "\(path)/sub/deep"] {
            let descriptor = open(file, O_WRONLY | O_CREAT, 0o600)
            _ = write(descriptor, "inside", 6)
            close(descriptor)
        }
        symlink("inside", "\(path)/linkInside")
        symlink("../outside", "\(path)/linkOutside")
        symlink("/etc/passwd", "\(path)/linkAbsolute")
        symlink("..", "\(path)/linkUp")
        directory = open(path, O_RDONLY | O_DIRECTORY)
    }

    deinit {
        close(directory)
        for name in ["sub/deep", "inside", "fifo", "linkInside", "linkOutside", "linkAbsolute", "linkUp"] {
            unlink("\(path)/\(name)")
        }
        rmdir("\(path)/sub")
        rmdir(path)
        unlink("\(root)/outside")
        rmdir(root)
    }

    @Test func `what has just been written is in the page cache, and is read without waiting`() throws {
        let stream = try #require(tmpfile())
        defer { fclose(stream) }
        let file = fileno(stream)
        #expect(pwrite(file, "abcdef", 6, 0) == 6)
        var bytes = [UInt8](repeating: 0, count: 8)
        #expect(cloop_file_read_cached(file, &bytes, 8, 2) == 4)
        #expect(bytes.prefix(4).elementsEqual("cdef".utf8))
        #expect(cloop_file_read_cached(file, &bytes, 8, 6) == 0)
        #expect(cloop_file_read_cached(-1, &bytes, 8, 0) == -Int64(EBADF))
    }
}
