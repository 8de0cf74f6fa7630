// What would nest on the stack without end: a coroutine that starts a coroutine that starts a coroutine …, a cancel
// handed on from each to the one it waits for, a dropped generator whose body lets go of another. The first few levels
// nest, which is what "starts at once" means. A level too deep is put aside, and the outermost of those that nest runs
// it before it returns: later by a little, but within the same call, and on a flat stack.
//
// One for each thread, and not for each loop: generators by hand have no loop.

internal import Glibc

final class Trampoline {
    /// How many levels nest. One takes 0.8 KiB of stack in a release build and 2.5 in a debug build, and what the bodies
    /// call comes on top: even a thread with 512 KiB of stack has room for five times as many.
    static let limit = 32

    private var depth = 0
    private var deferred: [() -> Void] = []

    /// Goes one level down; nil when that is too deep, and the work is then for `put(aside:)`.
    @inline(__always)
    static func descend() -> Trampoline? {
        let trampoline = current
        guard trampoline.depth < limit else { return nil }
        trampoline.depth += 1
        return trampoline
    }

    /// Keeps work for the outermost level. To be called after `descend` returned nil.
    static func put(aside work: @escaping () -> Void) { current.deferred.append(work) }

    /// Comes back from a level; the outermost one does what was put aside.
    @inline(__always)
    func ascend() {
        if depth == 1, !deferred.isEmpty { runDeferred() }
        depth -= 1
    }

    private func runDeferred() {
        while !deferred.isEmpty {
            var batch: [() -> Void] = []
            swap(&batch, &deferred)
            for work in batch { work() }
        }
    }

    private static var current: Trampoline {
        if let slot = pthread_getspecific(key) {
            // SAFETY: the slot holds what was retained into it below, until the thread ends.
            return Unmanaged<Trampoline>.fromOpaque(slot).takeUnretainedValue()
        }
        let trampoline = Trampoline()
        pthread_setspecific(key, Unmanaged.passRetained(trampoline).toOpaque())
        return trampoline
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key) { slot in
            // SAFETY: called at the thread's end, once, with what the slot holds.
            if let slot { Unmanaged<Trampoline>.fromOpaque(slot).release() }
        }
        return key
    }()
}
