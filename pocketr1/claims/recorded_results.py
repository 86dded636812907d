"""Results on disk: one JSON file a claim, beside the code, written seed by seed."""

import ast
import hashlib
import inspect
import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import torch

from ..workbook.files import write_atomically
from .claim import Claim, SeedRecord

TEXTS = ("statement", "published", "here", "decides", "misleads", "tried")
TEXT_CONSTANTS = ("SETTING", "ARMS", "CHOSEN", "MISLEADS", "TRIED")
"""Parts of texts that several claims share."""
SHARED_BY_ALL = ("claim", "recorded_results")
"""The modules that say what a claim is, and keep results. No experiment is written in them."""
FOLDER = Path(__file__).parent / "recorded"
LIBRARY = Path(__file__).parents[1]
NOT_RUN = {"workbook", "checks", "claims", "__main__.py"}
"""The parts of the package that no experiment runs on."""


def read(claim: Claim, folder: Path = FOLDER) -> dict[int, SeedRecord]:
    """The seeds that are recorded for a claim. Raises ValueError naming a file that cannot be read."""
    path = folder / f"{claim.name}.json"
    if not path.exists():
        return {}
    try:
        seeds = json.loads(path.read_text(encoding="utf-8"))["seeds"]
        return {int(seed): SeedRecord(**record) for seed, record in seeds.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} holds no readable results ({error}): restore it, or remove it") from error


def add(claim: Claim, seed: int, record: SeedRecord, folder: Path = FOLDER) -> None:
    """Keep one seed's result. A seed is recorded once: a second result for it is refused."""
    records = read(claim, folder)
    if seed in records:
        raise ValueError(f"seed {seed} of {claim.name} is recorded already, and seeds are recorded once")
    records[seed] = record
    content = {"claim": claim.name, "seeds": {str(s): asdict(r) for s, r in sorted(records.items())}}
    write_atomically(folder / f"{claim.name}.json", json.dumps(content, indent=1) + "\n")


def experiment_of(claim: Claim) -> str:
    """A digest of the module that holds the experiment: what was run, and what decides."""
    return digest(sys.modules[claim.measure.__module__])


def digest(module: ModuleType, settings: str = "") -> str:
    """A digest of a module of this folder without its texts, and of settings.

    Modules of this folder that it imports belong to it.
    """
    dumps = [_without_texts(ast.parse(inspect.getsource(each))) for each in _with_imports(module)]
    return hashlib.sha256("".join([*dumps, settings]).encode()).hexdigest()[:16]


def library() -> str:
    """A digest of the library that experiments run on, without its docstrings: arms that another one trained
    are not taken for its own."""
    files = [
        path for path in sorted(LIBRARY.rglob("*.py")) if not set(path.relative_to(LIBRARY).parts) & NOT_RUN
    ]
    dumps = [_without_texts(ast.parse(path.read_text(encoding="utf-8"))) for path in files]
    return hashlib.sha256("".join(dumps).encode()).hexdigest()[:16]


def _with_imports(module: ModuleType) -> Iterator[ModuleType]:
    """A module, and then those of this folder that it imports, and so on."""
    yield module
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module not in SHARED_BY_ALL:
            yield from _with_imports(sys.modules[f"{module.__package__}.{node.module}"])


def _without_texts(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        if _is_text(node):
            node.value = ast.Constant("")  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    """Is this a docstring, or what the reports say of a claim?"""
    if isinstance(node, ast.keyword):
        return node.arg in TEXTS
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) in TEXT_CONSTANTS
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def versions() -> dict[str, str]:
    """What the results depend on beside the code."""
    return {"python": platform.python_version(), "torch": torch.__version__}


def commit() -> str:
    """The commit of the course that is being run, marked where its code was changed since. (Each seed that is
    recorded changes a file of results: those do not count.)"""
    name = _git("describe", "--always", "--abbrev=12")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", str(LIBRARY), f":(exclude){FOLDER}")
    return (name + ("-dirty" if changed else "")) or "unknown"


def _git(*command: str) -> str:
    """What git says, or nothing where there is no repository."""
    return subprocess.run(["git", *command], cwd=LIBRARY, capture_output=True, text=True).stdout.strip()
