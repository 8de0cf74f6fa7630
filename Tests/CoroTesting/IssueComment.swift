// What a fixture has to say about the failures inside it goes with each of them: `#expect` inside does not throw, so an
// error alone would say it too rarely.

internal import Coro
internal import Testing

/// Runs `body`; every issue that Swift Testing records inside gets these comments. Outside a test of Swift Testing, only
/// runs it.
func commentingIssues<Result: Sendable>(
    _ comments: @escaping @Sendable () -> [String], _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    guard let test = Test.current else { return try await body() }
    let trait: IssueHandlingTrait = .compactMapIssues { issue in
        var issue = issue
        issue.comments += comments().map(Comment.init(rawValue:))
        return issue
    }
    let result = Locked<Result?>(nil)
    try await trait.provideScope(for: test, testCase: Test.Case.current) {
        let value = try await body()
        result.withLock { $0 = value }
    }
    // Set, or the call above has thrown.
    return result.withLock { $0! }
}
