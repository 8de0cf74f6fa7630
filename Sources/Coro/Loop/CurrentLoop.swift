// Which loop runs on this thread: one pthread slot, set for as long as `run()` lasts.

internal import Glibc

enum CurrentLoop {
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    static func get() -> EventLoop? {
        // SAFETY: the slot holds what `set` put there, unretained, and `run()` keeps the loop alive until it clears it.
        pthread_getspecific(key).map { Unmanaged<EventLoop>.fromOpaque($0).takeUnretainedValue() }
    }

    static func set(_ loop: EventLoop?) {
        pthread_setspecific(key, loop.map { UnsafeRawPointer(Unmanaged.passUnretained($0).toOpaque()) })
    }
}

/// The calling thread, as a number that can be kept in an atomic.
@inline(__always)
func threadIdentity() -> UInt { UInt(pthread_self()) }
