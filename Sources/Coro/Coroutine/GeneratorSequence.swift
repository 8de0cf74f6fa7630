// Generators in `for … in`.

extension Generator where Sent == Void, Returned == Void {
    /// What the body yields, as a sequence: `for number in numbers.results { print(try number.get()) }`.
    ///
    /// Swift's `for … in` cannot throw between two elements, so each element says itself whether there is a value. A body
    /// that throws gives one failure, and that is the last element. Leaving the loop early leaves the generator where it
    /// is: another loop goes on from there, and dropping it closes it.
    public var results: GeneratorSequence<Yielded> { GeneratorSequence(self) }
}

/// What a generator yields, one after the other. A sequence to go through once.
public struct GeneratorSequence<Yielded>: Sequence, IteratorProtocol {
    private let generator: Generator<Yielded, Void, Void>
    private var isOver = false

    init(_ generator: Generator<Yielded, Void, Void>) { self.generator = generator }

    /// The next value; the body's failure, once; nil at the end.
    public mutating func next() -> Result<Yielded, any Error>? {
        guard !isOver, !generator.isFinished else { return nil }
        do {
            if case .yielded(let value) = try generator.next() { return .success(value) }
            isOver = true
            return nil
        } catch {
            isOver = true
            return .failure(error)
        }
    }
}
