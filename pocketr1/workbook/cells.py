"""The cell that an answer was typed in: its text, and the part of it that the answer needs.

An answer is kept as the whole cell. What goes into the learner's library is only the definition and whatever
it leans on in the same cell (imports, helpers, constants): prints and trials are left out.
"""

import ast
import builtins
import inspect
import linecache
import re
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

MAGIC = re.compile(r"^\s*[%!]")
FROM_MINE = re.compile(r"\bfrom\s+mine\b(?:\.(?=\w)|(?=\s+import))")
IMPORT_MINE_AS = re.compile(r"\bimport\s+mine\.(\w+)\s+as\s+(\w+)")


@dataclass(frozen=True)
class Piece:
    """The part of a cell that one answer needs.

    text: the lines, in the cell's order. names: what they define beside the answer, each with what it means:
    the lines of a helper, the full name of an import.
    """

    text: str
    names: dict[str, str]


def cell_of(candidate: Any, name: str) -> str | None:
    """The text of the cell that defined `candidate`; None if it cannot be found.

    IPython keeps the cell of every function that is alive. An answer without code of its own (a
    `functools.partial`) is looked for in the history: the latest cell that defines `name`.
    """
    code = next(_codes(candidate), None)
    lines = linecache.getlines(code.co_filename) if code else []
    if lines:
        return "".join(lines)
    return next((cell for cell in reversed(_history()) if name in defined_in(cell)), None)


def plain(cell: str) -> str:
    """The cell as plain Python: where it is not, its lines for IPython (`%time`, `!ls`) are emptied."""
    try:
        ast.parse(cell)
        return cell
    except SyntaxError:
        pass
    return "\n".join("" if MAGIC.match(line) else line for line in cell.splitlines())


def defined_in(cell: str) -> set[str]:
    """The names that a cell defines at its top level; none if it is not Python."""
    try:
        tree = ast.parse(plain(cell))
    except SyntaxError:
        return set()
    return {name for statement in tree.body for name in _binds(statement)}


def piece_of(cell: str, name: str, given: Iterable[str] = ()) -> Piece:
    """The statements of `cell` that define `name`, and those that they lean on.

    `given` are names that the library's module has already: they are taken from there, and not from the cell.

    Raises:
        SyntaxError: if the cell is not Python. KeyError: if it does not define `name` at its top level.
    """
    text = plain(cell)
    tree = ast.parse(text)
    if not any(name in _binds(statement) for statement in tree.body):
        raise KeyError(name)
    needed, taken = {name}, set(given) - {name}
    chosen: list[ast.stmt] = []
    while True:
        new = [s for s in tree.body if s not in chosen and needed & (_binds(s) - taken)]
        if not new:
            break
        chosen += new
        for statement in new:
            needed |= free_names(ast.unparse(statement))
    chosen.sort(key=lambda statement: statement.lineno)
    lines = text.splitlines()
    parts = [(statement, _with_comments(statement, lines, tree.body)) for statement in chosen]
    names: dict[str, str] = {}
    for statement, part in parts:
        names |= dict.fromkeys(_binds(statement) - {name}, part) | _imported(statement)
    return Piece("\n\n".join(part for _, part in parts), names)


def free_names(text: str) -> set[str]:
    """The names that a piece of Python reads and does not define itself, builtins left out."""
    table = symtable.symtable(text, "<cell>", "exec")
    top = _bound_in(table)
    read = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
    for inner in _tables_below(table):
        symbols = inner.get_symbols()
        read |= {symbol.get_name() for symbol in symbols if symbol.is_global() and symbol.is_referenced()}
    return {name for name in read - top if not hasattr(builtins, name)}


def within_package(text: str) -> str:
    """The text as it stands inside the library, which imports itself relatively."""
    text = IMPORT_MINE_AS.sub(r"from . import \1 as \2", text)
    return FROM_MINE.sub("from .", text)


def imports_reference(text: str) -> bool:
    """Whether the text imports `pocketr1`, by a statement or by its name: import_module("pocketr1...")."""
    for node in ast.walk(ast.parse(text)):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            modules = [node.module or ""]
        if isinstance(node, ast.Constant) and re.fullmatch(r"pocketr1(\.\w+)*", str(node.value)):
            return True
        if any(module.split(".")[0] == "pocketr1" for module in modules):
            return True
    return False


def borrows(text: str, name: str) -> bool:
    """Whether the text takes `name` itself from the library or from the course, instead of writing it."""
    homes: dict[str, str] = {}
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            homes |= {(alias.asname or alias.name).split(".")[0]: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.level or _is_library(node.module or "")):
            if any(alias.name == name for alias in node.names):
                return True
            homes |= {alias.asname or alias.name: "mine" for alias in node.names}
    return any(
        isinstance(node, ast.Attribute) and node.attr == name and _is_library(homes.get(_root(node), ""))
        for node in ast.walk(tree)
    )


def _is_library(module: str) -> bool:
    return module.split(".")[0] in ("mine", "pocketr1")


def _root(node: ast.expr) -> str:
    """The first name of a.b.c; no name, if it begins otherwise."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _codes(candidate: Any) -> Iterator[Any]:
    """The code of a function, or of the methods of a class."""
    candidate = inspect.unwrap(candidate) if callable(candidate) else candidate
    if isinstance(candidate, FunctionType):
        yield candidate.__code__
    elif inspect.isclass(candidate):
        for member in vars(candidate).values():
            if isinstance(member, FunctionType) and member.__module__ == candidate.__module__:
                yield member.__code__


def _history() -> list[str]:
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return []
    shell = get_ipython()
    return list(shell.user_ns.get("In", [])) if shell else []


def _binds(statement: ast.stmt) -> set[str]:
    """The names that a statement gives a value at the top level."""
    if isinstance(statement, Definition):
        return {statement.name}
    if isinstance(statement, ast.Expr):  # a print, a trial, check(...)
        return set()
    return _bound_in(symtable.symtable(ast.unparse(statement), "<cell>", "exec"))


def _imported(statement: ast.stmt) -> dict[str, str]:
    """The names that an import brings, each with the full name of what it stands for."""
    if isinstance(statement, ast.Import):
        return {alias.asname or alias.name.split(".")[0]: alias.name for alias in statement.names}
    if isinstance(statement, ast.ImportFrom):
        home = "." * statement.level + (statement.module or "")
        return {alias.asname or alias.name: f"{home}.{alias.name}" for alias in statement.names}
    return {}


def _bound_in(table: symtable.SymbolTable) -> set[str]:
    symbols = table.get_symbols()
    return {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}


def _with_comments(statement: ast.stmt, lines: list[str], body: list[ast.stmt]) -> str:
    """The statement's own lines, with the comments right above it."""
    if any(other is not statement and _share_a_line(statement, other) for other in body):
        return ast.unparse(statement)
    first = _first_line(statement)
    while first > 1 and lines[first - 2].startswith("#"):
        first -= 1
    return "\n".join(lines[first - 1 : statement.end_lineno])


def _first_line(statement: ast.stmt) -> int:
    decorators = statement.decorator_list if isinstance(statement, Definition) else []
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def _share_a_line(one: ast.stmt, other: ast.stmt) -> bool:
    return one.lineno <= (other.end_lineno or other.lineno) and other.lineno <= (one.end_lineno or one.lineno)


def _tables_below(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _tables_below(child)
