// Every function here counts and forwards to glibc's own under its other name, which needs no dlsym(3) and so no care
// about who allocates first.
//
// Each thread has counters of its own, in a cache line of its own: a shared one would cost more than many of the
// operations that are measured.

#include "AllocationCounter.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define HAS_OTHER_MALLOC 1
#endif
#endif

#include <errno.h>
#include <malloc.h>

#if defined(__GLIBC__) && !defined(HAS_OTHER_MALLOC)

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

struct counters {
    // Atomic for the thread that adds them up; written by one thread, so a load and a store do, without a lock prefix.
    alignas(64) _Atomic uint64_t allocations;
    _Atomic uint64_t frees;
    _Atomic uint64_t bytes;
};

enum { most_threads = 1024 };

// Never given back: a thread's counts outlive it. Threads beyond the last share one, and may lose a count.
static struct counters all[most_threads];
static _Atomic unsigned threads;
static _Thread_local struct counters *mine;

static struct counters *counters(void) {
    if (!mine) {
        unsigned index = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed);
        mine = &all[index < most_threads ? index : most_threads - 1];
    }
    return mine;
}

static inline void add(_Atomic uint64_t *counter, uint64_t amount) {
    uint64_t old = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, old + amount, memory_order_relaxed);
}

static inline void *counted(void *block, size_t size) {
    if (block) {
        struct counters *counters_of_thread = counters();
        add(&counters_of_thread->allocations, 1);
        add(&counters_of_thread->bytes, size);
    }
    return block;
}

void *malloc(size_t size) { return counted(__libc_malloc(size), size); }

void *calloc(size_t count, size_t size) { return counted(__libc_calloc(count, size), count * size); }

void *realloc(void *block, size_t size) {
    void *moved = __libc_realloc(block, size);
    if (block && (moved || size == 0)) add(&counters()->frees, 1);
    return counted(moved, size);
}

void *memalign(size_t alignment, size_t size) { return counted(__libc_memalign(alignment, size), size); }

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **block, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    void *found = memalign(alignment, size);
    if (!found) return ENOMEM;
    *block = found;
    return 0;
}

void free(void *block) {
    if (block) add(&counters()->frees, 1);
    __libc_free(block);
}

struct allocation_counts allocation_counts_now(void) {
    struct allocation_counts sum = {0, 0, 0};
    unsigned used = atomic_load_explicit(&threads, memory_order_relaxed);
    for (unsigned index = 0; index < used && index < most_threads; index++) {
        sum.allocations += atomic_load_explicit(&all[index].allocations, memory_order_relaxed);
        sum.frees += atomic_load_explicit(&all[index].frees, memory_order_relaxed);
        sum.bytes += atomic_load_explicit(&all[index].bytes, memory_order_relaxed);
    }
    return sum;
}

bool allocation_counts_available(void) { return true; }

uint64_t heap_bytes_in_use(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

void heap_trim(void) { malloc_trim(0); }

#else

struct allocation_counts allocation_counts_now(void) { return (struct allocation_counts){0, 0, 0}; }
bool allocation_counts_available(void) { return false; }
uint64_t heap_bytes_in_use(void) { return 0; }
void heap_trim(void) {}

#endif
