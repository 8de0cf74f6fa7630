// Just enough JSON to say what a request brought (RFC 8259).

internal import Http

enum JSON {
    /// The fields as an object; the values of lines with one name are joined, as HTTP allows (RFC 9110 §5.3).
    static func object(_ fields: FieldView) -> String {
        var seen: Set<String> = []
        var members: [String] = []
        for (name, _) in fields where seen.insert(name.lowercased()).inserted {
            members.append("\(string(name)):\(string(fields.values(name) ?? ""))")
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    static func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..<" ":
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
