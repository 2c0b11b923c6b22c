"""Run the benchmarks: `python -m bench [--size N] [NAME ...]`.

A benchmark is a module of this package with `measure(size: int) -> Result`, the SIZE that its goals are about, the UNIT
that it counts in, and a QUICK_SIZE for a first look.
"""

import argparse
import sys
from importlib import import_module

from bench.machine import machine
from bench.result import Result, result_lines

BENCHMARKS = (
    "fingerprint",
    "images",
    "candidates",
    "lookup",
    "scan",
    "store",
    "vacuum",
    "index",
    "rematch",
    "leases",
    "bytes",
    "partitions",
    "context",
    "review",
    "views",
    "export",
    "backup",
    "crawl",
    "shop",
    "processes",
)


def main() -> int:
    """Run what the command line names, all where it names none; return 1 where a goal was missed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure the speeds that docs/performance.md states."
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; all where none is named"
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--size", type=int, metavar="N", help="how much to measure with, in place of each benchmark's own"
    )
    size.add_argument("--quick", action="store_true", help="measure with little, for a first look")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"no benchmark is called {min(unknown)}; there are {', '.join(BENCHMARKS)}")
    if arguments.size is not None and arguments.size < 1:
        parser.error(f"--size {arguments.size}: give 1 or more")
    print(machine())
    missed = False
    for name in arguments.names or BENCHMARKS:
        result = _measure(name, arguments.size, quick=arguments.quick)
        print("\n" + "\n".join(result_lines(result)), flush=True)
        missed |= any(goal.judged and not goal.met for goal in result.goals)
    return int(missed)


def _measure(name: str, size: int | None, *, quick: bool) -> Result:
    benchmark = import_module(f"bench.{name}")
    size = size or (benchmark.QUICK_SIZE if quick else benchmark.SIZE)
    print(f"\n{name}: measuring with {size:,} {benchmark.UNIT} …", file=sys.stderr, flush=True)
    result: Result = benchmark.measure(size)
    return result


if __name__ == "__main__":
    sys.exit(main())
