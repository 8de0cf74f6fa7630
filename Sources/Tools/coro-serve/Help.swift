// The page that teaches the tool.

extension CommandLineArguments {
    static let help = """
        coro-serve: serve a directory, or endpoints to try a client with, over HTTP/1.1.

        Usage: coro-serve [DIR] [-p PORT] [-b ADDRESS] [--loops N] [--quiet]
                          [--tls | --tls-cert FILE [--tls-key FILE]] [--ktls]

          DIR                 The directory to serve. Without one: the endpoints below.
          -p, --port PORT     The port to listen on; 0 picks a free one. 8000 if not given.
          -b, --bind ADDRESS  The IP address to listen on. 127.0.0.1 if not given, which only
                              this machine reaches; 0.0.0.0 is every address it has.
              --tls           https, with a certificate that is made for this run. The line to
                              fetch with is printed; the key is nowhere but in memory.
              --tls-cert FILE https, with this certificate and those it hangs on (PEM). SIGHUP
                              reads it again, and connections that are open go on.
              --tls-key FILE  Its key, if that is not in the same file.
              --ktls          Have the kernel encipher, so that files go out without passing
                              through this process. Said at the start where it cannot.
              --loops N       How many threads serve, each with an event loop. 1 if not given.
          -q, --quiet         No line for each answer on standard error.
          -h, --help          This page.
          -V, --version       The version.

        Examples:
          coro-serve                        The endpoints, at http://127.0.0.1:8000/
          coro-serve public -p 8080         The files in public/, at http://127.0.0.1:8080/
          coro-serve . -b 0.0.0.0           This directory, for everybody on the network
          coro-serve --loops 4 --quiet      As fast as four cores go
          coro-serve --tls                  The endpoints, at https://127.0.0.1:8000/
          curl http://127.0.0.1:8000/delay/1.5

        Endpoints without DIR:
          /               Hello, world
          /plaintext      Hello, World! without a line end, as benchmarks want it
          /json           {"message":"Hello, World!"}
          /delay/SECONDS  Answers after that time; 0 to 60, fractions too
          /bytes/N        N bytes, streamed with their length; up to 1073741824
          /stream/N       N lines of JSON, streamed in chunks; up to 100000
          /status/CODE    An answer with that status; 200 to 599
          /headers        The request's fields as JSON
          /echo           The request's body, sent back as it comes; any method

        Files come with their type, length, ETag and Last-Modified; index.html stands for its directory.
        No path leads out of DIR, by symbolic links neither. Over https browsers are told to take types
        as they are said (X-Content-Type-Options: nosniff).

        Started with sockets that listen already (LISTEN_FDS, as systemd's socket units do), it serves at
        these; -p and -b then say nothing.

        The first SIGINT (Ctrl-C) or SIGTERM lets requests under way finish; a second ends at once.
        Exit codes: 0 stopped, 1 could not serve (say, the port is in use), 2 wrong command line,
        a directory or certificate that cannot be used among it.

        """
}
