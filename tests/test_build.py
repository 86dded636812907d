"""The builder: what it makes of a lesson, how it refuses a bad one, and what `build --check` notices."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketr1.workbook import build as builder
from pocketr1.workbook.course import CourseError, ExerciseEntry, read_course
from pocketr1.workbook.files import ROOT
from pocketr1.workbook.lessons import Cell, parse_cells
from pocketr1.workbook.scaffold import ExerciseSource, make_stub, read_source, scaffold
from tests.made_up_course import change, make_course

LESSON = "lessons/00_numbers.py"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_course(tmp_path / "course")


@pytest.fixture(scope="module")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_course(tmp_path_factory.mktemp("built") / "course")
    list(builder.build(root))
    return root


@pytest.fixture
def built(built_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built_once, tmp_path / "course"))


def cells(root: Path, folder: str) -> dict[str, dict]:
    notebook = json.loads((root / folder / "00_numbers.ipynb").read_text(encoding="utf-8"))
    return {cell["id"]: cell | {"source": "".join(cell["source"])} for cell in notebook["cells"]}


# What is built


def test_both_notebooks_have_the_cells_of_the_lesson_under_stable_ids(built):
    ids = [
        "00-head",
        "00-head-text-1",
        "00-setup",
        "00-half-label",
        "00-half",
        "00-half-check",
        "00-half-text-1",
        "00-see-it",
        "00-by-chance",
    ]
    assert list(cells(built, "notebooks")) == ids
    assert list(cells(built, "solutions")) == ids


def test_an_unsolved_exercise_is_signature_docstring_steps_and_a_raise(built):
    assert cells(built, "notebooks")["00-half"]["source"] == (
        "def half(number: float) -> float:\n"
        '    """Half of `number`."""\n'
        "    # 1. Divide `number` by two.\n"
        "    #\n"
        "    # 2. Return it.\n"
        '    raise NotImplementedError("half is yours to write")'
    )


def test_a_solved_exercise_is_the_whole_source_comments_included(built):
    assert (
        "# A comment that belongs to the answer.\n    return number / 2"
        in cells(built, "solutions")["00-half"]["source"]
    )
    assert cells(built, "solutions")["00-half-check"]["source"] == "check(half)"


def test_only_the_solution_has_outputs(built):
    assert all(not cell.get("outputs") for cell in cells(built, "notebooks").values())
    assert cells(built, "solutions")["00-see-it"]["outputs"][0]["text"] == ["3.0\n"]
    counts = [
        cell["execution_count"] for cell in cells(built, "solutions").values() if cell["cell_type"] == "code"
    ]
    assert counts == [1, 2, 3, 4, 5]


def test_the_head_comes_from_the_manifest_and_says_where_the_notebook_comes_from(built):
    head = cells(built, "notebooks")["00-head"]["source"]
    assert head.startswith("# 00 · Numbers\n\n**What is half of something?**\n\nAbout 10 minutes.")
    assert "- halve a number" in head
    assert "<!-- Built from lessons/00_numbers.py." in head


def test_the_label_says_importance_difficulty_and_minutes_in_words(built):
    label = cells(built, "notebooks")["00-half-label"]["source"]
    assert label == "### Exercise: `half`\n\nCore · difficulty ●○○○○ a first step · about 2 minutes"


def test_a_cell_for_teachers_is_in_neither_notebook(built):
    for folder in ("notebooks", "solutions"):
        assert "everybody" not in (built / folder / "00_numbers.ipynb").read_text(encoding="utf-8")


def test_an_exempt_cell_keeps_its_reason_in_the_solution(built):
    metadata = cells(built, "solutions")["00-by-chance"]["metadata"]
    assert metadata["tags"] == ["nbval-ignore-output"]
    assert metadata["pocketr1"]["exempt"] == "drawn anew in each run"


def test_building_again_gives_the_same_bytes(built):
    def everything() -> dict[str, bytes]:
        return {path.parent.name: path.read_bytes() for path in built.rglob("*.ipynb")}

    before = everything()
    list(builder.build(built))
    assert everything() == before


def test_the_learners_own_folder_is_not_the_one_that_a_build_works_in(root, work):
    change(
        root / LESSON,
        "print(6 / 2)",
        "import os\n\nprint('own' if 'pocketr1-' in os.environ['POCKETR1_WORK'] else '')",
    )
    list(builder.build(root))
    assert cells(root, "solutions")["00-see-it"]["outputs"][0]["text"] == ["own\n"]
    assert not work.exists()


# What is refused, with file and line

SEE = '# %% key="see-it"'
EXERCISE = '# %% exercise="numbers.half"'
CHANCE = '# %% key="by-chance"'
REASON = ' exempt="drawn anew in each run"'

REFUSED = [
    (
        EXERCISE,
        '# %% exercise="numbers.third"',
        '"numbers.third"',
        "'numbers.third' is not in lessons/course.toml",
    ),
    (CHANCE, '# %% key="see-it"', 'key="see-it" exempt', "key 'see-it' was used before, at line"),
    (SEE, '# %% key="half"', 'key="half"', "key 'half' was used before, at line"),
    (SEE, '# %% key="half-check"', 'key="half-check"', "cell id '00-half-check' was used before"),
    (SEE, '# %% exempt="why"', 'exempt="why"', 'code cell without key="..."'),
    (SEE, '# %% key="See it"', "See it", "small letters"),
    (SEE, '# %% kye="see-it"', "kye", "unknown metadata 'kye'"),
    (REASON, ' exempt=""', "by-chance", "exempt='' should be a text"),
    ("# 2. Return it.", "return number / 2", "return", "no code"),
    ("# 1. Divide `number` by two.\n#\n# 2. Return it.", "#", "exercise=", "needs its steps"),
    ("print(6 / 2)", "print(6 / 2", "print(6 / 2", "was never closed"),
    ("print(6 / 2)", "# NBVAL_SKIP\nprint(6 / 2)", "NBVAL", "instead of a marker"),
    ('tags=["teacher"]', 'tags=["techer"]', "techer", "the one tag there is"),
    ("print(6 / 2)", '"""\n# %% not a cell\n"""', "# %% [markdown]", "no text may contain one"),
    (EXERCISE, "# %% [markdown]", "by-chance", "no cell for the exercise 'numbers.half'"),
]


