"""Mutation tests of the method: `make mutants`, or ARGS="--sample 300" for some of them. It goes on where it stopped.

mutmut writes every mutant of a function beside it, one of which an environment variable chooses. Tests run once without
one, to see which functions each reaches and how long it takes; then each mutant has a process of its own, forked from
this one, where the tests that reach it run, quick ones first, until one fails. What survives though nobody could see a
difference is in equivalent.toml, by function and changed line, with the reason.
"""

import argparse
import ast
import gc
import hashlib
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, Phase, settings
from mutmut.mutation.file_mutation import MutatedFile, mutate_file_contents
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state
from mutmut.utils.format_utils import get_mutant_name

HERE = Path(__file__).resolve().parent
ROOT, WORK = HERE.parents[1], HERE.parents[1] / "build/mutants"
MODULES = (
    *(f"damlite/{name}.py" for name in ("mixture", "estimate", "planning", "fitting", "results/claims")),
    *(f"damlite/{name}.py" for name in ("resampling", "together", "support/adamw")),  # of estimates and fits
    *(f"damlite/exact/{name}.py" for name in ("finite", "optimum", "ratios", "values")),
    *(f"damlite/diagnostics/{name}.py" for name in ("calibration", "weights")),
)
JUDGES = (
    *(f"tests/test_{name}.py" for name in ("mixture", "estimate", "planning", "fitting", "exact", "exact_finite")),
    *(f"tests/{name}.py" for name in ("test_diagnostics", "test_limits", "results/test_claims")),
    *("tests/face/test_face.py::test_hostile_calls", "tests/properties"),
)
LEFT_OUT = (
    "tests/results/test_claims.py::test_chance_alone_makes_few_verdicts",  # slow, as is the next
    "tests/results/test_claims.py::test_unrealistic_states_are_those_the_road_does_not_make",
    "tests/test_fitting.py::test_warnings_of_fits_point_at_the_readers_own_line",  # mutmut's stand in between
)
LIMIT = 60  # seconds of a processor for a mutant; one that takes more hangs
ENDS = {0: "survived", signal.SIGXCPU: "hung", signal.SIGALRM: "hung"}  # of a mutant's process; all others are deaths
FLOOR = 0.85  # of the mutants that are not equivalent


class Undecorated(ast.NodeTransformer):
    """`@f` above a function as `name = f(name)` below it: mutmut leaves decorated functions alone."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef | list[ast.stmt]:
        """A function, and those within it."""
        self.generic_visit(node)
        decorators = [ast.unparse(each) for each in node.decorator_list]
        if not decorators or node.name == "_" or set(decorators) & {"staticmethod", "classmethod"}:
            return node
        call = node.name
        for decorator in reversed(decorators):
            call = f"{decorator}({call})"
        node.decorator_list = []
        return [node, *ast.parse(f"{node.name} = {call}").body]


def write_mutants() -> dict[str, dict[str, tuple[str, str]]]:
    """Copy what tests need to WORK, with all mutants of MODULES: by module the function and the new line of each."""
    for name in ("tests", "figures", "damlite"):
        shutil.copytree(ROOT / name, WORK / name, dirs_exist_ok=True)
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, WORK)
    (WORK / "setup.cfg").write_text("[mutmut]\nsource_paths = damlite\n")
    mutants = {}
    for name in MODULES:
        code = ast.unparse(Undecorated().visit(ast.parse((ROOT / name).read_text()))) + "\n"
        kept, module = WORK / f"{name}.json", name[:-3].replace("/", ".")
        known = json.loads(kept.read_text()) if kept.exists() else {}
        if known.get("code") != code:  # all of them take a minute
            found = mutate_file_contents(name, code)
            names = {get_mutant_name(Path(name), each): changed(module, each, found) for each in found.mutant_names}
            known = {"code": code, "mutated": found.code, "mutants": names}
            kept.write_text(json.dumps(known))
            others = {key: value for key, value in read("results").items() if not key.startswith(f"{module}.x")}
            (WORK / "results.jsonl").unlink(missing_ok=True)
            for key, value in others.items():
                write("results", key, value)
        (WORK / name).write_text(known["mutated"])
        mutants[name] = known["mutants"]
    return mutants


def changed(module: str, mutant: str, file: MutatedFile) -> tuple[str, str]:
    """The function of a mutant, and what is new in it."""
    lines, function = file.code.splitlines(), mutant.partition("__mutmut_")[0]
    spans = (file.line_span_by_function_name[name] for name in (f"{function}__mutmut_orig", mutant))
    before, after = (lines[span.start - 1 : span.end] for span in spans)
    number = mutant.removeprefix(function)
    new = " ".join(y.strip() for x, y in zip(before, after, strict=False) if x.replace("__mutmut_orig", number) != y)
    return ".".join([module, *re.split("ǁ|^x_", function)[1:]]), new


def chosen(mutants: dict[str, dict], patterns: list[str], sample: int, seed: int) -> dict[str, list[str]]:
    """The mutants that fit one of the patterns, or a share of each module's, about so many in all."""
    fitting = {
        name: [each for each in names if any(fnmatch(each, pattern) for pattern in patterns)]
        for name, names in mutants.items()
    }
    share = min(1.0, sample / max(1, sum(map(len, fitting.values())))) if sample else 1.0
    return {
        name: random.Random(f"{seed} {name}").sample(names, round(share * len(names)))
        for name, names in fitting.items()
    }


