"""Results on disk: one JSON file a claim, beside the code, written seed by seed."""

import ast
import hashlib
import inspect
import json
import platform
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import torch

from ..workbook.files import write_atomically
from .claim import Claim, SeedRecord

TEXTS = ("statement", "published", "here", "decides", "misleads")
FOLDER = Path(__file__).parent / "recorded"


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
    """A digest of the module that holds the experiment, what was run and what decides, without its texts."""
    tree = ast.parse(inspect.getsource(sys.modules[claim.measure.__module__]))
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in TEXTS:
            node.value = ast.Constant("")
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant("")  # a docstring
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16]


def versions() -> dict[str, str]:
    """What the results depend on beside the code."""
    return {"python": platform.python_version(), "torch": torch.__version__}


def commit() -> str:
    """The commit of the course that is being run, marked where files were changed since."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    found = subprocess.run(command, cwd=FOLDER.parent, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"
