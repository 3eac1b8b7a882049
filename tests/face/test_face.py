"""No call of the public face is silently wrong, obscure, too long or too large."""

import pytest

from . import kinds, kinds_learning, learning, roads
from .calls import Public, calls

TABLE = [public for module in (roads, learning) for public in module.PUBLIC]
WAYS = kinds.WAYS | kinds_learning.WAYS


@pytest.mark.parametrize("public", TABLE, ids=lambda public: public.name)
def test_hostile_calls(public: Public):
    misfits = []
    for call in calls(public, WAYS):
        outcome, words = call.outcome()
        if outcome != call.expected:
            misfits.append(f"{call}: must be {call.expected}, is {outcome}: {words}")
    assert not misfits, "\n".join(misfits)
