#!/usr/bin/env python3
"""Coro beside its peers, operation by operation, and the design's aims held against the ratios.

    python3 Benchmarks/compare.py [--rounds N] [--seconds S] [--filter TEXT] [--report text|json] [--no-build]

The design gives its aims in nanoseconds beside what the peers took on the same day. A machine's speed drifts, so what an aim
means today is a ratio: the aim divided by the peer's figure of that day. In each round an operation is measured by Coro and
by each peer, one after the other; a ratio is taken within a round, and the median of the rounds' ratios is reported.
A row that misses is a finding and not a failure; a peer that is not there is named, and left out.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

CALLBACK = "run a callback next iteration"
PROMISE = "promise made, observed, completed"
DONE = "await something already done"
SUSPEND = "suspend and resume once"
START = "start a task and await it"
WORK = "await loop work from async code"
ARM = "arm a timer, 100 000 live"
CANCEL = "cancel a timer, 100 000 live"
IN_TURN = ", a hundred in turn"
ALONE = ", one an iteration"

# Coro's row; what peers call the same operation; the aim, and each peer's figure when the aims were set, in ns.
ROWS = [
    ("callback/next iteration", CALLBACK, 40, {"NIO": 216, "asyncio": 1458}),
    ("callback/one an iteration", CALLBACK + ALONE, 40, {"asyncio": 1458}),
    ("promise/made, observed, completed", PROMISE, 100, {"NIO": 231, "asyncio": 3741}),
    ("await/a done future", DONE, 20, {"asyncio": 71}),
    ("suspend/moment, alone", SUSPEND, 250, {"asyncio": 2053}),
    ("suspend/moment", SUSPEND + IN_TURN, 250, {"asyncio": 2053}),
    ("start/a task, and await it, alone", START, 600, {"asyncio": 4826}),
    ("start/a task, and await it", START + IN_TURN, 600, {"asyncio": 4826}),
    ("await loop work/on the loop, alone", WORK, 300, {"NIO": 21021}),
    ("await loop work/from the thread pool", WORK, 300, {"NIO": 21021}),
    ("timer/arm, 100 000 live", ARM, 80, {"NIO": 561, "asyncio": 1449}),
    ("timer/cancel, 100 000 live", CANCEL, 60, {"NIO": 67622, "asyncio": 183}),
]


class Missing(Exception):
    pass


def run(command):
    """The standard output of a program, or why there is none."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(str(error)) from error
    if ended.returncode < 0:
        raise Missing(f"{Path(command[0]).name} was ended by signal {-ended.returncode}")
    if ended.returncode:
        said = (ended.stderr.strip().splitlines() or ["nothing"])[-1]
        raise Missing(f"{Path(command[0]).name} exited with {ended.returncode}, saying: {said}")
    return ended.stdout


def built(swift, package, product, build):
    """The folder of a package's release programs, built unless told not to."""
    command = [*swift.split(), "build", "-c", "release", "--package-path", str(package)]
    if build:
        print(f"compare: building {product}", file=sys.stderr)
        run([*command, "--product", product])
    return Path(run([*command, "--show-bin-path"]).strip()) / product


class Coro:
    def __init__(self, program, seconds):
        self.command = [str(program), "micro", "--report", "json", "-t", str(seconds), "-n", "5"]

    def measure(self, row):
        """CPU time where one thread works; wall time where threads wait for each other, as the peer's is there."""
        clock = "ns_median" if row.startswith("await loop work/") else "ns_cpu"
        report = json.loads(run([*self.command, "-f", row]))
        if not report["optimised"]:
            raise Missing("coro-bench is a debug build")
        for result in report["results"]:
            if f'{result["group"]}/{result["name"]}' == row:
                return result[clock]
        raise Missing(f"coro-bench has no row {row}")


class Peer:
    def __init__(self, *command, seconds):
        self.command = [*map(str, command), "--seconds", str(seconds)]

    def measure(self, operation):
        return json.loads(run([*self.command, operation]))["median"]


