"""Is this machine ready for the course? The answers are yes and no, the same on every machine that is."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from .files import ROOT, work_folder

GIGABYTES_FREE = 1.0
"""A lesson's kernel takes about 0.4 GB, JupyterLab and the browser the rest."""


@dataclass(frozen=True)
class Requirement:
    """One thing that the course needs: whether it is there, and what to do if it is not."""

    what: str
    met: bool
    remedy: str


def requirements() -> tuple[Requirement, ...]:
    """What the lessons need of this machine, looked up now."""
    work = work_folder()
    return (
        Requirement(
            "Python 3.11 or newer",
            sys.version_info >= (3, 11),
            "install a newer Python, then run `python start.py`",
        ),
        Requirement(
            "the version of PyTorch that was tested",
            torch.__version__.split("+")[0] == tested_version("torch"),
            "run `python start.py setup`; with another version, last digits may differ",
        ),
        Requirement(
            "PyTorch on one thread",
            torch.get_num_threads() == 1,
            "start JupyterLab with `python start.py`; with more threads, last digits differ",
        ),
        Requirement(
            f"{GIGABYTES_FREE:.0f} GB of memory free",
            psutil.virtual_memory().available >= GIGABYTES_FREE * 1e9,
            "close other programs, and the notebooks that you do not need",
        ),
        Requirement(
            "a work folder that can be written to",
            os.access(work if work.exists() else work.parent, os.W_OK),
            f"see who owns {work.name}/, or set POCKETR1_WORK to another folder",
        ),
    )


def tested_version(package: str, root: Path = ROOT) -> str:
    """The version of `package` that requirements/learner.lock pins, without a local part such as "+cpu"."""
    lock = (root / "requirements" / "learner.lock").read_text(encoding="utf-8")
    found = re.search(rf"^{re.escape(package)}==([^\s+;]+)", lock, flags=re.MULTILINE)
    if found is None:
        raise KeyError(f"requirements/learner.lock does not pin {package}")
    return found[1]


def report(found: tuple[Requirement, ...]) -> str:
    """One line for each requirement: yes or no, and after a no what to do."""
    lines = [f"yes  {item.what}" if item.met else f"NO   {item.what}: {item.remedy}" for item in found]
    ready = all(item.met for item in found)
    return "\n".join(
        [*lines, "", "Your machine is ready." if ready else "Mend what says NO, then run this cell again."]
    )
