// Every place where one fault can fall, visited one after the other.

internal import Coro

/// Runs `body` with `fault` at step 0, then at step 1, and so on, until it runs through without meeting the fault.
///
/// ```swift
/// try await withLoop { loop in
///     try await forEachStep(.reset) { plan in
///         let pair = try StreamPair(on: loop)
///         pair.left.inject(plan)
///         // … a conversation over `pair.left`: it must end well, or with the right error, wherever the reset falls.
///     }
/// }
/// ```
///
/// - Parameters:
///   - base: what goes wrong at all other steps: with `.oneByteAtATime` the fault falls between any two bytes.
///   - limit: a body that meets the fault more often than this is taken for one that never ends.
/// - Returns: at how many steps the fault fell.
/// - Throws: `FaultStepError` with the step and what `body` threw. Issues recorded inside name the plan.
@discardableResult
public func forEachStep(
    _ fault: StreamFault, in base: FaultPlan = .smooth, limit: Int = 10_000,
    _ body: @escaping @Sendable (FaultPlan) async throws -> Void
) async throws -> Int {
    for step in 0..<limit {
        let plan = base.with(fault, atStep: step)
        defer { plan.letGo() }
        do {
            try await commentingIssues({ ["fault plan: \(plan)"] }) { try await body(plan) }
        } catch {
            throw FaultStepError(plan: "\(plan)", failure: error)
        }
        guard plan.isReached else { return step }
    }
    throw FaultStepError(plan: "\(base), \(fault) at each step", failure: EndlessStepsError(limit: limit))
}

/// What a body threw under a plan.
public struct FaultStepError: Error, CustomStringConvertible {
    /// What went wrong on the stream, and at which step.
    public let plan: String
    /// What the body made of it.
    public let failure: any Error

    public var description: String { "With \(plan): \(failure)" }
}

/// A body met its fault at every step that was tried.
public struct EndlessStepsError: Error, CustomStringConvertible {
    /// How many steps were tried.
    public let limit: Int

    public var description: String { "The fault was still met at step \(limit): does the body end at all?" }
}
