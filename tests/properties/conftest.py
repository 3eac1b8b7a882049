"""The same few cases every time; `DAMLITE_EXAMPLES=500` draws so many new ones of every property instead."""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = os.environ.get("DAMLITE_EXAMPLES")
settings.register_profile(
    "properties",
    max_examples=int(EXAMPLES or 15),
    derandomize=EXAMPLES is None,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("properties")
