// Counts what a program asks of malloc(3), by being its malloc: linking this target is all there is to do. Swift's
// runtime calls malloc through the dynamic linker, which takes the program's own definition first, so swift_allocObject
// is counted too, however the runtime is linked.
//
// Only for the benchmark tool. Under a sanitizer, which brings its own malloc, nothing is counted.

#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

/// What all threads have asked for since the program began.
struct allocation_counts {
    uint64_t allocations;  ///< Calls that returned memory; a realloc is one.
    uint64_t frees;        ///< Blocks given back.
    uint64_t bytes;        ///< The sum of what was asked for.
};

/// Adds up the counts of all threads. A thread that allocates meanwhile may or may not be in.
struct allocation_counts allocation_counts_now(void);

/// False when allocations cannot be counted here: under a sanitizer, or with another C library than glibc.
bool allocation_counts_available(void);

/// Bytes of the heap that are in use, as glibc sees it; 0 where it cannot tell.
uint64_t heap_bytes_in_use(void);

/// Gives free heap memory back to the kernel, so that a measurement begins with what is really in use.
void heap_trim(void);

#endif
