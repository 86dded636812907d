"""What all tests share: one thread, a work folder of their own, and the slow tests' switch."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


def load_start(folder: Path) -> ModuleType:
    """Import the start.py that lies in `folder`. It takes that folder for the course's."""
    specification = importlib.util.spec_from_file_location("start", folder / "start.py")
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


# PyTorch and the BLAS libraries read these when they are loaded: before any test module imports them.
os.environ.update(load_start(ROOT).ONE_THREAD)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run the slow tests too")


def pytest_configure(config: pytest.Config) -> None:
    """Point fixtures of a wider scope than one test, too, away from the learner's own folder."""
    folder = tempfile.TemporaryDirectory(prefix="pocketr1-work-")
    config.add_cleanup(folder.cleanup)
    os.environ["POCKETR1_WORK"] = folder.name


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--full"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="slow: runs only with --full"))


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work folder for one test. It does not exist yet."""
    folder = tmp_path / "work"
    monkeypatch.setenv("POCKETR1_WORK", str(folder))
    return folder


@pytest.fixture
def start() -> ModuleType:
    """The course's start.py, imported anew, so that a test may change it."""
    return load_start(ROOT)
