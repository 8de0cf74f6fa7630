// What this process has open, as the kernel sees it.

internal import Glibc

/// The file descriptors of this process.
///
/// Other tests in the process open and close their own meanwhile: compare over enough repetitions that a leak stands
/// out, or run alone.
public enum OpenDescriptors {
    /// How many there are.
    public static var count: Int { numbers.count }

    /// Which they are; empty when /proc is not mounted.
    public static var numbers: Set<Int32> {
        guard let directory = opendir("/proc/self/fd") else { return [] }
        defer { closedir(directory) }
        var found: Set<Int32> = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let number = Int32(name) { found.insert(number) }
        }
        // The one that reading the list took.
        found.remove(dirfd(directory))
        return found
    }
}
