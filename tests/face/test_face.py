"""No call of the public face is silently wrong, obscure, too long or too large."""

import inspect
from collections.abc import Iterator

import pytest

import damlite as dl

from . import kinds, kinds_learning, kinds_roads, kinds_tables, learning, pictures, roads, tables, truth
from .calls import Public, calls

TABLE = [public for module in (roads, truth, learning, tables, pictures) for public in module.PUBLIC]
WAYS = kinds.WAYS | kinds_learning.WAYS | kinds_roads.WAYS | kinds_tables.WAYS


@pytest.mark.parametrize("public", TABLE, ids=lambda public: public.name)
def test_hostile_calls(public: Public):
    misfits = []
    for call in calls(public, WAYS):
        outcome, words = call.outcome()
        if outcome != call.expected:
            misfits.append(f"{call}: must be {call.expected}, is {outcome}: {words}")
    assert not misfits, "\n".join(misfits)


STEPS = {  # of a plan, a fit or an episode, of what was checked before
    *("propose", "search", "judge", "choose", "count", "refit"),
    *("transition_features", "prepare", "logits", "of_change", "standardised_change", "per_run"),
    *("own", "rollout"),
}
ANSWERED_ELSEWHERE = {  # public names without rows of their own: what they are given is asked of another's rows
    **dict.fromkeys(("dl.Fit", "dl.Learned", "dl.MBRLResult", "dl.Plan", "dl.diagnostics.Calibration"), "a result"),
    **dict.fromkeys(("dl.DivergedFit", "dl.UntrustworthyWeights"), "a warning"),
    **{f"dl.Environment.{one}": "abstract" for one in ("initial_state", "transition", "reward", "features")},
    "dl.Environment": "abstract",
    "dl.gym.GymRoad.reset": "Gymnasium's own",
    "dl.Episodes": "asked by check",
}


def test_a_kind_is_said_once():
    parts = [module.WAYS for module in (kinds, kinds_learning, kinds_roads, kinds_tables)]
    assert sum(map(len, parts)) == len(WAYS)


def public() -> Iterator[tuple[str, object]]:
    """Every public function, class and method with arguments, as a reader writes it."""
    modules = {"dl": dl, "dl.exact": dl.exact, "dl.diagnostics": dl.diagnostics, "dl.gym": dl.gym}
    for module, held in modules.items():
        for name in held.__all__:
            value = getattr(held, name)
            if inspect.isfunction(value) or inspect.isclass(value):
                yield f"{module}.{name}", value
            for method, function in vars(value).items() if inspect.isclass(value) else ():
                if inspect.isfunction(function) and method[0] != "_" and parameters(function)[1:]:
                    yield f"{module}.{name}.{method}", function


def parameters(function: object) -> list[str]:
    """Names of its parameters, without those that stand for fields."""
    found = inspect.signature(function).parameters.values()
    return [one.name for one in found if one.kind is not one.VAR_KEYWORD]


def test_no_public_name_is_missing():
    named = {row.name.split(" ")[0] for row in TABLE}
    missing = [
        name
        for name, _ in public()
        if name.replace("dl.gym.From", "dl.From") not in named
        and name not in ANSWERED_ELSEWHERE
        and name.rsplit(".", 1)[-1] not in STEPS
    ]
    assert not missing


def test_no_parameter_is_missing():
    rows = {}
    for row in TABLE:
        rows.setdefault(row.name.split(" ")[0], set()).update(row.kinds)
    for name, value in public():
        if name in rows:
            assert {*parameters(value)} - {"self"} <= rows[name], name


def test_there_are_more_than_a_thousand_calls():
    assert sum(1 for row in TABLE for _ in calls(row, WAYS)) > 1000
