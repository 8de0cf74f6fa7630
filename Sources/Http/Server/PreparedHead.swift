// The bytes every answer begins with, made once a second and copied from then on: status line, Date and Server.

internal import Glibc
internal import HttpWire

/// Prepared starts of answer heads.
final class PreparedHead {
    /// `HTTP/1.1 200 OK`, CRLF, and the common fields.
    @exclusivity(unchecked) private var okStart: [UInt8] = []
    /// `Date: …` and `Server: …` with their CRLFs.
    @exclusivity(unchecked) private var common: [UInt8] = []
    private let server: [UInt8]
    /// The loop's time until which `Date` is right.
    @exclusivity(unchecked) private var validUntil = Int64.min

    init(serverName: String?) {
        // A name that cannot be a field value is left out rather than sent.
        var field = Fields()
        if let serverName { try? field.append("Server", serverName) }
        server = field.map { "\($0.name): \($0.value)\r\n" }.joined().utf8.map { $0 }
    }

    /// An upper bound of what `write` writes at `now`, the status's reason apart. Makes the bytes first: what is not there
    /// yet cannot be measured.
    func bound(now: Int64) -> Int {
        if now >= validUntil { refresh(now) }
        return okStart.count + 64
    }

    /// Writes status line, Date and Server into `room`, which holds `bound(now:)` bytes and the status's reason; returns how
    /// many were written. `now` is the loop's time, the same as the bound's.
    func write(_ status: Status, now: Int64, into room: UnsafeMutableRawBufferPointer) throws(WireError) -> Int {
        if status == .ok {
            okStart.withUnsafeBytes { room.copyMemory(from: $0) }
            return okStart.count
        }
        let line = try MessageEncoder.writeStatusLine(status: status, into: room)
        common.withUnsafeBytes { bytes in
            UnsafeMutableRawBufferPointer(rebasing: room[line...]).copyMemory(from: bytes)
        }
        return line + common.count
    }

    private func refresh(_ now: Int64) {
        var wall = timespec()
        clock_gettime(CLOCK_REALTIME, &wall)
        // Valid to the end of the wall clock's second. If that clock is set meanwhile, the field is wrong for a second.
        validUntil = now + 1_000_000_000 - Int64(wall.tv_nsec)
        common = Array("Date: \(HTTPDate.string(Int(wall.tv_sec)))\r\n".utf8) + server
        okStart = Array("HTTP/1.1 200 OK\r\n".utf8) + common
    }
}
