"""Counts what becomes of every hostile call, by outcome, and lists those that are not what they must be."""

import argparse
from collections import Counter

from tests.face.calls import calls
from tests.face.test_face import TABLE, WAYS


def main() -> None:
    """Run the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="part of a public name")
    parser.add_argument("--list", action="store_true", help="list what is not as it must be")
    asked = parser.parse_args()
    counts, fitting = Counter(), 0
    for public in TABLE:
        for call in calls(public, WAYS) if asked.only in public.name else ():
            outcome, words = call.outcome()
            counts[outcome] += 1
            fitting += outcome == call.expected
            if asked.list and outcome != call.expected:
                print(f"{call}: must be {call.expected}, is {outcome}: {words}", flush=True)
    print(f"{counts.total()} calls, {fitting} as they must be:", dict(counts.most_common()))


if __name__ == "__main__":
    main()
