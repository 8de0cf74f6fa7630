// As much of a DNS message as one question and its A records need (RFC 1035 §4).

enum Message {
    private static let headBytes = 12

    /// A question for the A records of `name`, to be answered recursively.
    static func question(_ name: String, id: UInt16) -> [UInt8] {
        var bytes = [UInt8(id >> 8), UInt8(id & 0xff), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        for label in name.split(separator: ".") { bytes += [UInt8(label.utf8.count & 63)] + label.utf8.prefix(63) }
        return bytes + [0, 0, 1, 0, 1]
    }

    /// The answer to `question` with one A record. (The name is given as a pointer to the question's, §4.1.4.)
    static func answer(to question: [UInt8], _ address: [UInt8]) -> [UInt8] {
        guard question.count > headBytes else { return [] }
        var bytes = question
        (bytes[2], bytes[3], bytes[7]) = (0x81, 0x80, 1)
        return bytes + [0xc0, UInt8(headBytes), 0, 1, 0, 1, 0, 0, 0, 60, 0, 4] + address
    }

    /// The A records of an answer; nil when it is not one to `question`.
    static func addresses(in answer: [UInt8], to question: [UInt8]) -> [String]? {
        guard answer.count >= question.count, answer.prefix(2) == question.prefix(2), answer[2] & 0x80 != 0
        else { return nil }
        var addresses: [String] = []
        var index = question.count
        for _ in 0..<(Int(answer[6]) << 8 | Int(answer[7])) {
            guard let next = endOfName(in: answer, from: index), next + 10 <= answer.count else { break }
            let type = Int(answer[next]) << 8 | Int(answer[next + 1])
            let length = Int(answer[next + 8]) << 8 | Int(answer[next + 9])
            index = next + 10 + length
            guard index <= answer.count else { break }
            if type == 1, length == 4 {
                addresses.append(answer[next + 10..<index].map(String.init).joined(separator: "."))
            }
        }
        return addresses
    }

    /// Where a name ends: at a zero, or behind a pointer.
    private static func endOfName(in bytes: [UInt8], from start: Int) -> Int? {
        var index = start
        while index < bytes.count {
            if bytes[index] >= 0xc0 { return index + 2 }
            if bytes[index] == 0 { return index + 1 }
            index += 1 + Int(bytes[index])
        }
        return nil
    }
}
