// Yieldables whose type is known only at run time.

/// Anything yieldable, its type forgotten; it gives `any Sendable`.
///
/// For lists of mixed things, and for a generator that yields now this, now that:
/// `Generator<AnyYieldable, any Sendable, Returned>`.
public struct AnyYieldable: Yieldable {
    private indirect enum Shape {
        case one(any Yieldable)
        case array([AnyYieldable])
        case dictionary([String: AnyYieldable])
    }

    private let shape: Shape

    /// Forgets the type of `yieldable`.
    public init(_ yieldable: some Yieldable) { shape = .one(yieldable) }

    /// Finds out whether `value` is yieldable, or an array or `String` dictionary of such, nested as you like.
    ///
    /// - Throws: `BadYieldError` when it is not. Nothing is started by looking.
    public init(checking value: Any) throws(BadYieldError) { try self.init(checking: value, at: "") }

    private init(checking value: Any, at path: String) throws(BadYieldError) {
        if let yieldable = value as? any Yieldable {
            shape = .one(yieldable)
        } else if let array = value as? [Any] {
            var members: [AnyYieldable] = []
            for (index, member) in array.enumerated() {
                members.append(try AnyYieldable(checking: member, at: "\(path)[\(index)]"))
            }
            shape = .array(members)
        } else if let dictionary = value as? [String: Any] {
            var members: [String: AnyYieldable] = [:]
            for (key, member) in dictionary {
                members[key] = try AnyYieldable(checking: member, at: "\(path)[\"\(key)\"]")
            }
            shape = .dictionary(members)
        } else {
            throw BadYieldError(type: String(describing: type(of: value)), path: path)
        }
    }

    public func future(on loop: EventLoop) -> Future<any Sendable> {
        switch shape {
        case .one(let yieldable): AnyYieldable.future(of: yieldable, on: loop)
        case .array(let members): members.future(on: loop).map { $0 }
        case .dictionary(let members): members.future(on: loop).map { $0 }
        }
    }

    private static func future(of yieldable: some Yieldable, on loop: EventLoop) -> Future<any Sendable> {
        yieldable.future(on: loop).map { $0 }
    }
}

/// Something was yielded that is not yieldable. Thrown into the body, at the yield.
public struct BadYieldError: Error, Sendable, CustomStringConvertible {
    /// The type of what was yielded, or of the member that is to blame.
    public let type: String
    /// Where that member is: `[0]["name"]`; empty for the value itself.
    public let path: String

    public var description: String {
        "A coroutine may yield futures, tasks, coroutines, generators, thunks, moments, and arrays, dictionaries and "
            + "optionals of them; this is \(type)\(path.isEmpty ? "" : ", at \(path)")."
    }
}
