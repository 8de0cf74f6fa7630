import Glibc

/// A folder for the sockets of one test, gone at its end.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/coro-test-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "No folder could be made in /tmp.")
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit {
        for name in ["socket", "other"] { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    func exists(_ name: String) -> Bool { access("\(path)/\(name)", F_OK) == 0 }
}
