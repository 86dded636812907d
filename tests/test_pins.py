"""The locks, pyproject.toml, environment.yml and start.py, held against one another."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))

LEARNERS = PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"]
DEVELOPERS = LEARNERS + PROJECT["project"]["optional-dependencies"]["developer"]
SYSTEMS = {"linux": ("posix", "Linux"), "darwin": ("posix", "Darwin"), "win32": ("nt", "Windows")}
PYTHONS = ("3.11", "3.12", "3.13")
GPU_LIBRARIES = ("nvidia-", "cuda-", "triton")  # of PyTorch's GPU build, which pins them itself


def lines(lock: str) -> list[str]:
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith(("#", "-r "))]


def pins(*locks: str) -> dict[str, Requirement]:
    found = [Requirement(line) for lock in locks for line in lines(lock)]
    return {canonicalize_name(pin.name): pin for pin in found}


LEARNER = pins("learner.lock")
DEVELOPER = pins("learner.lock", "developer.lock")
BOTH = pytest.mark.parametrize(
    ("wanted", "locked"), [(LEARNERS, LEARNER), (DEVELOPERS, DEVELOPER)], ids=["learner", "developer"]
)


@pytest.mark.parametrize("lock", ["learner.lock", "developer.lock"])
def test_a_lock_is_sorted_and_has_one_exact_version_of_each_package(lock: str) -> None:
    names = [line.split("==")[0] for line in lines(lock)]
    assert names == sorted({canonicalize_name(name) for name in names})
    for line in lines(lock):
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9.]*( ; .+)?", line), line


def test_the_developers_lock_adds_to_the_learners() -> None:
    text = (ROOT / "requirements" / "developer.lock").read_text(encoding="utf-8")
    assert "\n-r learner.lock\n" in text
    assert not pins("learner.lock").keys() & pins("developer.lock").keys()


@BOTH
def test_what_the_project_asks_for_is_pinned(wanted: list[str], locked: dict[str, Requirement]) -> None:
    for requirement in map(Requirement, wanted):
        pin = locked[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pinned_version(pin)), requirement
        assert pin.marker is None, f"{pin} is needed on every system"


@BOTH
@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_a_lock_holds_all_that_is_needed_and_no_more(
    wanted: list[str], locked: dict[str, Requirement], system: str, python: str
) -> None:
    place = environment(system, python)
    needed = closure(wanted, place)
    pinned = {name for name, pin in locked.items() if applies(pin, place)}
    assert needed - pinned == set(), "missing in the lock"
    assert pinned - needed == set(), "in the lock, and nothing needs it"


def test_the_versions_that_are_tested_here_are_the_pinned_ones() -> None:
    here = {name: pin for name, pin in DEVELOPER.items() if applies(pin)}
    installed = {name: Version(version(name)).public for name in here}
    assert installed == {name: str(pinned_version(pin)) for name, pin in here.items()}


def test_one_python_is_named_everywhere(start: ModuleType) -> None:
    oldest = ".".join(map(str, start.NEEDED))
    assert PROJECT["project"]["requires-python"] == f">={oldest}"
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert PROJECT["tool"]["mypy"]["python_version"] == oldest
    assert any(entry.startswith(f"python >={oldest},") for entry in CONDA["dependencies"][:-1])
    assert WORKFLOW["jobs"]["test"]["strategy"]["matrix"]["python"] == [oldest]


def test_conda_gets_the_learners_pins_and_pytorchs_cpu_wheels(start: ModuleType) -> None:
    *_, by_pip = CONDA["dependencies"]
    lock = start.LEARNER.relative_to(ROOT).as_posix()
    assert by_pip == {"pip": [f"--extra-index-url {start.CPU_INDEX}", f"-r {lock}"]}


def test_one_thread_is_asked_for_in_the_same_words(start: ModuleType) -> None:
    assert CONDA["variables"] == start.ONE_THREAD


def pinned_version(pin: Requirement) -> Version:
    (specifier,) = pin.specifier
    assert specifier.operator == "=="
    return Version(specifier.version)


def applies(requirement: Requirement, place: dict[str, str] | None = None) -> bool:
    """Whether its marker lets a requirement count in `place`, or else here."""
    return requirement.marker is None or requirement.marker.evaluate(place)


def environment(system: str, python: str) -> dict[str, str]:
    """What markers are told about CPython on `system`."""
    os_name, platform_system = SYSTEMS[system]
    return {
        "sys_platform": system,
        "os_name": os_name,
        "platform_system": platform_system,
        "platform_machine": "x86_64",
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }


def closure(wanted: list[str], place: dict[str, str]) -> set[str]:
    """All packages that `wanted` leads to in `place`, by what the packages that are installed here say."""
    waiting = [Requirement(requirement) for requirement in wanted]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += [one for one in declared(name) if applies(one, {**place, "extra": extra})]
    return {name for name, _ in seen if not name.startswith(GPU_LIBRARIES)}


@cache
def declared(name: str) -> tuple[Requirement, ...]:
    """What an installed package says that it needs, with all markers."""
    try:
        return tuple(map(Requirement, requires(name) or []))
    except PackageNotFoundError:  # a package of another system; those need nothing themselves
        return ()
