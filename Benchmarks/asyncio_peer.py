#!/usr/bin/env python3
"""What Python's asyncio takes for the operations of Coro's design, one JSON line each.

    asyncio_peer.py [--seconds S] [OPERATION]...        all operations if none is named

Rounds of a thousand operations by the CPU time of the thread; the median round and the least, in ns an operation.
"""

import argparse
import asyncio
import json
import random
import time

SIZE = 1_000


async def callback():
    """call_soon, and the callback's run; a thousand an iteration."""
    loop = asyncio.get_running_loop()
    ran = loop.create_future()
    start = time.thread_time_ns()
    for _ in range(SIZE - 1):
        loop.call_soon(nothing)
    loop.call_soon(ran.set_result, None)
    await ran
    return time.thread_time_ns() - start


async def callback_alone():
    """A callback that adds itself again: an iteration each, its epoll_wait among it."""
    loop = asyncio.get_running_loop()
    ran = loop.create_future()
    left = SIZE

    def step():
        nonlocal left
        left -= 1
        if left:
            loop.call_soon(step)
        else:
            ran.set_result(None)

    start = time.thread_time_ns()
    loop.call_soon(step)
    await ran
    return time.thread_time_ns() - start


async def promise():
    """create_future, add_done_callback, set_result, and the callback's run; a thousand an iteration."""
    loop = asyncio.get_running_loop()
    start = time.thread_time_ns()
    for number in range(SIZE):
        future = loop.create_future()
        future.add_done_callback(seen)
        future.set_result(number)
    await asyncio.sleep(0)
    return time.thread_time_ns() - start


async def done():
    future = asyncio.get_running_loop().create_future()
    future.set_result(1)
    start = time.thread_time_ns()
    for _ in range(SIZE):
        await future
    return time.thread_time_ns() - start


async def suspend():
    """One task: an iteration each, its epoll_wait among it."""
    start = time.thread_time_ns()
    await suspensions(SIZE)
    return time.thread_time_ns() - start


async def suspend_in_turn():
    start = time.thread_time_ns()
    await asyncio.gather(*[suspensions(SIZE // 100) for _ in range(100)])
    return time.thread_time_ns() - start


async def begin():
    """One caller: iterations of their own, with their epoll_wait."""
    start = time.thread_time_ns()
    await starts(SIZE)
    return time.thread_time_ns() - start


async def begin_in_turn():
    start = time.thread_time_ns()
    await asyncio.gather(*[starts(SIZE // 100) for _ in range(100)])
    return time.thread_time_ns() - start


class Timers:
    """A thousand timers come and go at random instants among those of a hundred thousand.

    asyncio only marks a cancelled timer; it sweeps when more than half of all are. No round gets there, so what the sweep
    takes is not in these figures.
    """

    live = []

    @classmethod
    def armed(cls):
        loop = asyncio.get_running_loop()
        at = loop.time() + 3_600
        if not cls.live:
            cls.live = [loop.call_at(at + random.random() * 4_000, nothing) for _ in range(100_000)]
        instants = [at + random.random() * 4_000 for _ in range(SIZE)]
        start = time.thread_time_ns()
        more = [loop.call_at(instant, nothing) for instant in instants]
        return more, time.thread_time_ns() - start

    @classmethod
    async def arm(cls):
        more, took = cls.armed()
        for timer in more:
            timer.cancel()
        return took

    @classmethod
    async def cancel(cls):
        more, _ = cls.armed()
        start = time.thread_time_ns()
        for timer in more:
            timer.cancel()
        return time.thread_time_ns() - start


OPERATIONS = {
    "run a callback next iteration": callback,
    "run a callback next iteration, one an iteration": callback_alone,
    "promise made, observed, completed": promise,
    "await something already done": done,
    "suspend and resume once": suspend,
    "suspend and resume once, a hundred in turn": suspend_in_turn,
    "start a task and await it": begin,
    "start a task and await it, a hundred in turn": begin_in_turn,
    "arm a timer, 100 000 live": Timers.arm,
    "cancel a timer, 100 000 live": Timers.cancel,
}


def nothing():
    pass


def seen(_):
    pass


async def number():
    return 1


async def suspensions(count):
    for _ in range(count):
        await asyncio.sleep(0)


async def starts(count):
    for _ in range(count):
        await asyncio.create_task(number())


async def measure(name, seconds):
    operation = OPERATIONS[name]
    for _ in range(3):
        await operation()
    end = time.monotonic() + seconds
    times = []
    # Fifty at most: timers that were cancelled stay in the heap, and must not become a crowd of their own.
    while len(times) < 11 or (len(times) < 50 and time.monotonic() < end):
        times.append(await operation() / SIZE)
        await asyncio.sleep(0)
    times.sort()
    line = {"operation": name, "median": round(times[len(times) // 2], 1), "least": round(times[0], 1)}
    print(json.dumps(line), flush=True)


def main():
    parser = argparse.ArgumentParser(description="Measures asyncio.")
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("operations", nargs="*", metavar="OPERATION", help="; ".join(OPERATIONS))
    options = parser.parse_args()
    for name in options.operations:
        if name not in OPERATIONS:
            parser.error(f"there is no operation {name!r}")
    for name in options.operations or OPERATIONS:
        asyncio.run(measure(name, options.seconds))
        Timers.live = []


if __name__ == "__main__":
    main()
