import CLoop
import Glibc
import Testing

@Suite struct ThreadTests {
    @Test func `a thread is named, and of a long name the first fifteen bytes count`() throws {
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { _ in
                let short = cloop_thread_name("short")
                let long = cloop_thread_name("abcdefghijklmnopqrstuvwxyz")
                let file = fopen("/proc/thread-self/comm", "r")
                var line = [CChar](repeating: 0, count: 64)
                fgets(&line, 64, file)
                fclose(file)
                let isCut = strcmp(line, "abcdefghijklmno\n") == 0
                return UnsafeMutableRawPointer(bitPattern: short == 0 && long == 0 && isCut ? 1 : 2)
            }, nil)
        try #require(failure == 0)
        var result: UnsafeMutableRawPointer?
        pthread_join(thread, &result)
        #expect(result == UnsafeMutableRawPointer(bitPattern: 1))
    }
}