@pytest.mark.parametrize(("old", "new", "place", "says"), REFUSED, ids=[refused[3] for refused in REFUSED])
def test_a_bad_lesson_is_refused_with_file_and_line(root, old, new, place, says):
    change(root / LESSON, old, new)
    with pytest.raises(CourseError) as error:
        builder.check(root)
    assert str(error.value).startswith(f"{LESSON}:{line_of(root, place)}: ")
    assert says in str(error.value)


def line_of(root: Path, text: str) -> int:
    """The line of the lesson's first line that holds `text`."""
    rows = (root / LESSON).read_text(encoding="utf-8").splitlines()
    return next(number for number, row in enumerate(rows, 1) if text in row)


def test_an_exercise_without_a_check_is_refused(root):
    change(root / "pocketr1/checks/numbers.py", '"half"', '"third"')
    says = f"{LESSON}:{line_of(root, EXERCISE)}: .* has no check in pocketr1/checks/numbers.py"
    with pytest.raises(CourseError, match=says):
        builder.check(root)


def test_an_exercise_without_a_reference_is_refused(root):
    change(root / "pocketr1/numbers.py", "def half", "def hlaf")
    with pytest.raises(CourseError, match="pocketr1/numbers.py: has no function or class 'half'"):
        builder.check(root)


def test_an_exercise_of_another_lesson_is_refused(root):
    toml = root / "lessons/course.toml"
    text = toml.read_text(encoding="utf-8")
    start, end = text.index("[[lesson.exercise]]"), text.index('[[lesson]]\nid = "01')
    exercise = text[start:end]
    toml.write_text(text.replace(exercise, "").replace("[paths", exercise + "[paths"), encoding="utf-8")
    with pytest.raises(CourseError, match=f"{LESSON}:{line_of(root, EXERCISE)}: .*under lesson '01_later'"):
        builder.check(root)


