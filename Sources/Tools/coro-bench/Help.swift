// The page that teaches the tool.

extension CommandLineArguments {
    static let help = """
        coro-bench: measures the runtime, one operation at a time, and servers side by side.

        Usage: coro-bench micro|memory|net [--filter TEXT]... [--time SECONDS] [--rounds N]
                                           [--report text|json] [--list]

          micro               What single operations take: callbacks, promises, suspensions, timers.
          memory              What waiting things take: tasks, coroutines, timers, futures; a million
                              of them; ten million yields in flat memory.
          net                 What servers do with the same load, Coro's beside a peer: bytes through
                              streams, connections that come and go, a large file, TLS.
          -f, --filter TEXT   Only scenarios whose name contains TEXT; may be given again for more.
          -t, --time SECONDS  How long each is measured; of net, each server. 1 if not given.
                              (memory: not used; s_time: a second for each round at least.)
          -n, --rounds N      In how many rounds; the median of them is reported. 5 if not given.
          -r, --report FORMAT text, a table (the default), or json, one object.
          -l, --list          Show the scenarios, their aims, and what one operation is; measure nothing.
          -h, --help          This page.
          -V, --version       The version.

        Examples:
          coro-bench micro                             Everything, in about a minute
          coro-bench micro -f timer -f await -t 5      Some of it, more exactly
          coro-bench micro --report json > today.json  For a script
          coro-bench memory                            About half a minute; a million tasks take 2 GB
          coro-bench net -f stream -f file -t 5        Streams and the large file, more exactly
          perf record -e cpu-clock -g coro-bench micro -f 'suspend/moment' -t 10

        Columns of micro:
          ns        Wall time of one operation: the median of the rounds, the least and the most.
          cpu       CPU time of one operation, all threads; less than ns when the machine had other work.
          allocs    Calls of malloc and its kin in one operation, and the bytes asked for.
          aim       What it should take at most (Docs/Benchmarking.md), and whether cpu does; ns where
                    threads wait for each other.

        Columns of memory:
          heap      Bytes of the heap that each takes, as malloc counts; resident, as the kernel does.
          before    Memory of the process in RAM before, while they are all there, and when they are gone.
          ns        Wall time of making one.

        Columns of net, a line for each server, Coro's first:
          per s     What is counted (bytes, messages, connections, handshakes) in a second; median.
          cpu ns    CPU time of the server's process for one of them; median.
          busy      The part of its core that the server used. Well below 100% the rate is the load's.
          bytes     Resident memory of the server's process for a quiet connection.
          ratio     Coro's rate (or memory) divided by this peer's: the median of the rounds' ratios,
                    the least and the most.
          cpu ratio The same of CPU time; less is better.
          aim       What Coro's rate should be of the best peer's at least; or, with cpu, what it should
                    do with its CPU time.

        net runs each server as a process on one core, and the load on another; the peers take turns.
        floor is the same service in bare system calls. It wants nginx, openssl, and coro-serve beside
        this program; a peer that is not installed is named, and left out.

        A row that misses its aim is a finding and not a failure. Use the release build, and an idle machine.
        Exit codes: 0 measured, 1 a scenario failed, 2 wrong command line.

        """
}
