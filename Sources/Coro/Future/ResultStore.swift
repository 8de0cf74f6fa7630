// Room for one value of any type, a failure among them, in an object whose own layout does not depend on it. Whether there
// is one, and of which type, is the future's to know.
//
// A class with a stored `Value?` needs the metadata of `Optional<Value>` to be destroyed, which the runtime looks up in a
// table, under a hash, each time a future goes: a fifth of the cost of a promise. The metadata of `Value` itself is in the
// object's own type. So the value stands in three words here, or in a block of its own when it does not fit.
//
// To the compiler the words are numbers. It does not know that what they stand for goes with the object, and lets go of that
// when the words have been read, which may be before the value is retained. So whoever gets a value out keeps the object
// until it has it (`withExtendedLifetime`).

@usableFromInline
struct ResultStore {
    @usableFromInline var words: (UInt, UInt, UInt) = (0, 0, 0)

    @inlinable
    init() {}

    /// Whether a value of this type stands in the words themselves.
    @inlinable @inline(__always)
    static func fits<Value>(_ type: Value.Type) -> Bool {
        MemoryLayout<Value>.size <= MemoryLayout<(UInt, UInt, UInt)>.size
            && MemoryLayout<Value>.alignment <= MemoryLayout<UInt>.alignment
    }

    /// Puts a value in; the store must be empty.
    @inlinable @inline(__always)
    mutating func put<Value>(_ value: Value) {
        if ResultStore.fits(Value.self) {
            withUnsafeMutableBytes(of: &words) { room in
                // SAFETY: it fits, in size and alignment; a class's stored property is aligned to its type, three words.
                _ = room.baseAddress!.initializeMemory(as: Value.self, to: value)
            }
        } else {
            let block = UnsafeMutablePointer<Value>.allocate(capacity: 1)
            block.initialize(to: value)
            words.0 = UInt(bitPattern: block)
        }
    }

    /// A copy of the value; the store must hold one of this type. The caller keeps the object that the store is in.
    @inlinable @inline(__always)
    func get<Value>(_ type: Value.Type) -> Value {
        if ResultStore.fits(type) {
            // SAFETY: `put` left an initialized value of this type here.
            return withUnsafeBytes(of: words) { $0.baseAddress!.assumingMemoryBound(to: type).pointee }
        }
        // SAFETY: `put` left the address of an initialized block here.
        return UnsafePointer<Value>(bitPattern: words.0)!.pointee
    }

    /// Destroys the value, which must be there and of this type.
    @inlinable
    mutating func destroy<Value>(_ type: Value.Type) {
        if ResultStore.fits(type) {
            withUnsafeMutableBytes(of: &words) { room in
                // SAFETY: as in `get`, and it is not read again.
                _ = room.baseAddress!.assumingMemoryBound(to: type).deinitialize(count: 1)
            }
        } else if let block = UnsafeMutablePointer<Value>(bitPattern: words.0) {
            block.deinitialize(count: 1)
            block.deallocate()
        }
    }
}
