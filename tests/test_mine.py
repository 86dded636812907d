"""The learner's own library: what is kept of an answer, and that nothing of the reference stays in it."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from pocketr1.workbook import cells, library
from pocketr1.workbook import notebook as lesson
from pocketr1.workbook.catalogue import course, prediction_keys
from pocketr1.workbook.cells import free_names, piece_of, within_package
from pocketr1.workbook.files import ROOT
from pocketr1.workbook.journal import read_book
from pocketr1.workbook.mine import Part, module_text, teaching_modules
from tests.made_up_exercise import Notebook

SETUP = """
import math
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor
from pocketr1.workbook.notebook import begin, check, keep, lend, predict, progress, recall, solution
from pocketr1.workbook.notebook import use_reference
begin("02_attention", globals())
"""

SCORES = """
def scores(query: Tensor, key: Tensor) -> Tensor:
    return torch.einsum("...qd,...kd->...qk", query, key) / math.sqrt(key.shape[-1])
"""

SOFTMAX = """
def softmax(logits: Tensor) -> Tensor:
    return F.softmax(logits, dim=-1)
"""


def dividing_by(scale: str) -> str:
    """A cell that answers `scores`, right or wrong."""
    return f"def scores(query, key):\n    return query @ key.mT / {scale}\n"


@pytest.fixture
def book(work: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Notebook]:
    path = list(sys.path)
    opened = Notebook()
    opened.cell(SETUP)
    yield opened
    sys.path[:] = path
    for name in [name for name in sys.modules if name.split(".")[0] == "mine"]:
        del sys.modules[name]


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def mine(module: str) -> ModuleType:
    return importlib.import_module(f"mine.{module}")


# begin


def test_begin_says_whose_the_pieces_are(book: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    first = said(capsys)
    pieces = first.split("Of the ")[1].split(" ")[0]
    assert first == (
        f"Lesson 02, Attention. Of the {pieces} pieces this lesson runs on (in `attention` and `induction`), "
        f"0 are yours and {pieces} on loan."
    )
    book.cell(SCORES + "check(scores)")
    said(capsys)
    book.cell('begin("02_attention", globals())')
    assert f"1 is yours and {int(pieces) - 1} on loan." in said(capsys)


def test_begin_binds_scaffolds_and_leaves_what_is_there(
    book: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell("check(scores)")
    assert "Not attempted: `scores`" in said(capsys)
    book.cell('mask = causal_mask\nscores = "mine"\nbegin("02_attention", globals())')
    assert book["scores"] == "mine"
    assert book["mask"] is book["causal_mask"]
    assert torch.get_num_threads() == 1
    assert read_book().records == {}


def test_the_library_is_on_loan_from_the_start(book: Notebook) -> None:
    book.cell("from mine import attention")
    query = torch.ones(1, 4)
    assert book["attention"].scores(query, query).item() == 2
    text = Path(str(mine("attention").__file__)).read_text(encoding="utf-8")
    assert text.startswith("# Your own library")
    assert "# on loan, lesson 02\ndef scores(" in text


# check


def test_a_right_answer_is_kept_whole_and_runs_in_the_library(
    book: Notebook, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cell = "# my notes\nprint('trying')\n" + SCORES + "print(scores(torch.ones(1, 4), torch.ones(1, 4)))\n"
    book.cell("from mine import attention")
    old = book["attention"]
    book.cell(cell)
    book.cell("check(scores)")
    assert "✓ Right." in said(capsys)
    kept = (work / "answers" / "attention.scores.py").read_text(encoding="utf-8")
    assert kept == cell
    text = (work / "mine" / "attention.py").read_text(encoding="utf-8")
    assert (
        "# yours, lesson 02\ndef scores(query: Tensor, key: Tensor) -> Tensor:\n    return torch.einsum("
        in text
    )
    assert "trying" not in text
    assert book["attention"] is not old  # the notebook's name means the new library
    assert book["attention"].scores.__code__.co_filename == str(work / "mine" / "attention.py")
    record = read_book().records["attention.scores"]
    assert (record.status, record.attempts, record.yours) == ("right", 1, True)


def test_a_changed_answer_of_the_same_length_reaches_the_kernel(book: Notebook) -> None:
    for factor in "123":
        book.cell(
            f"def scores(query, key, factor={factor}):\n    return query @ key.mT / math.sqrt(key.shape[-1])"
        )
        book.cell("check(scores)\nfrom mine import attention")
        assert book["attention"].scores.__defaults__ == (int(factor),)


def test_a_wrong_answer_is_counted_and_not_kept(
    book: Notebook, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell("def scores(query, key):\n    return query @ key.mT / key.shape[-1]\ncheck(scores)")
    assert "divided by d, not by its square root" in said(capsys)
    record = read_book().records["attention.scores"]
    assert (record.status, record.attempts, record.yours) == ("not yet", 1, False)
    assert not (work / "answers").exists()


def test_what_was_right_once_stays_right(book: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    book.cell(SCORES + "check(scores)")
    book.cell("def scores(query, key):\n    return query @ key.mT\ncheck(scores)")
    assert "`mine` goes on with the answer of yours that is kept." in said(capsys)
    record = read_book().records["attention.scores"]
    assert (record.status, record.attempts, record.yours) == ("right", 2, True)


def test_a_kept_answer_is_remembered_by_a_new_kernel(
    book: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell("scaffold = scores\n" + SCORES + "check(scores)")
    book.cell("scores = scaffold\ncheck(scores)")
    assert "`mine` goes on with the answer of yours that is kept." in said(capsys)


def test_not_attempted_is_not_counted(book: Notebook) -> None:
    book.cell("check(scores)")
    assert read_book().records == {}


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("check(None)", "no exercise called `NoneType`"),
        ("check('scores')", "Not attempted"),
        ("scores = None\ncheck(scores)", "this is nothing (None)"),
        ("scores = torch.ones(2)\ncheck(scores)", "a tensor [2]"),
        ("def score(query, key): return 1\ncheck(score)", "check(scores)"),
        ("check(torch.ones)", "no exercise called `ones`"),
        ("check(scores(1, 2))", "NotImplementedError"),
    ],
)
def test_odd_things_to_check(
    book: Notebook, capsys: pytest.CaptureFixture[str], cell: str, words: str
) -> None:
    try:
        book.cell(cell)
    except NotImplementedError as error:
        print(type(error).__name__)
    assert words in said(capsys)


def test_an_alias_of_another_function_is_checked_under_the_name_that_is_written(
    book: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell(SOFTMAX + "scores = softmax\ncheck(scores)")
    assert "`scores` is called with `query`, `key`" in said(capsys)


def test_the_librarys_own_is_not_the_learners(book: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    book.cell("from mine import attention\ncheck(attention.scores)")
    assert "the library's own" in said(capsys)
    assert read_book().records == {}


# what an answer may lean on


@pytest.mark.parametrize(
    "cell",
    [
        "scores = lambda query, key: query @ key.mT / math.sqrt(query.shape[-1])\n",
        "def root(x):\n    return x.shape[-1] ** 0.5\n" + dividing_by("root(key)"),
        "EXPONENT = 0.5\n" + dividing_by("query.shape[-1] ** EXPONENT"),
        "import numpy as np\n" + dividing_by("float(np.sqrt(query.shape[-1]))"),
        "from functools import wraps\n"
        "def loud(function):\n"
        "    @wraps(function)\n"
        "    def inner(*inputs, **named):\n"
        "        return function(*inputs, **named)\n"
        "    return inner\n"
        "@loud\n" + dividing_by("math.sqrt(query.shape[-1])"),
        "def make():\n"
        "    def scores(query, key):\n        return query @ key.mT / math.sqrt(query.shape[-1])\n"
        "    return scores\n"
        "scores = make()\n",
        "if True:\n    def scores(query, key):\n        return query @ key.mT / math.sqrt(query.shape[-1])\n",
        "def scores(query, key): return 1\n" + dividing_by("math.sqrt(query.shape[-1])"),
        "x = 1; import math as m; print(x)\n" + dividing_by("m.sqrt(key.shape[-1])"),
    ],
)
def test_cells_that_stand_alone(
    book: Notebook, work: Path, capsys: pytest.CaptureFixture[str], cell: str
) -> None:
    book.cell(cell)
    said(capsys)
    book.cell("check(scores)")
    assert "`mine` runs on it from here on." in said(capsys)
    query = torch.ones(1, 4)
    assert mine("attention").scores(query, query).item() == 2
    assert (work / "answers" / "attention.scores.py").read_text(encoding="utf-8") == cell


@pytest.mark.parametrize(
    ("elsewhere", "cell"),
    [
        (
            "def root(x):\n    return x.shape[-1] ** 0.5",
            dividing_by("root(key)"),
        ),
        ("half = 0.5", dividing_by("key.shape[-1] ** half")),
        ("root = lambda x: x.shape[-1] ** 0.5", "scores = lambda query, key: query @ key.mT / root(key)"),
    ],
)
def test_what_comes_from_another_cell_is_asked_for(
    book: Notebook, work: Path, capsys: pytest.CaptureFixture[str], elsewhere: str, cell: str
) -> None:
    name = "half" if "half" in elsewhere else "root"
    book.cell(elsewhere)
    book.cell(cell)
    book.cell("check(scores)")
    assert f"Put `{name}` into this cell too." in said(capsys)
    record = read_book().records["attention.scores"]
    assert (record.status, record.yours) == ("not yet", False)
    assert not (work / "answers").exists()


def test_imports_of_other_cells_are_written_at_the_head(
    book: Notebook, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell("import numpy as np\nimport torch.nn.functional as F\nfrom operator import truediv as over")
    cell = (
        "def scores(query, key):\n"
        "    products = F.linear(query, key) if key.dim() == 2 else query @ key.mT\n"
        "    return over(products, float(np.sqrt(key.shape[-1])))"
    )
    book.cell(cell)
    book.cell("check(scores)")
    kept = (work / "answers" / "attention.scores.py").read_text(encoding="utf-8")
    head, _, rest = kept.partition("\n\n")
    assert rest == cell
    assert head.splitlines() == [
        "from torch.nn import functional as F",
        "import numpy as np",
        "from _operator import truediv as over",
    ]
    assert read_book().is_yours("attention.scores")


def test_pieces_of_the_library_may_be_used_by_any_name(book: Notebook, work: Path) -> None:
    book.cell("from mine import attention\nfrom mine.attention import softmax as weigh")
    book.cell(
        "def attend(query, key, value, mask=None):\n"
        "    logits = attention.scores(query, key)\n"
        "    if mask is not None:\n"
        "        logits = logits.masked_fill(~mask, -math.inf)\n"
        "    weights = weigh(logits)\n"
        "    return weights @ value, weights\n"
        "check(attend)\n"
    )
    text = (work / "mine" / "attention.py").read_text(encoding="utf-8")
    assert "from . import attention" in text and "from .attention import softmax as weigh" in text
    assert read_book().is_yours("attention.attend")
    x = torch.eye(3).unsqueeze(0)
    assert mine("attention").attend(x, x, x)[0].shape == (1, 3, 3)


def test_an_answer_of_another_exercise_may_be_called_by_its_bare_name(
    book: Notebook, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell(SCORES)
    book.cell(SOFTMAX)
    attend = (
        "def attend(query, key, value, mask=None):\n"
        "    logits = scores(query, key)\n"
        "    if mask is not None:\n"
        "        logits = logits.masked_fill(~mask, -math.inf)\n"
        "    weights = softmax(logits)\n"
        "    return weights @ value, weights\n"
    )
    book.cell(attend)
    book.cell("check(attend)")
    assert read_book().is_yours("attention.attend")
    assert mine("attention").attend.__globals__["scores"].__code__.co_filename.startswith(str(work))
    said(capsys)
    book.cell("def scores(query, key):\n    return query @ key.mT")
    book.cell("check(attend)")
    assert "It calls your own `scores`, which is not right yet: check(scores) says why." in said(capsys)
    book.cell(SCORES)
    book.cell(attend.replace("weights @ value", "weights @ key") + "check(attend)")
    told = said(capsys)
    assert "Not yet" in told and "your own `scores`" not in told


def test_two_exercises_in_one_cell(book: Notebook, work: Path) -> None:
    cell = SCORES + SOFTMAX
    book.cell(cell)
    book.cell("check(scores)\ncheck(softmax)")
    text = (work / "mine" / "attention.py").read_text(encoding="utf-8")
    assert text.count("def scores(") == 1 and text.count("def softmax(") == 1
    assert read_book().is_yours("attention.scores") and read_book().is_yours("attention.softmax")


def test_two_helpers_of_one_name_cannot_share_the_library(
    book: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell("def helper(x):\n    return x.shape[-1] ** 0.5\n" + dividing_by("helper(key)"))
    book.cell("check(scores)")
    book.cell("def helper(x):\n    return x.softmax(-1)\ndef softmax(logits):\n    return helper(logits)\n")
    said(capsys)
    book.cell("check(softmax)")
    assert "your answer to `scores` has another `helper`" in said(capsys)
    assert read_book().status("attention.softmax") == "right"
    assert not read_book().is_yours("attention.softmax")


def test_one_import_written_in_two_ways_is_no_clash(book: Notebook) -> None:
    book.cell("import torch.nn.functional as F\n" + SCORES.replace("torch.einsum", "F and torch.einsum"))
    book.cell("from torch.nn import functional as F\n" + SOFTMAX)
    book.cell("check(scores)\ncheck(softmax)")
    assert read_book().is_yours("attention.scores") and read_book().is_yours("attention.softmax")


def test_an_answer_that_imports_the_reference_stays_out(
    book: Notebook, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell(
        "def scores(query, key):\n"
        "    from pocketr1.attention import math\n"
        "    return query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])\n"
    )
    book.cell("check(scores)")
    assert "it imports `pocketr1`" in said(capsys)
    assert not read_book().is_yours("attention.scores")
    book.cell("keep(scores)")
    assert "Not kept" in said(capsys)
    assert imports_of_reference(work / "mine") == []


def test_a_reference_that_is_imported_by_its_name_stays_out_too(
    book: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell(
        "def softmax(logits):\n"
        "    import importlib\n"
        "    return importlib.import_module('pocketr1.attention').softmax(logits)\n"
        "check(softmax)\nprogress()"
    )
    told = said(capsys)
    assert "`mine` does not take it: it imports `pocketr1`, the course's own code." in told
    assert "✓ right softmax extra on loan" in told


def test_a_class_is_kept_too(book: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    book.cell(
        "from torch import nn\n"
        "class MultiHeadAttention(nn.Module):\n"
        "    def __init__(self, dim, heads):\n"
        "        super().__init__()\n"
        "        self.heads = heads\n"
        "        self.query, self.key, self.value, self.output = (nn.Linear(dim, dim) for _ in range(4))\n"
        "    def forward(self, x, mask=None):\n"
        "        split = lambda y: rearrange(y, 'b s (h d) -> b h s d', h=self.heads)\n"
        "        scale = (x.shape[-1] // self.heads) ** -0.5\n"
        "        logits = scale * split(self.query(x)) @ split(self.key(x)).mT\n"
        "        logits = logits if mask is None else logits.masked_fill(~mask, -torch.inf)\n"
        "        weights = logits.softmax(-1)\n"
        "        merged = rearrange(weights @ split(self.value(x)), 'b h s d -> b s (h d)')\n"
        "        return self.output(merged), weights\n"
    )
    book.cell("check(MultiHeadAttention)")
    assert "`mine` runs on it" in said(capsys)
    model = mine("induction").AttentionOnlyModel(vocab=5, dim=8, heads=2, layers=2, context=6)
    logits, weights = model(torch.tensor([[0, 1, 2, 3]]))
    assert logits.shape == (1, 4, 5) and len(weights) == 2
    assert type(model.layers[0]).__module__ == "mine.attention"


@pytest.mark.parametrize(
    ("forward", "error", "line"),
    [
        (
            "return self.outputs(x), None",
            "AttributeError",
            "line 7 of your cell:  return self.outputs(x), None",
        ),
        (
            "return self.halves(x), None",
            "EinopsError: Shape mismatch",
            "line 9 of your cell:  return rearrange",
        ),
        ("return self.output(x.mT.unsqueeze(-1)), x", "RuntimeError: mat1 and mat2", "line 7 of your cell:"),
    ],
)
def test_an_error_inside_a_layer_is_placed_in_the_learners_cell(
    book: Notebook, capsys: pytest.CaptureFixture[str], forward: str, error: str, line: str
) -> None:
    book.cell(
        "class MultiHeadAttention(torch.nn.Module):\n"
        "    def __init__(self, dim, heads):\n"
        "        super().__init__()\n"
        "        one = lambda: torch.nn.Linear(dim, dim)\n"
        "        self.query, self.key, self.value, self.output = one(), one(), one(), one()\n"
        "    def forward(self, x, mask=None):\n"
        f"        {forward}\n"
        "    def halves(self, x):\n"
        "        return rearrange(x, 'b s (h d) -> b h s d', h=7)\n"
    )
    said(capsys)
    book.cell("check(MultiHeadAttention)")
    told = said(capsys)
    assert f"stops with {error}" in told
    assert " ".join(line.split()) in told


# keep, lend, use_reference


def test_a_wrong_answer_can_be_kept_on_purpose_and_lent_again(
    book: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell("from mine import attention\ndef scores(query, key):\n    return query @ key.mT\nkeep(scores)")
    query = torch.ones(1, 4)
    assert "Kept as it is, unchecked: `mine` runs on this `scores`" in said(capsys)
    assert book["attention"].scores(query, query).item() == 4
    assert read_book().status("attention.scores") == "not attempted"
    book.cell('begin("02_attention", globals())')
    assert "(1 kept unchecked)" in said(capsys)
    book.cell('lend("scores")')
    assert book["attention"].scores(query, query).item() == 2
    assert 'lend("scores", False) takes yours again' in said(capsys)
    book.cell('lend("scores", False)')
    assert "which is unchecked" in said(capsys)
    assert book["attention"].scores(query, query).item() == 4


def test_the_one_piece_of_a_lesson_may_be_kept_unchecked(
    book: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell('begin("00_welcome", globals())\ndef shares(amounts):\n    return amounts\nkeep(shares)')
    said(capsys)
    book.cell('begin("00_welcome", globals())')
    assert "The one piece this lesson runs on is yours (kept unchecked)." in said(capsys)


def test_the_modules_of_a_lessons_pieces_are_told(book: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    book.cell('begin("03_transformer", globals())')
    assert re.search(
        r"pieces this lesson runs on \((in `\w+`, .*`\w+` and|in `\w+` and) `\w+`\), ", said(capsys)
    )


def test_beside_an_unchecked_answer_one_way_forward_is_told(
    book: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell("def scores(query, key):\n    return query @ key.mT\nkeep(scores)")
    said(capsys)
    book.cell(RENAMED + "check(scores)")
    told = said(capsys)
    assert "name the parameters as the scaffold does" in told
    assert "`mine` goes on with the `scores` that you gave to keep(...)." in told
    assert "lend(" not in told
    book.cell(SCORES + "check(scores)")
    assert "Your answer is kept" in said(capsys)


def test_a_scaffold_that_is_called_is_told_by_whose_piece_the_library_has(
    book: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    attend = (
        "def attend(query, key, value, mask=None):\n"
        "    logits = scores(query, key)\n"
        "    return logits.softmax(-1) @ value, logits\n"
        "check(attend)"
    )
    book.cell(attend)
    told = said(capsys)
    assert "it calls your `scores`, which is not written yet. Your library `mine` has one on loan" in told
    assert "write `attention.scores` (`from mine import attention` gives it)" in told
    book.cell("import math\n" + SCORES + "check(scores)")
    restarted = Notebook()
    restarted.cell(SETUP)
    said(capsys)
    restarted.cell(attend)
    told = said(capsys)
    assert "Your own `scores` is in the library: write `attention.scores`" in told
    assert "or run the cell of `scores`" in told and "not written" not in told
    restarted.cell("lend('scores')")
    said(capsys)
    restarted.cell(attend)
    assert "Run the cell of your own `scores`." in said(capsys)


def test_a_result_or_an_object_in_place_of_the_function_is_told(
    book: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell("import torch\n" + SCORES + "check(scores(torch.ones(1, 2), torch.ones(1, 2)))")
    expected = (
        "This is its result. Give check the function itself, without brackets after its name: check(scores)."
    )
    assert said(capsys).endswith(f"on loan. {expected}")
    made = (
        "class MultiHeadAttention(torch.nn.Module):\n"
        "    def __init__(self, dim, heads):\n        super().__init__()\n"
    )
    book.cell(made + "layer = MultiHeadAttention(16, 4)\ncheck(layer)\ncheck(MultiHeadAttention(16, 4))")
    told = said(capsys)
    assert told.count("Give check the class itself") == 2
    assert told.count("check(MultiHeadAttention).") == 2
    assert read_book().records == {}


def test_empty_brackets_are_met_with_a_sentence(book: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    book.cell("check()\nkeep()\nlend()\nsolution()")
    told = said(capsys)
    for example in ("check(scores).", "keep(scores).", 'lend("scores").', 'solution("scores").'):
        assert f"an exercise: {example}" in told
    lesson.begin("00_welcome", {})
    said(capsys)
    lesson.predict("sums")
    lesson.predict()
    lesson.recall()
    told = said(capsys)
    assert 'No prediction yet. Type a guess too: predict("sums", "my guess").' in told
    assert told.count("Which prediction? This lesson has") == 2
    assert read_book().predictions == {}


def test_a_wrong_answer_kept_on_purpose_costs_no_right_one(
    book: Notebook, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell("from mine import attention\n" + SCORES + "check(scores)")
    right = (work / "answers" / "attention.scores.py").read_text(encoding="utf-8")
    book.cell("def scores(query, key):\n    return query @ key.mT\nkeep(scores)")
    told = said(capsys)
    assert 'lend("scores", False) takes your right answer again' in told
    assert "answers/attention.scores.py" in told
    assert (work / "answers" / "attention.scores.py").read_text(encoding="utf-8") == right
    query = torch.ones(1, 4)
    assert book["attention"].scores(query, query).item() == 4
    book.cell("progress()")
    told = said(capsys)
    assert "✓ right scores core unchecked" in told
    assert "unchecked `mine` runs on what you gave to keep(...), right or not." in told
    book.cell("check(scores)")
    assert "`mine` goes on with the `scores` that you gave to keep(...)." in said(capsys)
    book.cell('begin("02_attention", globals())\nlend("scores", False)')
    assert "`mine` runs on your `scores` again." in said(capsys)
    assert book["attention"].scores(query, query).item() == 2
    assert "einsum" in Path(str(book["attention"].__file__)).read_text(encoding="utf-8")
    book.cell('progress()\nlend("softmax", False)')
    told = said(capsys)
    assert "✓ right scores core yours" in told
    assert "There is no answer of yours to `softmax` yet." in told


def test_an_unchecked_answer_that_is_gone_is_lent(
    book: Notebook, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell(SCORES + "check(scores)")
    book.cell("def scores(query, key):\n    return query @ key.mT\nkeep(scores)")
    (work / "answers" / "unchecked" / "attention.scores.py").unlink()
    said(capsys)
    book.cell('begin("02_attention", globals())')
    assert "its file is gone" in said(capsys)
    assert not read_book().is_yours("attention.scores")
    book.cell('lend("scores", False)')
    assert read_book().is_yours("attention.scores")


RENAMED = "def scores(q, k):\n    return q @ k.mT / math.sqrt(k.shape[-1])\n"
IN_FLOAT64 = (
    "def scores(query, key):\n    return query.double() @ key.double().mT / math.sqrt(key.shape[-1])\n"
)
CIRCULAR = (
    "from mine.induction import AttentionOnlyModel\n"
    "def scores(query, key, also=AttentionOnlyModel):\n"
    "    return query @ key.mT / math.sqrt(key.shape[-1])\n"
)


@pytest.mark.parametrize("later", [RENAMED, IN_FLOAT64, CIRCULAR], ids=["renamed", "float64", "circular"])
def test_a_right_answer_that_cannot_serve_does_not_replace_one_that_can(
    book: Notebook, work: Path, capsys: pytest.CaptureFixture[str], later: str
) -> None:
    book.cell("from mine import attention\n" + SCORES + "check(scores)")
    said(capsys)
    book.cell(later + "check(scores)")
    told = said(capsys)
    assert "✓ Right" in told
    assert "Your earlier answer stays, which is right too: `mine` goes on with that one." in told
    assert "loan" not in told
    assert "einsum" in (work / "answers" / "attention.scores.py").read_text(encoding="utf-8")
    assert "einsum" in Path(str(mine("attention").__file__)).read_text(encoding="utf-8")
    assert read_book().is_yours("attention.scores")
    book.cell('lend("scores")')
    said(capsys)
    book.cell(later + "check(scores)")
    told = said(capsys)
    assert 'Your earlier answer stays. lend("scores", False) takes your right answer again' in told


def test_the_first_right_answer_is_kept_though_it_cannot_serve(
    book: Notebook, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell(RENAMED + "check(scores)\nprogress()")
    told = said(capsys)
    assert "It is kept. `mine` goes on with the loan." in told
    assert "✓ right scores core on loan" in told
    assert "Right and on loan: `mine` could not take the answer" in told
    assert (work / "answers" / "attention.scores.py").exists()
    book.cell('lend("scores", False)')
    assert "`mine` does not take your answer" in said(capsys)


def test_keep_refuses_what_cannot_run(book: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    book.cell("keep(scores)")
    assert "Not kept: `scores` is not written yet." in said(capsys)
    book.cell("scores = None\nkeep(scores)")
    assert "Not kept: this is nothing (None)" in said(capsys)
    book.cell("wrong = 3")
    book.cell("def scores(query, key):\n    return wrong\nkeep(scores)")
    assert "Not kept: `wrong` comes from another cell." in said(capsys)


def test_the_reference_alone_and_back(book: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    book.cell(SCORES + "check(scores)\nfrom mine import attention\nuse_reference()")
    assert "einsum" not in Path(str(book["attention"].__file__)).read_text(encoding="utf-8")
    book.cell(SOFTMAX + "check(softmax)")
    assert "`mine` runs on the course's own code alone, as you asked" in said(capsys)
    book.cell("use_reference(False)")
    text = Path(str(book["attention"].__file__)).read_text(encoding="utf-8")
    assert "einsum" in text and "F.softmax" in text


def test_a_slow_answer_waits_for_keep(book: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    book.cell(
        "import time\n"
        "def scores(query, key):\n"
        "    end = time.perf_counter() + 0.02\n"
        "    while time.perf_counter() < end:\n"
        "        pass\n"
        "    return query @ key.mT / math.sqrt(key.shape[-1])\n"
    )
    book.cell("check(scores)")
    assert "keep(scores)" in said(capsys)
    assert read_book().status("attention.scores") == "right"
    assert not read_book().is_yours("attention.scores")
    said(capsys)
    book.cell("keep(scores)")
    assert "`mine` runs on your `scores`, which was right." in said(capsys)
    assert read_book().is_yours("attention.scores")
    book.cell("check(scores)")
    assert "`mine` runs on it all the same, as you asked." in said(capsys)
    assert read_book().is_yours("attention.scores")


# edited, damaged, missing


def edit(work: Path, old: str, new: str) -> None:
    path = work / "answers" / "attention.scores.py"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "words", "yours"),
    [
        ("key.shape[-1]", "query.shape[-1]", "is right: `mine` runs on it.", True),
        ("math.sqrt(key.shape[-1])", "key.shape[-1]", "not by its square root", False),
        ("def scores", "def score", "does not define `scores`", False),
        ("return", "return return", "line 3 is not Python", False),
        ("torch.einsum", "nowhere.einsum", "NameError", False),
    ],
)
def test_an_answer_edited_later_is_examined_again(
    book: Notebook,
    work: Path,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    words: str,
    yours: bool,
) -> None:
    book.cell(SCORES + "check(scores)")
    edit(work, old, new)
    said(capsys)
    book.cell('begin("02_attention", globals())')
    assert words in said(capsys)
    assert read_book().is_yours("attention.scores") is yours
    assert mine("attention").scores(torch.ones(1, 4), torch.ones(1, 4)).item() == 2
    book.cell('begin("02_attention", globals())')
    assert "`scores`" not in said(capsys)


def test_an_answer_that_is_gone_is_lent_again(
    book: Notebook, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell(SCORES + "check(scores)")
    (work / "answers" / "attention.scores.py").unlink()
    said(capsys)
    book.cell('begin("02_attention", globals())')
    assert "its file is gone" in said(capsys)
    assert mine("attention").scores(torch.ones(1, 4), torch.ones(1, 4)).item() == 2


def test_answers_survive_a_damaged_progress_file(
    book: Notebook, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell(SCORES + "check(scores)")
    (work / "progress.json").write_text("{", encoding="utf-8")
    book.cell('begin("02_attention", globals())')
    told = said(capsys)
    assert "set aside as progress.damaged-1.json" in told
    assert (
        told.count("The record is made anew from your files in answers/: `scores` is right, and yours.") == 1
    )
    assert "edited" not in told and "examines" not in told
    assert read_book().is_yours("attention.scores")
    assert read_book().status("attention.scores") == "right"


def test_a_record_made_anew_tells_what_is_not_taken(
    book: Notebook, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell(SCORES + "check(scores)\n" + SOFTMAX + "check(softmax)")
    edit(work, "math.sqrt(key.shape[-1])", "key.shape[-1]")
    (work / "progress.json").unlink()
    said(capsys)
    book.cell('begin("02_attention", globals())')
    told = said(capsys)
    assert "`softmax` is right, and yours." in told
    assert (
        "answers/attention.scores.py is not taken, and `mine` goes on with the loan: the scores are" in told
    )


@pytest.mark.parametrize(
    ("head", "also"),
    [
        ("from mine.induction import AttentionOnlyModel", "AttentionOnlyModel"),
        ("import no_such_module", "no_such_module"),
        ("import sys\nstop = sys.exit()", "stop"),
    ],
)
def test_no_kept_answer_locks_the_library_out(
    book: Notebook, work: Path, capsys: pytest.CaptureFixture[str], head: str, also: str
) -> None:
    """A default value is made where the module is imported, and so is whatever it leans on."""
    book.cell(SCORES + "check(scores)\n" + SOFTMAX + "keep(softmax)")
    path = work / "answers" / "unchecked" / "attention.softmax.py"
    text = path.read_text(encoding="utf-8").replace("logits: Tensor", f"logits: Tensor, also={also}")
    path.write_text(f"{head}\n{text}", encoding="utf-8")
    said(capsys)
    book.cell('begin("02_attention", globals())\nfrom mine import attention\nfrom mine import induction')
    told = said(capsys)
    assert "`mine` cannot run with your `softmax`:" in told
    assert "goes on with the loan" in told
    assert "1 is yours" in told
    assert read_book().is_yours("attention.scores")
    assert not read_book().is_yours("attention.softmax")


def test_an_edited_answer_that_only_its_cell_can_import_is_lent(
    book: Notebook, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It leans on a class that stands further down in its module: right when examined, not when imported."""
    book.cell(SCORES + "check(scores)")
    edit(work, "key: Tensor)", "key: Tensor, also=MultiHeadAttention)")
    said(capsys)
    book.cell('begin("02_attention", globals())\nfrom mine import attention')
    assert "`mine` cannot run with your `scores`: NameError" in said(capsys)
    assert not read_book().is_yours("attention.scores")


