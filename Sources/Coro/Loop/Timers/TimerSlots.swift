// The armed timers, each in a numbered slot that it keeps while the heap moves its deadline about. So the heap need not know
// the timers nor they the heap, and whoever wants to know whether one of a hundred thousand is still armed looks at a
// table of eight bytes each, most of it in the cache, and not at an object, which is not.

/// The timers of one queue, by number.
struct TimerSlots: ~Copyable {
    // SAFETY: a slot in use holds the address of a timer, retained, or 0 when that was taken out; a free one holds the
    // number of the next free one.
    private var slots: UnsafeMutablePointer<UInt>
    private var capacity: Int
    /// How many were ever used.
    private var used: UInt32 = 0
    private var firstFree = TimerSlots.none

    private static let none = UInt32.max

    init() {
        capacity = 16
        // SAFETY: freed in `deinit`; the first `used` are initialized. What they hold is let go of before.
        slots = .allocate(capacity: capacity)
    }

    deinit { slots.deallocate() }

    /// Puts a timer into a free slot, and holds it.
    @inline(__always)
    mutating func insert(_ timer: LoopTimer) -> UInt32 {
        var number = firstFree
        if number == TimerSlots.none {
            if Int(used) == capacity { grow() }
            number = used
            used += 1
        } else {
            firstFree = UInt32(truncatingIfNeeded: slots[Int(number)])
        }
        (slots + Int(number)).initialize(to: UInt(bitPattern: Unmanaged.passRetained(timer).toOpaque()))
        return number
    }

    /// The timer in a slot in use; nil when it was taken out.
    @inline(__always)
    subscript(number: UInt32) -> Unmanaged<LoopTimer>? {
        UnsafeRawPointer(bitPattern: slots[Int(number)]).map(Unmanaged.fromOpaque)
    }

    @inline(__always)
    func isEmpty(_ number: UInt32) -> Bool { slots[Int(number)] == 0 }

    /// Takes the timer out, with the reference that held it; nil when it was taken out before. The slot stays in use.
    @inline(__always)
    mutating func take(_ number: UInt32) -> Unmanaged<LoopTimer>? {
        let timer = self[number]
        slots[Int(number)] = 0
        return timer
    }

    /// Makes an empty slot free for another.
    @inline(__always)
    mutating func free(_ number: UInt32) {
        slots[Int(number)] = UInt(firstFree)
        firstFree = number
    }

    private mutating func grow() {
        precondition(capacity < Int(TimerSlots.none), "A loop cannot have more than 4,294,967,294 timers.")
        let larger = UnsafeMutablePointer<UInt>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: slots, count: capacity)
        slots.deallocate()
        slots = larger
        capacity *= 2
    }
}