def test_lesson_files_and_the_manifest_must_agree(root):
    (root / "lessons/05_stray.py").write_text("", encoding="utf-8")
    with pytest.raises(CourseError, match=r"lessons/05_stray\.py:1: is not listed"):
        builder.check(root)
    (root / "lessons/05_stray.py").rename(root / "lessons/01_later.py")
    with pytest.raises(CourseError, match=r"lessons/01_later\.py:1: is 'planned'"):
        builder.check(root)
    (root / "lessons/01_later.py").unlink()
    (root / LESSON).unlink()
    with pytest.raises(CourseError, match=f"{LESSON}: is 'ready' .* no such file"):
        builder.check(root)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("raise ValueError('oh')", "cell '00-see-it' raises ValueError: oh"),
        ("print('/home/ada/notes.txt')", "shows '/home/ada'"),
        ("import os\n\nprint(os.getcwd())", "differs from machine to machine"),
        ("print(object())", "shows '0x"),
    ],
)
def test_a_solution_that_fails_or_shows_this_machine_is_not_written(built, code, says):
    before = (built / "solutions/00_numbers.ipynb").read_bytes()
    change(built / LESSON, "print(6 / 2)", code)
    with pytest.raises(CourseError) as error:
        list(builder.build(built))
    assert str(error.value).startswith(f"{LESSON}:{line_of(built, SEE)}: ")
    assert says in str(error.value)
    assert (built / "solutions/00_numbers.ipynb").read_bytes() == before


def test_web_addresses_and_closing_tags_are_not_taken_for_paths(root):
    change(root / LESSON, "print(6 / 2)", "print('https://example.org/home/ada <p></p> and/or 1/2')")
    list(builder.build(root))


# build --check


def test_what_was_built_passes_the_check(built):
    assert builder.check(built) == []


def edit(path: str, old: str, new: str):
    return lambda root: change(root / path, old, new)


CHANGES = {
    "the lesson's text": (
        edit(LESSON, "A question.", "A riddle."),
        ["notebooks", "solutions"],
        "'00-head-text-1'",
    ),
    "the lesson's code": (edit(LESSON, "6 / 2", "8 / 2"), ["notebooks", "solutions"], "'00-see-it'"),
    "the answer": (edit("pocketr1/numbers.py", "number / 2", "number * 0.5"), ["solutions"], "'00-half'"),
    "the docstring": (
        edit("pocketr1/numbers.py", "Half of", "A half of"),
        ["notebooks", "solutions"],
        "'00-half'",
    ),
    "the manifest": (
        edit("lessons/course.toml", "halve a number", "halve"),
        ["notebooks", "solutions"],
        "'00-head'",
    ),
    "the reason": (edit(LESSON, "drawn anew", "drawn"), ["solutions"], "'00-by-chance'"),
    "a built file": (edit("notebooks/00_numbers.ipynb", "Return it", "Give it"), ["notebooks"], "'00-half'"),
    "an id": (edit("solutions/00_numbers.ipynb", "00-see-it", "00-saw-it"), ["solutions"], "'00-see-it'"),
    "the form": (
        edit("solutions/00_numbers.ipynb", "\n ", "\n  "),
        ["solutions"],
        "saved by another program",
    ),
    "no notebook": (edit("notebooks/00_numbers.ipynb", "{", "<"), ["notebooks"], "cannot be read"),
    "the digest": (
        edit("solutions/00_numbers.ipynb", '"outputs_of": "', '"outputs_of": "0'),
        ["solutions"],
        "other code",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_noticed_with_the_file_and_the_command(built, what):
    make, folders, says = CHANGES[what]
    make(built)
    problems = builder.check(built)
    assert [problem.split("/")[0] for problem in problems] == folders
    for problem in problems:
        assert says in problem
        assert problem.endswith("Run: python start.py build 00")


def test_code_that_changed_beneath_its_outputs_is_noticed(built):
    """Sources and notebook agree, as after a hand edit of both, but the outputs are those of the old code."""
    change(built / LESSON, "6 / 2", "8 / 2")
    for folder in ("notebooks", "solutions"):
        change(built / folder / "00_numbers.ipynb", "6 / 2", "8 / 2")
    (problem,) = builder.check(built)
    assert "has outputs that were made with other code" in problem


def test_missing_and_stray_notebooks_are_noticed(built):
    (built / "notebooks/00_numbers.ipynb").rename(built / "notebooks/07_stray.ipynb")
    stray, missing = builder.check(built)
    assert stray.startswith("notebooks/07_stray.ipynb is no ready lesson")
    assert missing.startswith("notebooks/00_numbers.ipynb is missing")


def test_checking_imports_neither_torch_nor_a_kernel():
    code = (
        "import sys; from pocketr1.workbook import build, course, desk, scaffold; "
        "course.read_course(); print(*({'torch', 'nbclient', 'ipykernel'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    )
    assert run.stdout.strip() == ""


# Cells: any text that a lesson may hold comes back as it was

lines = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=30)
keys = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8})?", fullmatch=True)