def test_answers_are_imported_before_the_loan_ends(
    book: Notebook, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell(SCORES + "check(scores)\nuse_reference()")
    edit(work, "key: Tensor)", "key: Tensor, also=MultiHeadAttention)")
    book.cell('begin("02_attention", globals())\nuse_reference(False)\nfrom mine import attention')
    assert "`mine` cannot run with your `scores`" in said(capsys)


def test_a_damaged_library_is_mended(book: Notebook, work: Path) -> None:
    (work / "mine" / "attention.py").write_text("not python (", encoding="utf-8")
    (work / "mine" / "old.py").write_text("x = 1", encoding="utf-8")
    (work / "mine" / "__init__.py").unlink()
    book.cell('begin("02_attention", globals())\nfrom mine import attention')
    assert callable(book["attention"].scores)
    assert not (work / "mine" / "old.py").exists()


def test_a_folder_that_cannot_be_written_stops_no_lesson(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, book: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("POCKETR1_WORK", str(tmp_path / "file" / "work"))
    said(capsys)
    book.cell('begin("02_attention", globals())\nfrom mine import attention')
    first = said(capsys)
    assert "could not be saved" in first and "for this session only" in first
    book.cell(SCORES + "check(scores)")
    assert "✓ Right." in said(capsys)


def test_an_answer_that_breaks_the_import_is_lent_again(
    book: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell(
        "from pocketr1 import induction\nimport mine.induction\nfrom mine.induction import induction_score\n"
    )
    book.cell(
        "def scores(query, key, also=induction_score):\n"
        "    return query @ key.mT / math.sqrt(key.shape[-1])\n"
    )
    book.cell("check(scores)")
    told = said(capsys)
    assert "`mine` cannot run with your `scores`: ImportError" in told
    assert told.count("goes on with the loan") == 1
    assert callable(mine("attention").scores)


def test_no_answer_is_blamed_for_a_module_of_the_course_that_does_not_load(
    book: Notebook, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    book.cell(SCORES + "check(scores)")
    monkeypatch.setattr(library, "import_error", lambda one_by_one: "NameError: nowhere")
    book.cell('begin("02_attention", globals())')
    assert "cannot run with" not in said(capsys)
    assert read_book().is_yours("attention.scores")


# predictions, solutions, steps


def test_predictions_are_kept_and_recalled(book: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys)
    book.cell('predict("layers", "...")\nrecall("layers")')
    assert said(capsys).startswith("No prediction yet.")
    book.cell('predict("layers", "  it does\\n not ")\nrecall("layers")')
    assert said(capsys) == "Kept. We come back to it. You predicted: it does not"
    assert read_book().predictions == {"02_attention/layers": "it does not"}


def test_a_prediction_of_no_lesson_is_told_and_not_kept(
    book: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys)
    book.cell('predict("layer", "two")\nrecall("layer")')
    told = 'There is no prediction called "layer" in this lesson. It has "layers". Nothing is kept.'
    assert said(capsys) == f"{told} {told}"
    assert read_book().predictions == {}


def test_the_predictions_of_every_lesson_are_known() -> None:
    for entry in course().ready:
        source = (ROOT / "lessons" / f"{entry.id}.py").read_text(encoding="utf-8")
        code = [line for line in source.splitlines() if not line.startswith("#")]
        assert len(prediction_keys(entry)) == "\n".join(code).count("predict(")
    assert prediction_keys(course().lesson("02")) == ["layers"]


def test_solution_prints_the_reference(book: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys)
    book.cell('solution("scores")')
    assert capsys.readouterr().out.startswith("def scores(query: Tensor, key: Tensor) -> Tensor:\n")
    book.cell('solution("attention.scores")\nsolution(scores)\nsolution("nothing")')
    assert "no exercise called `nothing`" in said(capsys)


def test_steps_are_cut_by_the_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POCKETR1_FEW_STEPS", raising=False)
    assert lesson.steps(300) == 300
    monkeypatch.setenv("POCKETR1_FEW_STEPS", "1")
    assert lesson.steps(300) == lesson.FEW
    assert lesson.steps(2) == 2


# nothing of the reference in it


def imports_of_reference(folder: Path) -> list[str]:
    found = []
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            found += [f"{path.name}: {name}" for name in names if name.split(".")[0] == "pocketr1"]
    return found


def test_every_teaching_module_is_mirrored_and_nothing_else(book: Notebook, work: Path) -> None:
    names = {str(path.as_posix()) for path in teaching_modules()}
    assert {"__init__.py", "attention.py", "worlds/__init__.py"} <= names
    assert not {
        name for name in names if name.split("/")[0] in ("workbook", "checks", "claims", "__main__.py")
    }
    made = {path.relative_to(work / "mine").as_posix() for path in (work / "mine").rglob("*.py")}
    assert made == names


def test_the_library_runs_without_the_reference(book: Notebook, work: Path) -> None:
    book.cell(SCORES + SOFTMAX)
    book.cell("check(scores)\ncheck(softmax)")
    assert imports_of_reference(work / "mine") == []
    modules = [
        ".".join(path.with_suffix("").parts) for path in teaching_modules() if path.name != "__init__.py"
    ]
    code = (
        "import importlib, sys\n"
        "sys.modules['pocketr1'] = None\n"
        f"for name in {modules!r}: importlib.import_module('mine.' + name)\n"
        "from mine.induction import AttentionOnlyModel\n"
        "import torch\n"
        "AttentionOnlyModel(vocab=5, dim=8, heads=2, layers=2, context=6)(torch.tensor([[0, 1, 2]]))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=work)


def test_the_packages_modules_are_left_alone(book: Notebook) -> None:
    reference = importlib.import_module("pocketr1.attention").scores
    book.cell(SCORES + "check(scores)")
    assert importlib.import_module("pocketr1.attention").scores is reference
    assert reference.__code__.co_filename == str(ROOT / "pocketr1" / "attention.py")


# cutting a cell


def test_a_piece_takes_what_it_needs_and_no_more() -> None:
    cell = (
        "import os\n"
        "import math\n"
        "# a note on the helper\n"
        "def helper(x):\n"
        "    return math.sqrt(x)\n"
        "values = [1, 2]\n"
        "print(values)\n"
        "def f(x):\n"
        "    # a note inside\n"
        "    return helper(x)\n"
        "check(f)\n"
    )
    piece = piece_of(cell, "f")
    assert "import os" not in piece.text and "print" not in piece.text and "check" not in piece.text
    assert "# a note on the helper" in piece.text and "# a note inside" in piece.text
    assert set(piece.names) == {"math", "helper"}
    assert "import math" not in piece_of(cell, "f", given=["math"]).text
    with pytest.raises(KeyError):
        piece_of(cell, "g")
    with pytest.raises(SyntaxError):
        piece_of("def f(:\n", "f")


def test_magics_are_left_out() -> None:
    cell = "%matplotlib inline\n!ls\ndef f(x):\n    return x\n"
    assert piece_of(cell, "f").text == "def f(x):\n    return x"
    continued = "def f(x):\n    return (x\n        % 3)\n"
    assert piece_of(continued, "f").text == continued.rstrip("\n")
    assert cells.defined_in("%%time\ndef f(x):\n    return x") == {"f"}
    assert cells.defined_in("def f(:") == set()


def test_free_names_are_those_that_come_from_elsewhere() -> None:
    text = "def f(x: Tensor, y=z):\n    a = [b for b in x]\n    return a + len(x) + math.pi\n"
    assert free_names(text) == {"Tensor", "z", "math"}


def test_imports_of_mine_become_relative() -> None:
    for text, relative in {
        "from mine import attention": "from . import attention",
        "from mine.attention import scores": "from .attention import scores",
        "import mine.attention as a": "from . import attention as a",
        "from miner import x": "from miner import x",
    }.items():
        assert within_package(text) == relative


def test_a_module_says_whose_its_pieces_are() -> None:
    reference = '"""Two."""\n\n\n@wraps\ndef one():\n    return 1\n\n\ndef two():\n    return 2\n'
    piece = piece_of("def two():\n    return 1 + 1\n", "two")
    text = module_text(
        reference, [Part("one", "02", None), Part("two", "03", piece), Part("gone", "04", None)]
    )
    assert "# Yours: two. On loan: one.\n" in text
    assert "# on loan, lesson 02\n@wraps\ndef one():" in text
    assert "# yours, lesson 03\ndef two():\n    return 1 + 1\n# end of yours: two" in text
    assert ast.get_docstring(ast.parse(text)) == "Two."
    assert library.KEPT not in text


def test_in_ipython_cells_are_found_in_the_history(work: Path) -> None:
    """A partial has no code of its own, and `%%time` hides the cell from Python."""
    code = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in (
    "from pocketr1.workbook import begin, check, progress\\nbegin('00_welcome', globals())",
    "from functools import partial\\nfrom torch.nn.functional import normalize\\n"
    "shares = partial(normalize, p=1, dim=-1)",
    "check(shares)",
    "%%time\\ndef shares(amounts):\\n    return amounts / amounts.sum(-1, keepdim=True)",
    "check(shares)",
    "progress()",
):
    shell.run_cell(cell, store_history=True).raise_error()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.count("✓ Right.") == 2
    assert "name the parameters" in " ".join(done.stdout.split())
    assert "`mine` runs on it from here on." in " ".join(done.stdout.split())
    assert "shares  core   yours      2 checks" in done.stdout


def test_a_failed_run_of_the_cell_is_told_before_the_verdict(work: Path) -> None:
    """By the cell's id, or by what it defines; not if the run came as far as the definition."""
    code = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
def run(cell, cell_id=None):
    print(f"({shell.run_cell(cell, store_history=True, cell_id=cell_id).success})")
run("from pocketr1.workbook import begin, check\\nbegin('00_welcome', globals())")
run("def share(\\n", "00-shares")
run("check(shares)")
run("def shares(amounts):\\n    return amounts / amounts.sum(-1, keepdim=True)", "00-shares")
run("check(shares)")
run("def shares(amounts):\\n    return amounts / amounts.sum(\\n")
run("check(shares)")
run("import nothing\\ndef shares(amounts):\\n    return amounts\\n")
run("check(shares)")
run("def shares(amounts):\\n    return amounts / amounts.sum()\\nnothing")
run("check(shares)")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    verdicts = re.split(r"\((?:True|False)\)", " ".join(done.stdout.split()))
    scaffold, right, before, imported, defined = [said.strip() for said in verdicts[2:-1:2]]
    assert scaffold.startswith("The last run of the cell of `shares` failed: SyntaxError: ")
    assert "This is about the scaffold. ○ Not attempted" in scaffold
    assert right.startswith("✓ Right")
    assert before.startswith("The last run of the cell of `shares` failed: SyntaxError: ")
    assert "This is about the version before it. ✓ Right" in before
    assert imported.startswith("The last run of the cell of `shares` failed: ModuleNotFoundError: No module")
    assert defined.startswith("✗ Not yet: each amount is divided by the total")


def test_the_verbs_that_messages_name_are_there_after_the_set_up_cell(work):
    namespace = {}
    lesson.begin("02_attention", namespace)
    assert {"check", "solution", "keep", "lend", "use_reference"} <= set(namespace)


def test_a_learners_own_name_is_not_overwritten_by_a_verb(work):
    namespace = {"solution": 3}
    lesson.begin("02_attention", namespace)
    assert namespace["solution"] == 3


def test_a_prediction_may_be_a_number(work, capsys):
    lesson.begin("00_welcome", {})
    lesson.predict("sums", 50)
    lesson.recall("sums")
    assert "You predicted: 50" in capsys.readouterr().out


def test_a_mistyped_name_and_a_wrong_switch_are_met_with_a_sentence(work, capsys):
    lesson.solution("causal_mas")
    lesson.use_reference("scores")
    said = capsys.readouterr().out
    assert "Did you mean causal_mask?" in said
    assert "use_reference(False)" in said


BORROWED = {
    "called": "def scores(query, key):\n    return attention.scores(query, key)\n",
    "imported inside": "def scores(q, k):\n    import mine.attention as A\n    return A.scores(q, k)\n",
    "imported by name": "def scores(q, k):\n    from mine.attention import scores as s\n    return s(q, k)\n",
    "course": "def scores(q, k):\n    from pocketr1 import attention as a\n    return a.scores(q, k)\n",
}


@pytest.mark.parametrize("source", BORROWED.values(), ids=list(BORROWED))
def test_an_answer_that_calls_the_librarys_own_is_not_one(
    book: Notebook, capsys: pytest.CaptureFixture[str], source: str
) -> None:
    book.cell("from mine import attention")
    book.cell(source + "check(scores)\nkeep(scores)")
    told = said(capsys)
    assert "Not yet: this is the library's own `scores`" in told
    assert "Not kept" in told
    assert not read_book().is_yours("attention.scores")


def test_a_subclass_of_the_librarys_class_is_not_an_answer(
    book: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell("from mine import attention")
    book.cell(
        "class MultiHeadAttention(attention.MultiHeadAttention):\n"
        "    def more(self):\n        pass\n"
        "check(MultiHeadAttention)"
    )
    assert "the library's own" in said(capsys)
    assert not read_book().is_yours("attention.MultiHeadAttention")


def test_an_answer_may_call_the_library_for_another_piece(
    book: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell("from mine import attention")
    book.cell(
        "def attend(query, key, value, mask=None):\n"
        "    logits = attention.scores(query, key)\n"
        "    if mask is not None:\n"
        "        logits = logits.masked_fill(~mask, -math.inf)\n"
        "    weights = torch.softmax(logits, -1)\n"
        "    return weights @ value, weights\n"
        "check(attend)"
    )
    assert "✓ Right" in said(capsys)
    assert read_book().is_yours("attention.attend")


def test_torchs_function_of_the_same_name_is_not_the_librarys(
    book: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    book.cell("def softmax(logits):\n    return torch.softmax(logits, -1)\ncheck(softmax)")
    assert "✓ Right" in said(capsys)
