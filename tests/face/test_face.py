"""No call of the public face is silently wrong, obscure, too long or too large."""

import pytest

from . import roads
from .calls import Call, calls
from .kinds import WAYS

TABLE = [public for module in (roads,) for public in module.PUBLIC]


@pytest.mark.parametrize("call", [call for public in TABLE for call in calls(public, WAYS)], ids=str)
def test_a_hostile_call(call: Call):
    outcome, words = call.outcome()
    assert outcome == call.expected, f"{call}: {outcome}, {words}"