@st.composite
def markdown_cells(draw: st.DrawFn) -> Cell:
    text = "\n".join(draw(st.lists(lines.map(str.rstrip), min_size=1, max_size=4))).strip("\n")
    return Cell("markdown", text or "words", 0, teacher=draw(st.booleans()))


@st.composite
def code_cells(draw: st.DrawFn) -> Cell:
    text = "\n".join(
        f"x = {draw(lines)!r}  # {draw(lines.map(str.rstrip))}".rstrip()
        for _ in range(draw(st.integers(1, 3)))
    )
    reason = draw(st.none() | st.from_regex(r"[a-z,' ]{1,20}x", fullmatch=True))
    return Cell("code", text, 0, key=draw(keys), exempt=reason)


def as_percent(cell: Cell) -> str:
    if cell.kind == "markdown":
        tags = ' tags=["teacher"]' if cell.teacher else ""
        return "\n".join(
            [f"# %% [markdown]{tags}", *(f"# {line}".rstrip() for line in cell.source.split("\n"))]
        )
    exempt = f" exempt={json.dumps(cell.exempt)}" if cell.exempt else ""
    return f'# %% key="{cell.key}"{exempt}\n{cell.source}'


@settings(deadline=None, max_examples=150)
@given(st.lists(markdown_cells() | code_cells(), min_size=1, max_size=5))
def test_cells_survive_the_way_through_the_file(written):
    text = "\n\n".join(as_percent(cell) for cell in written) + "\n"
    read = parse_cells(text, "lesson.py")
    assert [(cell.kind, cell.source, cell.key, cell.exempt, cell.teacher) for cell in read] == [
        (cell.kind, cell.source, cell.key, cell.exempt, cell.teacher) for cell in written
    ]
    rows = text.splitlines()
    assert all(rows[cell.line - 1].startswith("# %%") for cell in read)


def test_a_comment_that_looks_like_a_command_stays_a_comment():
    (cell,) = parse_cells('# %% exercise="attention.causal_mask"\n# copy the mask\n# ls it\n', "lesson.py")
    assert cell.source == "# copy the mask\n# ls it"


# Scaffolds


def test_a_class_keeps_its_init_and_loses_its_other_methods():
    text = '''\
@decorated
class Layer(Module):
    """A layer."""

    size: int = 3

    def __init__(self, dim: int) -> None:
        """Make it."""
        self.dim = dim  # kept

    # About what follows.
    @wrapped
    def forward(self, x):
        """Run it."""
        return x  # lost

    def extra(self):
        """More."""
        return 1'''
    assert (
        scaffold(ExerciseSource("Layer", text, "layers.py", 1), "# 1. Do it.")
        == '''\
@decorated
class Layer(Module):
    """A layer."""

    size: int = 3

    def __init__(self, dim: int) -> None:
        """Make it."""
        self.dim = dim  # kept

    # About what follows.
    @wrapped
    def forward(self, x):
        """Run it."""
        # 1. Do it.
        raise NotImplementedError("Layer is yours to write")

    def extra(self):
        """More."""
        raise NotImplementedError("Layer is yours to write")'''
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def f(x):\n    return x", "needs a docstring"),
        ('def f(x):\n    """Doc."""', "needs its answer below the docstring"),
        ('def f(x):\n    """Doc."""; return x', "needs its answer below the docstring"),
        ('class F:\n    def __init__(self):\n        """Make it."""', "has no method besides __init__"),
    ],
)
def test_an_answer_that_leaves_nothing_to_write_is_refused(text, says):
    with pytest.raises(CourseError, match=f"module.py:5: .*{says}"):
        scaffold(ExerciseSource("F" if "class" in text else "f", text, "module.py", 5))


def test_decorators_and_comments_are_cut_out_with_the_answer(root):
    change(root / "pocketr1/numbers.py", "def half", "@staticmethod\n# Why.\ndef half")
    source = read_source(ExerciseEntry("numbers.half", 1, "core", 2), root)
    assert source.text.startswith("@staticmethod\n# Why.\ndef half")
    assert source.line == 4


@pytest.mark.parametrize(
    "entry", [entry for lesson in read_course().ready for entry in lesson.exercises], ids=str
)
def test_every_exercise_of_the_course_has_a_scaffold_and_a_stub_that_says_whose_it_is(entry):
    text = scaffold(read_source(entry), "# 1. A step.")
    ast.parse(text)
    assert "# 1. A step." in text
    assert callable(make_stub(entry))


# The real course


def test_the_real_notebooks_are_those_of_the_sources():
    assert builder.check() == []
