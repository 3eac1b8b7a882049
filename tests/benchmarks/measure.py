"""How the benchmarks measure and print: functions called in turn on one thread, and the median of each."""

import argparse
import statistics
import time

import torch


def in_turn(calls, seconds=1.0):
    """Median seconds of each of the functions, called in turn for so many seconds each, at least three times."""
    for call in calls.values():
        call()
    times = {name: [] for name in calls}
    until = time.perf_counter() + seconds * len(calls)
    while time.perf_counter() < until or min(map(len, times.values())) < 3:
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - started)
    return {name: statistics.median(taken) for name, taken in times.items()}


def matrix_rate(size=512):
    """Billion floating-point operations a second in a product of two matrices."""
    a = torch.randn(size, size)
    return 2e-9 * size**3 / in_turn({"product": lambda: a @ a}, 0.5)["product"]


def show(*parts):
    """Print and return the rows of some benchmarks, with how many times the first contender of its size each is."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=1.0, help="of each contender at each size (default 1)")
    parser.add_argument("--without-rivals", action="store_true", help="without mbrl-lib")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"one thread; a product of matrices: {matrix_rate():.0f} GFlop/s", flush=True)
    found, first = [], {}
    for part in parts:
        for group, size, name, rate, unit in part(given.seconds, not given.without_rivals):
            base = first.setdefault((group, size), rate)
            found.append((group, size, name, rate, unit, rate / base))
            print(f"{group:12} {size:30} {name:32} {rate:10.3g} {unit:22} {rate / base:6.2f}x", flush=True)
    return found
