/// Checks of `host [":" port]` (RFC 9110 §7.2, RFC 3986 §3.2), shared by heads and URLs.
enum Authority {
    /// Whether `start..<end` is a host, perhaps empty, with an optional port up to 65535.
    static func isValid(_ bytes: Bytes, from start: Int, to end: Int) -> Bool {
        var index = start
        if index < end, bytes[index] == Byte.openBracket {
            var close = index
            while close < end, bytes[close] != Byte.closeBracket { close &+= 1 }
            guard close < end, isIPv6(bytes, from: index &+ 1, to: close) else { return false }
            index = close &+ 1
            if index == end { return true }
            guard bytes[index] == Byte.colon else { return false }
        } else {
            index = endOfName(bytes, from: index, to: end)
            if index == end { return true }
            // A port without a host names nothing.
            guard index > start, bytes[index] == Byte.colon else { return false }
        }
        return port(bytes, from: index &+ 1, to: end) != nil
    }

    /// The end of the registered name or IPv4 address that starts at `start` (RFC 3986 §3.2.2).
    static func endOfName(_ bytes: Bytes, from start: Int, to end: Int) -> Int {
        let allowed = ByteClass.host
        var index = start
        while index < end {
            if allowed.contains(bytes[index]) {
                index &+= 1
            } else if bytes[index] == Byte.percent, index &+ 2 < end, Byte.hexValue(bytes[index &+ 1]) != nil,
                Byte.hexValue(bytes[index &+ 2]) != nil
            {
                index &+= 3
            } else {
                break
            }
        }
        return index
    }

    /// The port that `start..<end` spells, 0 for an empty one (RFC 3986 §3.2.3), nil for none that TCP has.
    static func port(_ bytes: Bytes, from start: Int, to end: Int) -> Int? {
        var value = 0
        for index in start..<end {
            guard Byte.isDigit(bytes[index]) else { return nil }
            value = value * 10 + Int(bytes[index] &- Byte.zero)
            if value > 65535 { return nil }
        }
        return value
    }

    /// Whether `start..<end` is an IPv6 address without brackets or zone (RFC 4291 §2.2).
    static func isIPv6(_ bytes: Bytes, from start: Int, to end: Int) -> Bool {
        var groups = 0
        var elided = false
        var index = start
        if end - start >= 2, bytes[start] == Byte.colon, bytes[start &+ 1] == Byte.colon {
            elided = true
            index = start &+ 2
        }
        while index < end {
            var stop = index
            while stop < end, Byte.hexValue(bytes[stop]) != nil { stop &+= 1 }
            if stop < end, bytes[stop] == Byte.dot {
                guard isIPv4(bytes, from: index, to: end) else { return false }
                groups += 2
                break
            }
            guard stop > index, stop &- index <= 4 else { return false }
            groups += 1
            if stop == end { break }
            guard bytes[stop] == Byte.colon, stop &+ 1 < end else { return false }
            index = stop &+ 1
            if bytes[index] == Byte.colon {
                if elided { return false }
                elided = true
                index &+= 1
            }
        }
        return elided ? groups < 8 : groups == 8
    }

    private static func isIPv4(_ bytes: Bytes, from start: Int, to end: Int) -> Bool {
        var parts = 0
        var index = start
        while true {
            var value = 0
            let first = index
            while index < end, Byte.isDigit(bytes[index]), index &- first < 3 {
                value = value * 10 + Int(bytes[index] &- Byte.zero)
                index &+= 1
            }
            guard index > first, value < 256 else { return false }
            parts += 1
            if index == end { return parts == 4 }
            guard bytes[index] == Byte.dot else { return false }
            index &+= 1
        }
    }
}
