"""For every test, and every notebook that pytest runs: no kernel reaches another machine."""

import os
from pathlib import Path

OFFLINE = Path(__file__).resolve().parent / "tests" / "offline"
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(OFFLINE), os.environ.get("PYTHONPATH")]))
