/// The version all tools of this package share; the newest heading of CHANGELOG.md.
public enum ToolVersion {
    /// As `--version` says it, without the tool's name.
    public static let current = "0.1.0"

    /// What `--version` prints.
    public static func line(_ tool: String) -> String { "\(tool) \(current)\n" }
}