def compared(rows, coro, peers, rounds):
    """Rows with what each round found. The round is the outer loop, so that a bad minute touches every row a little."""
    found = [
        {"row": row, "operation": operation, "aim": aim, "then": then, "rounds": []} for row, operation, aim, then in rows
    ]
    for number in range(rounds):
        for line in found:
            show(f"round {number + 1} of {rounds}, {line['row']}")
            figures = {}
            for name in ["Coro", *(peer for peer in line["then"] if peer in peers)]:
                measured = (coro, line["row"]) if name == "Coro" else (peers[name], line["operation"])
                try:
                    figures[name] = measured[0].measure(measured[1])
                except Missing as reason:
                    print(f"compare: {name}, {line['row']}: {reason}", file=sys.stderr)
            line["rounds"].append(figures)
    show("")
    return found


def show(stage):
    """How far we are, for somebody who watches."""
    if sys.stderr.isatty():
        print(f"\r\033[K{stage}", end="", file=sys.stderr, flush=True)


def judged(line, peer):
    """The medians, the ratio within a round and its spread, and the verdict; None where either is missing."""
    pairs = [(figures["Coro"], figures[peer]) for figures in line["rounds"] if {"Coro", peer} <= figures.keys()]
    if not pairs:
        return None
    ratios = sorted(ours / theirs for ours, theirs in pairs)
    ratio, aim = statistics.median(ratios), line["aim"] / line["then"][peer]
    return {
        "coro_ns": statistics.median(ours for ours, _ in pairs),
        "peer_ns": statistics.median(theirs for _, theirs in pairs),
        "ratio": ratio, "least": ratios[0], "most": ratios[-1], "aim_ratio": aim, "met": ratio <= aim,
    }


def table(found):
    yield "| Coro's row | Coro, ns | peer | its ns | Coro / peer | least to most | aim as a ratio | |"
    yield "|---|---|---|---|---|---|---|---|"
    for line in found:
        for peer in line["then"]:
            verdict = judged(line, peer)
            if verdict is None:
                yield f"| {line['row']} | | {peer} | missing | | | | |"
                continue
            yield "| {} | {} | {} | {} | {} | {} to {} | {} | {} |".format(
                line["row"], figure(verdict["coro_ns"]), peer, figure(verdict["peer_ns"]), short(verdict["ratio"]),
                short(verdict["least"]), short(verdict["most"]), short(verdict["aim_ratio"]),
                "met" if verdict["met"] else "missed")


def figure(nanoseconds):
    return f"{nanoseconds:.1f}" if nanoseconds < 100 else f"{nanoseconds:,.0f}".replace(",", " ")


def short(ratio):
    return f"{ratio:.4f}" if ratio < 0.01 else f"{ratio:.3f}" if ratio < 0.1 else f"{ratio:.2f}"


def main():
    parser = argparse.ArgumentParser(description="Measures Coro beside its peers.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="for each operation, in each round, of each")
    parser.add_argument("--filter", default="", help="only Coro's rows that contain this")
    parser.add_argument("--report", choices=["text", "json"], default="text")
    parser.add_argument("--swift", default="swift")
    parser.add_argument("--coro-bench", type=Path, help="this program, instead of building one")
    parser.add_argument("--no-build", action="store_true", help="use what is built")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds wants one at least")

    rows = [row for row in ROWS if options.filter in row[0]]
    build = not options.no_build
    try:
        program = options.coro_bench or built(options.swift, HERE.parent, "coro-bench", build)
    except Missing as reason:
        sys.exit(f"compare: {reason}")
    peers = {"asyncio": Peer(sys.executable, HERE / "asyncio_peer.py", seconds=options.seconds)}
    try:
        peer = built(options.swift, HERE, "nio-peer", build)
        if not peer.exists():
            raise Missing("it is not built")
        peers["NIO"] = Peer(peer, seconds=options.seconds)
    except Missing as reason:
        print(f"compare: NIO is missing: {reason}", file=sys.stderr)

    found = compared(rows, Coro(program, options.seconds), peers, options.rounds)
    if options.report == "json":
        for line in found:
            line["peers"] = {peer: judged(line, peer) for peer in line["then"]}
        print(json.dumps(found))
    else:
        print("\n".join(table(found)))


if __name__ == "__main__":
    main()
