"""Prints a table of measures (see tests/bench/run)."""

import argparse
import os
import sys

import measures_logs
import measures_requests
import measures_services
from harness import Bench


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description="Measures the daemon against bare work of the same kind.")
    parser.add_argument("binary")
    parser.add_argument("yardstick")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer rounds")
    parser.add_argument("--only", default="", metavar="WORD", help="only functions whose name has this word in it")
    options = parser.parse_args()
    bench = Bench(os.path.abspath(options.binary), os.path.abspath(options.yardstick), options.quick)
    wanted = [m for module in (measures_services, measures_requests, measures_logs) for m in module.MEASURES if options.only in m.__name__]
    if not wanted:
        sys.exit("no such measure")
    print_row(["measure", "value", "yardstick", "ratio", "target"])
    for one in wanted:
        for row in one(bench):
            print_row(row.cells())


def print_row(cells):
    widths = [48, 34, 16, 6, 0]
    print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip(), flush=True)


if __name__ == "__main__":
    main()
