"""The learner's own library: the course's teaching modules, with their answers in place of the same-named
pieces.

It is a folder of ordinary files, `work/mine/`, made anew from two sources whenever an answer is accepted.
Every file is replaced in one step and only if its text changed, so that a crash, or another kernel, finds
only whole modules; the next start mends whatever is missing.
"""

import ast
import contextlib
import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from .cells import Definition, Piece, within_package
from .files import ROOT, work_folder, write_atomically
from .wording import error_line

NAME = "mine"
NOT_TAUGHT = ("workbook", "checks", "claims", "__main__.py", "__pycache__")


@dataclass(frozen=True)
class Part:
    """One exercise's place in the library. piece: the learner's answer; None while it is on loan."""

    function: str
    lesson: str
    piece: Piece | None


def teaching_modules(package: Path = ROOT / "pocketr1") -> list[Path]:
    """The files that the library mirrors, relative to the package: every flat module, and the worlds."""
    files = (path.relative_to(package) for path in sorted(package.rglob("*.py")))
    return [path for path in files if not set(path.parts) & set(NOT_TAUGHT)]


def build(parts: Mapping[str, list[Part]], package: Path = ROOT / "pocketr1") -> str | None:
    """Write the library; `parts` are the exercises of each module. The kernel's next import finds the new
    one.

    Where the work folder cannot be written to, the library is made in a temporary folder; then a sentence
    says so.
    """
    texts = {}
    for path in teaching_modules(package):
        text = (package / path).read_text(encoding="utf-8")
        texts[path] = module_text(text, parts.get(".".join(path.with_suffix("").parts), []))
    complaint = None
    try:
        home = work_folder()
        _write_all(home / NAME, texts)
    except OSError as error:
        home = Path(_temporary_home().name)
        _write_all(home / NAME, texts)
        why = f"{work_folder().name}/ cannot be written to ({error.strerror})"
        complaint = f"{why}: your library lasts for this session only."
    _put_on_path(home)
    forget_imported()
    return complaint


def module_text(reference: str, parts: list[Part]) -> str:
    """A module of the library: the reference's text, each exercise replaced or marked as on loan."""
    lines = reference.splitlines()
    if not parts:
        return "\n".join([*_head([]), *lines]) + "\n"
    places = {node.name: node for node in ast.parse(reference).body if isinstance(node, Definition)}
    present = [part for part in parts if part.function in places]
    for part in sorted(present, key=lambda part: places[part.function].lineno, reverse=True):
        node = places[part.function]
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        lines[first - 1 : node.end_lineno] = _spliced(part, lines[first - 1 : node.end_lineno])
    return "\n".join([*_head(present), *lines]) + "\n"


def import_error(one_by_one: bool) -> str | None:
    """The error that stops an import of the library, if one does. Leaves nothing imported.

    With `one_by_one`, each module is imported first: where two modules import one another, the error depends
    on which one is first. That takes eight times as long.
    """
    forget_imported()
    try:
        for path in teaching_modules():
            if one_by_one:
                forget_imported()
            importlib.import_module(_module_name(path))
        return None
    except (Exception, SystemExit) as error:
        return error_line(error)
    finally:
        forget_imported()


def forget_imported() -> None:
    """Drop the library from the modules of this kernel: the next import reads the files."""
    for name in [name for name in sys.modules if name.split(".")[0] == NAME]:
        del sys.modules[name]
    importlib.invalidate_caches()


def refresh(namespace: dict[str, Any]) -> None:
    """Let the notebook's names for modules of the library mean the new ones."""
    for name, value in list(namespace.items()):
        if isinstance(value, ModuleType) and value.__name__.split(".")[0] == NAME:
            with contextlib.suppress(ImportError):  # a module that the course has no more
                namespace[name] = importlib.import_module(value.__name__)


def _module_name(path: Path) -> str:
    return ".".join([NAME, *path.with_suffix("").parts]).removesuffix(".__init__")


@cache
def _temporary_home() -> tempfile.TemporaryDirectory[str]:
    """One folder for this kernel; it goes when the kernel goes."""
    return tempfile.TemporaryDirectory(prefix="mine-")


def _head(parts: list[Part]) -> list[str]:
    head = [
        "# Your own library: the course's own code, with your answers from answers/ in place of its pieces.",
        "# It is made anew whenever an answer is accepted, so whatever you change here is lost.",
    ]
    yours = [part.function for part in parts if part.piece]
    loan = [part.function for part in parts if not part.piece]
    if parts:
        head.append(f"# Yours: {', '.join(yours) or 'nothing yet'}. On loan: {', '.join(loan) or 'nothing'}.")
    return [*head, ""]


def _spliced(part: Part, lines: list[str]) -> list[str]:
    if part.piece is None:
        return [f"# on loan, lesson {part.lesson}", *lines]
    own = within_package(part.piece.text).splitlines()
    return [f"# yours, lesson {part.lesson}", *own, f"# end of yours: {part.function}"]


def _write_all(folder: Path, texts: dict[Path, str]) -> None:
    for path, text in texts.items():
        _write_if_changed(folder / path, text)
    for path in folder.rglob("*.py"):
        if path.relative_to(folder) not in texts:
            path.unlink()


def _write_if_changed(path: Path, text: str) -> None:
    try:
        if path.read_text(encoding="utf-8") == text:
            return
    except (OSError, UnicodeDecodeError):
        pass  # missing or damaged: written anew
    write_atomically(path, text)
    # Python trusts bytecode by size and by whole seconds, and two answers may share both.
    Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)


def _put_on_path(home: Path) -> None:
    place = os.path.abspath(home)
    if place in sys.path:
        sys.path.remove(place)
    sys.path.insert(0, place)
