// What a request brought, as JSON.

internal import Console
internal import Http

enum JSON {
    /// The fields as an object; the values of lines with one name are joined, as HTTP allows (RFC 9110 §5.3).
    static func object(_ fields: FieldView) -> String {
        var seen: Set<String> = []
        var members: [(name: String, value: String)] = []
        for (name, _) in fields where seen.insert(name.lowercased()).inserted {
            members.append((name, JSONText.string(fields.values(name) ?? "")))
        }
        return JSONText.object(members)
    }
}
