"""For all tests and all notebooks that pytest runs: kernels stay offline and start elsewhere; long files go first."""

import gc
import os
import tempfile
from collections.abc import Generator
from pathlib import Path
from unittest import mock

import nbval.plugin
import pytest

ROOT = Path(__file__).resolve().parent
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT / "tests/offline"), os.environ.get("PYTHONPATH")]))

# With CI set the notebooks run as on a processor without vector instructions: fits end elsewhere there.
PROCESSOR = {"ATEN_CPU_CAPABILITY": "default"} if os.environ.get("CI") else {}

# Files in the order of their cost, so that workers end together; all others, of seconds, follow.
LONGEST_FIRST = (
    "test_browser.py",
    "test_exercises.py",
    "13_take_it_further.ipynb",
    "test_panels.py",
    "10_cross_the_intersection.ipynb",
    "test_disturbed.py",
    "test_command_line.py",
    "test_close_the_loop.py",
    "test_loop.py",
    "test_panel.py",
    "test_claims.py",
    "test_face.py",
    "12_compare_the_relatives.ipynb",
    "test_fitting.py",
    "09_close_the_loop.ipynb",
    "00_drive_on_ice.ipynb",
    "test_own_recipes.py",
    "test_processes.py",
    "test_interrupts.py",
    "02_classify_real_from_imagined.ipynb",
    "07_plan_ahead.ipynb",
    "test_install.py",
    "11_reproduce_table1.ipynb",
    "06_minimise_variance.ipynb",
    "08_buy_variance_or_particles.ipynb",
    "03_fit_models.ipynb",
    "test_scale.py",
    "05_know_when_weights_fail.ipynb",
    "04_correct_the_model.ipynb",
)


class KernelElsewhere(nbval.plugin.RunningKernel):
    """A notebook's kernel in an empty folder: a lesson finds nothing by where it stands."""

    def __init__(self, kernel_name: str, cwd: str | None = None, startup_timeout: float = 60) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="lesson_")
        with mock.patch.dict(os.environ, PROCESSOR):
            super().__init__(kernel_name, cwd=self.folder.name, startup_timeout=startup_timeout)

    def stop(self) -> None:
        """Stop the kernel, and remove its folder."""
        super().stop()
        self.folder.cleanup()


nbval.plugin.RunningKernel = KernelElsewhere


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by file, keeping each file's own order."""
    ranks = {name: rank for rank, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path.name, len(ranks)))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Thousands of tests are no garbage: without looking them through again and again all is a tenth quicker."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
