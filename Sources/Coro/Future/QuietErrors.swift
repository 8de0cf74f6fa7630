// Which failures are expected. Whoever waits for several futures takes one failure; the others go to `Report`, unless
// they are of these.

/// Failures that are expected where they arise, and so are not reported: types, `.all`, or a test of your own.
///
/// ```swift
/// loop.gather(fetches, quiet: [TimeoutError.self])
/// loop.gather(fetches, quiet: QuietErrors { ($0 as? IOError)?.code == 104 })
/// ```
public struct QuietErrors: Sendable, ExpressibleByArrayLiteral {
    private let includes: @Sendable (any Error) -> Bool

    /// The failures of which `isQuiet` says so.
    public init(_ isQuiet: @escaping @Sendable (any Error) -> Bool) { includes = isQuiet }

    /// The failures of these types. An empty list has none: everything is reported.
    public init(arrayLiteral types: any Error.Type...) {
        self.init { error in types.contains { QuietErrors.isKind(error, of: $0) } }
    }

    /// Every failure.
    public static let all = QuietErrors { _ in true }

    /// True when `error` is one of them.
    public func contains(_ error: any Error) -> Bool { includes(error) }

    private static func isKind<Kind: Error>(_ error: any Error, of kind: Kind.Type) -> Bool { error is Kind }
}

extension Report {
    /// Reports the failure of a future after whoever waited for it had gone.
    static func late<Value>(_ outcome: Outcome<Value>, _ quiet: QuietErrors, origin: SourcePlace) {
        if case .failed(let error) = outcome, !quiet.contains(error) { unobserved(error, origin: origin) }
    }
}
