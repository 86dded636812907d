"""What a learner types into an exercise's cell: right answers of tests/answers/, none the package's own.

An answer there is a function among many in one file. Here it becomes a cell that stands alone: the imports it
needs, the helpers it calls, and itself under the exercise's name. What the package has is imported from
`mine`, as a learner does it, unless the notebook has it already.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Set
from pathlib import Path
from typing import Any

ANSWERS = Path(__file__).parent / "answers"
MODULES = "answers_to_"
"""How test_answers.py calls the files there, as modules."""


def cell_of(answer: Callable[..., Any], exercise: str, given: Set[str]) -> str | None:
    """The cell for one answer to the function or class `exercise`, or None where the answer is made by
    another function and has no text of its own. `given`: the names that the notebook has imported."""
    name, module = getattr(answer, "__qualname__", ""), answer.__module__
    if not module.startswith(MODULES):
        return None
    tree = ast.parse((ANSWERS / f"{module.removeprefix(MODULES)}.py").read_text(encoding="utf-8"))
    places = dict(_places(tree))
    if not isinstance(places.get(name), ast.FunctionDef | ast.ClassDef):
        return None
    needed = [node for node in tree.body if node in _needed(name, places)]
    texts = [_text(node, name, exercise, given) for node in needed]
    return "\n\n".join(text for text in texts if text)


def _places(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """Every name at the top of a file, and the statement that makes it."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield (alias.asname or alias.name).split(".")[0], node
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.Assign):
            names = [each for target in node.targets for each in ast.walk(target)]
            yield from ((name.id, node) for name in names if isinstance(name, ast.Name))


def _needed(name: str, places: dict[str, ast.stmt]) -> set[ast.stmt]:
    """The statements that an answer rests on, itself included."""
    found: set[ast.stmt] = set()
    open_names = [name]
    while open_names:
        node = places.get(open_names.pop())
        if node is not None and node not in found:
            found.add(node)
            open_names += [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]
    return found


def imported(source: str) -> set[str]:
    """The names that a notebook's first cell imports."""
    return {
        name for name, node in _places(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)
    }


def _text(node: ast.stmt, name: str, exercise: str, given: Set[str]) -> str:
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pocketr1":
        node.module = (node.module or "").replace("pocketr1", "mine", 1)
        node.names = [alias for alias in node.names if alias.name not in given]
        if not node.names:
            return ""
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and each.id == name:
            each.id = exercise
        elif isinstance(each, ast.FunctionDef | ast.ClassDef) and each.name == name:
            each.name = exercise
    return ast.unparse(node)