class Judge:
    """Takes the place of pytest's loop over tests."""

    def __init__(self, mutants: list[str], quick: float) -> None:
        self.mutants, self.quick = mutants, quick

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests for each mutant, and note which of them killed it."""
        gc.freeze()  # so that forks share what is there
        reach = read("reach")
        code = b"".join((ROOT / name).read_bytes() for name in MODULES)
        versions = {item.nodeid: hashlib.sha256(item.path.read_bytes() + code).hexdigest() for item in session.items}
        new = [item for item in session.items if reach.get(item.nodeid, {}).get("version") != versions[item.nodeid]]
        if apart(measure, new, versions):
            raise SystemExit("Tests must pass without a mutant.")
        reach = read("reach")
        for count, name in enumerate(self.mutants, start=1):
            function = name.partition("__mutmut_")[0]
            reaching = [item for item in session.items if function in reach[item.nodeid]["functions"]]
            reaching.sort(key=lambda item: reach[item.nodeid]["seconds"])
            quick = [item for item in reaching if reach[item.nodeid]["seconds"] < self.quick]
            result = ENDS.get(apart(judge, name, quick or reaching), "killed") if reaching else "no tests"
            write("results", name, result)
            print(f"{count}/{len(self.mutants)} {name} {result}", flush=True)
        return True


def apart(function: Callable[..., int], *args: object) -> int:
    """The exit status, or the signal, of a process forked for a function: nothing that it does or keeps stays."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            os._exit(function(*args))
        except BaseException:
            os._exit(1)  # as where an interrupt that a mutant raises passes through pytest
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def measure(items: list[pytest.Item], versions: dict[str, str]) -> int:
    """Run tests without a mutant; note which functions each reaches and the seconds of a processor that it takes."""
    set_mutant_under_test("stats")
    failed = 0
    for item in items:
        state()._stats.clear()
        begin = time.process_time()
        if not passes(item, None):
            print(f"{item.nodeid} fails without a mutant.", flush=True)
            failed += 1
            continue
        seconds, functions = time.process_time() - begin, sorted(state()._stats)
        write("reach", item.nodeid, {"version": versions[item.nodeid], "seconds": seconds, "functions": functions})
    return failed


def judge(name: str, items: list[pytest.Item]) -> int:
    """1 if a test fails for a mutant."""
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT + 5))
    signal.alarm(20 * LIMIT)
    set_mutant_under_test(name)
    return int(not all(passes(item, later) for item, later in zip(items, [*items[1:], None], strict=True)))


def passes(item: pytest.Item, later: pytest.Item | None) -> bool:
    """Whether a test passes, or is skipped."""
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=later))


def read(name: str) -> dict[str, object]:
    """What was noted, the latest of each key."""
    path = WORK / f"{name}.jsonl"
    return dict(map(json.loads, path.read_text().splitlines())) if path.exists() else {}


def write(name: str, key: str, value: object) -> None:
    """Note a value for a key, in a line of its own."""
    with (WORK / f"{name}.jsonl").open("a") as file:
        file.write(json.dumps([key, value]) + "\n")


def report(some: dict[str, list[str]], mutants: dict[str, dict[str, tuple[str, str]]]) -> float:
    """Print the survivors and a table by module; the share that died of those tried and not equivalent."""
    equivalent, results = tomllib.loads((HERE / "equivalent.toml").read_text()), read("results")
    columns = ("killed", "hung", "survived", "no tests", "equivalent", "not tried")
    table = defaultdict(Counter)
    for module, names in some.items():
        for name in names:
            status = results.get(name, "not tried")
            if status in ("survived", "no tests"):
                function, new = mutants[module][name]
                status = "equivalent" if new in equivalent.get(function, {}) else status
                if status != "equivalent":
                    print(f"{status}: {name}\n    {function}: {new}")
            for row in (module, "all"):
                table[row][status] += 1
    print(f"{'':36}" + "".join(f"{column:>12}" for column in (*columns, "total")))
    for module in (*some, "all"):
        counts = table[module]
        print(f"{module:36}" + "".join(f"{counts[column]:>12}" for column in columns) + f"{counts.total():>12}")
    died, alive = (table["all"][a] + table["all"][b] for a, b in (("killed", "hung"), ("survived", "no tests")))
    print(f"Of those that are not equivalent {died / max(1, died + alive):.1%} died.")
    return died / max(1, died + alive)


def main() -> None:
    """Try what has no result yet, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=["*"], help='names like "damlite.mixture.*" (default: all)')
    parser.add_argument("--sample", type=int, default=0, help="about so many, drawn from each module (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument(
        "--quick", type=float, default=0.5, help="seconds; slower tests judge what no other one reaches"
    )
    parser.add_argument("--again", action="store_true", help="try survivors once more, after a change of tests")
    parser.add_argument("--report", action="store_true", help="try nothing")
    args = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    os.chdir(WORK)
    mutants = write_mutants()
    some, results = chosen(mutants, args.only, args.sample, args.seed), read("results")
    tried = ("killed", "hung") if args.again else ("killed", "hung", "survived", "no tests")
    names = [name for each in some.values() for name in each if results.get(name) not in tried]
    random.Random(args.seed).shuffle(names)  # wherever it is stopped, what was tried is a fair sample
    if names and not args.report:
        sys.path.insert(0, str(WORK))
        hasty = {
            "deadline": None,
            "suppress_health_check": list(HealthCheck),
            "phases": [Phase.explicit, Phase.generate],
        }
        settings.register_profile("mutants", database=None, **hasty)
        settings.load_profile("mutants")
        options = ["-q", "--tb=native", "--hypothesis-seed=0", *(f"--deselect={name}" for name in LEFT_OUT)]
        pytest.main([*JUDGES, *options], plugins=[Judge(names, args.quick)])
    sys.exit(report(some, mutants) < FLOOR)


if __name__ == "__main__":
    main()
