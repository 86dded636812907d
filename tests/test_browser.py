"""A learner's way through the lessons, in a real browser: JupyterLab, driven by Playwright, in Chromium.

Lesson 02 is walked from top to bottom. Through every other ready lesson goes a shorter walk: down to its
first exercise, a wrong answer, a right one, and the figure with controls.

Everything happens in a folder of its own. Trainings are cut to a few steps, as for unsolved notebooks.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import shutil
import socket
import subprocess
import symtable
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import pytest

from pocketr1.workbook.course import read_course
from tests.lesson_02_answers import BROKEN, STEPS, Step

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

ROOT = Path(__file__).resolve().parent.parent
LESSON = "02_attention"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next((path for path in map(shutil.which, BROWSERS) if path), None)
PATIENCE = 300_000  # milliseconds: a slow machine may take long, and nothing here is timed

pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"no browser found: none of {', '.join(BROWSERS)}")

# All cells are in the page at once, so that a test can count them. Nobody is asked whether to fetch news.
LAB_SETTINGS = {
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A learner's work folder, in a path with a blank and an accent, with the notebooks in it."""
    folder = tmp_path_factory.mktemp("browser") / "bureau à moi"
    environment = {**os.environ, "POCKETR1_WORK": str(folder)}
    subprocess.run([sys.executable, "-m", "pocketr1", "prepare"], env=environment, check=True)
    return folder


@pytest.fixture(scope="module")
def lab(desk: Path) -> Iterator[str]:
    """A running JupyterLab on the desk; its address up to the notebook's name."""
    settings = desk.parent / "settings"
    for name, values in LAB_SETTINGS.items():
        extension, plugin = name.split(":")
        file = settings / extension / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "POCKETR1_WORK": str(desk),
        "POCKETR1_FEW_STEPS": "1",
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(desk.parent / "workspaces"),
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.port={port}"]
    command += ["--ServerApp.port_retries=0", "--IdentityProvider.token=pocket", "--log-level=ERROR"]
    with subprocess.Popen(command, cwd=desk, env=environment) as server:
        try:
            wait_for_server(f"http://127.0.0.1:{port}/api?token=pocket")
            # a workspace for each notebook: in one of their own, no other notebook is opened again
            yield f"http://127.0.0.1:{port}/lab/workspaces/{{0}}/tree/{{0}}.ipynb?token=pocket"
        finally:
            server.terminate()


def wait_for_server(address: str) -> None:
    for _ in range(120):
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise TimeoutError("JupyterLab did not start within a minute")


class Page:
    """The lesson as a person sees it: cells found by the name that the lesson gives them."""

    def __init__(self, page: playwright.Page, address: str, notebook: Path) -> None:
        self.page = page
        self.number = notebook.name[:2]
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        self.places = {cell["id"]: place for place, cell in enumerate(cells)}
        self.strangers: list[str] = []
        page.on("request", lambda request: self._note(request.url))
        page.goto(address)
        self.wait_until_idle()

    def _note(self, url: str) -> None:
        if not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:|about:", url):
            self.strangers.append(url)

    def wait_until_idle(self) -> None:
        """A command that is given before the kernel is connected is dropped without a word."""
        self.page.locator(".jp-StatusBar-Widget, #jp-main-statusbar").get_by_text("| Idle").wait_for(
            timeout=PATIENCE
        )

    def cell(self, key: str) -> playwright.Locator:
        """The cell of this key in the lesson."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(self.places[f"{self.number}-{key}"])

    def run_all(self) -> None:
        """Run all cells and wait for the last one."""
        first, last = (cells.locator(".jp-InputPrompt").first for cells in self._first_and_last_code())
        before = [first.inner_text(), last.inner_text()]
        while first.inner_text() == before[0]:  # until the command is taken
            self.page.get_by_role("menuitem", name="Run", exact=True).click()
            self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
            self.page.wait_for_timeout(3000)
        playwright.expect(last).not_to_have_text(before[1], timeout=PATIENCE)
        playwright.expect(last).to_have_text(re.compile(r"\[\d+\]:"), timeout=PATIENCE)
        self.wait_until_idle()

    def _first_and_last_code(self) -> tuple[playwright.Locator, playwright.Locator]:
        code = self.page.locator(".jp-Notebook .jp-CodeCell")
        return code.first, code.last

    def write(self, key: str, source: str) -> None:
        """Type over everything that the cell says."""
        cell = self.cell(key)
        cell.scroll_into_view_if_needed()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(source)

    def run(self, key: str) -> None:
        """Run one cell and wait until it has."""
        cell = self.cell(key)
        cell.scroll_into_view_if_needed()
        cell.locator(".cm-content").click()
        before = cell.locator(".jp-InputPrompt").first.inner_text()
        self.page.keyboard.press("Control+Enter")
        prompt = cell.locator(".jp-InputPrompt").first
        playwright.expect(prompt).not_to_have_text(before, timeout=PATIENCE)
        playwright.expect(prompt).to_have_text(re.compile(r"\[\d+\]:"), timeout=PATIENCE)

    def said(self, key: str) -> str:
        """What stands under the cell."""
        return "\n".join(self.cell(key).locator(".jp-OutputArea-output").all_inner_texts())

    def hand_in(self, key: str, source: str) -> str:
        """Type an answer, run it and its check; returns the check's words."""
        self.write(key, source)
        self.run(key)
        self.run(f"{key}-check")
        return self.said(f"{key}-check")


@pytest.fixture(scope="module")
def chromium() -> Iterator[playwright.Browser]:
    """A browser without a window."""
    with playwright.sync_playwright() as driver:
        options = [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
        ]
        browser = driver.chromium.launch(executable_path=BROWSER, args=options)
        yield browser
        browser.close()


def opened(chromium: playwright.Browser, lab: str, desk: Path, name: str) -> Iterator[Page]:
    """A notebook, open in the browser; its kernel is stopped afterwards."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    yield Page(page, lab.format(name), desk / f"{name}.ipynb")
    page.close()
    sessions = lab.partition("/lab/")[0] + "/api/sessions"
    with urllib.request.urlopen(f"{sessions}?token=pocket", timeout=60) as answer:
        running = json.load(answer)
    for session in running:
        if session["name"] == f"{name}.ipynb":
            stop = urllib.request.Request(f"{sessions}/{session['id']}?token=pocket", method="DELETE")
            urllib.request.urlopen(stop, timeout=60).close()


@pytest.fixture(scope="module")
def lesson(chromium: playwright.Browser, lab: str, desk: Path) -> Iterator[Page]:
    """Lesson 02, open in the browser."""
    yield from opened(chromium, lab, desk, LESSON)


def progress_of(desk: Path) -> str:
    """What `start.py progress` prints."""
    environment = {**os.environ, "POCKETR1_WORK": str(desk)}
    command = [sys.executable, "-m", "pocketr1", "progress"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


# The tests below are one walk, in this order.


def test_the_unsolved_lesson_runs_from_top_to_bottom_and_nothing_is_attempted(lesson: Page) -> None:
    lesson.run_all()
    for step in STEPS:
        assert "not attempted" in lesson.said(f"{step.exercise}-check").lower(), step.exercise
    errors = lesson.page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']")
    assert errors.all_inner_texts() == []


def test_the_slider_moves_from_the_keyboard_and_the_figure_changes(lesson: Page) -> None:
    cell = lesson.cell("explore")
    handle, image, twin = cell.locator(".noUi-handle").first, cell.locator("img"), cell.get_by_role("status")
    figure, sentence = image.get_attribute("src"), twin.inner_text()
    assert image.get_attribute("alt") in sentence
    handle.focus()
    lesson.page.keyboard.press("ArrowLeft")
    playwright.expect(twin).not_to_have_text(sentence, timeout=PATIENCE)
    assert image.get_attribute("src") != figure
    assert "Layer 1" in twin.inner_text()


def test_a_sentence_of_ones_own_and_a_word_the_model_does_not_know(lesson: Page) -> None:
    cell = lesson.cell("explore")
    line, twin = cell.locator("input[type=text]"), cell.get_by_role("status")
    for sentence, answer in (("cat sees dog cat", "cat"), ("cat sees unicorn", "never met 'unicorn'")):
        line.fill(sentence)
        line.press("Enter")
        playwright.expect(twin).to_contain_text(answer, timeout=PATIENCE)


def says(step: Step) -> str:
    """The sentence that the check of this exercise has for the mistake."""
    module, name = step.name.split(".")
    checks = importlib.import_module(f"pocketr1.checks.{module}").CHECKS
    return next(mistake.says for mistake in checks[name].mistakes if mistake.name == step.mistake)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.exercise)
def test_wrong_is_diagnosed_broken_is_survived_and_right_is_kept(
    lesson: Page, desk: Path, step: Step
) -> None:
    if step.wrong:
        diagnosis = lesson.hand_in(step.exercise, step.wrong)
        assert diagnosis.startswith("✗ Not yet"), diagnosis
        assert says(step) in " ".join(diagnosis.split()), diagnosis
    broken = lesson.hand_in(step.exercise, BROKEN)
    assert "✓" not in broken
    praise = lesson.hand_in(step.exercise, step.right)
    assert praise.startswith("✓"), praise
    assert (desk / "answers" / f"{step.name}.py").exists()


def test_the_rest_of_the_lesson_now_runs_on_what_was_written(lesson: Page) -> None:
    lesson.run_all()
    for step in STEPS:
        assert lesson.said(f"{step.exercise}-check").startswith("✓"), step.exercise


def test_after_a_reload_the_progress_is_still_there(lesson: Page, desk: Path) -> None:
    lesson.page.keyboard.press("Control+S")
    lesson.page.reload()
    lesson.wait_until_idle()
    lesson.run("setup")
    pieces = len(STEPS)
    assert f"{pieces} are yours and 0 on loan" in " ".join(lesson.said("setup").split())
    lesson.run("progress")
    assert f"{pieces} of {pieces}" in lesson.said("progress")
    assert f"{pieces} of {pieces}" in progress_of(desk)


def test_the_page_asked_nobody_else_for_anything(lesson: Page) -> None:
    assert lesson.strangers == []


def test_the_library_that_came_out_is_the_learners_and_runs_the_lessons_model(desk: Path) -> None:
    for step in STEPS:
        module, name = step.name.split(".")
        mine, theirs = (
            definition((folder / f"{module}.py").read_text(encoding="utf-8"), name)
            for folder in (desk / "mine", ROOT / "pocketr1")
        )
        assert mine != theirs, f"{step.name} is the reference's"
        assert mine in [ast.unparse(node) for node in ast.parse(step.right).body]
    run = """
import math, sys
from mine import attention, induction
model = induction.copying_model(layers=2, seed=0)
losses = [record.loss for record in induction.train_copying(model, steps=20, seed=0)]
print(all(math.isfinite(loss) for loss in losses), losses[-1] < losses[0])
print(attention.MultiHeadAttention.__module__, type(model.layers[0]) is attention.MultiHeadAttention)
print([name for name in sys.modules if name.split(".")[0] == "pocketr1"])
"""
    finished = subprocess.run([sys.executable, "-c", run], cwd=desk, capture_output=True, text=True)
    assert finished.stdout.splitlines() == ["True True", "mine.attention True", "[]"], finished.stderr


def definition(source: str, name: str) -> str:
    """The function or class of this name, without comments and layout."""
    nodes = ast.parse(source).body
    return next(
        ast.unparse(node)
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name
    )


# A shorter walk, through every other ready lesson.


class Notebook:
    """A lesson as its notebooks have it: what there is to run, to answer and to move."""

    def __init__(self, name: str) -> None:
        self.number = name[:2]
        self.unsolved, self.solved = (self._code(folder, name) for folder in ("notebooks", "solutions"))

    def _code(self, folder: str, name: str) -> dict[str, str]:
        cells = json.loads((ROOT / folder / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
        return {
            cell["id"].removeprefix(f"{self.number}-"): "".join(cell["source"])
            for cell in cells
            if cell["cell_type"] == "code"
        }

    @cached_property
    def keys(self) -> list[str]:
        """The keys of all cells with code, in order."""
        return list(self.unsolved)

    @cached_property
    def exercise(self) -> str:
        """The key of the first exercise."""
        return next(key for key in self.keys if f"{key}-check" in self.unsolved)

    def before(self, key: str) -> list[str]:
        return self.keys[: self.keys.index(key)]

    @cached_property
    def wrong(self) -> str:
        """The scaffold of the first exercise, of which somebody has taken the last line out."""
        return re.sub(r"raise NotImplementedError\(.*\)", "return None", self.unsolved[self.exercise])

    @cached_property
    def figures(self) -> list[str]:
        """The keys of the cells that show a figure with controls."""
        return [key for key in self.keys if re.search(r"^explore\(", self.unsolved[key], re.MULTILINE)]

    def needed_by(self, key: str) -> list[str]:
        """The earlier cells that define or fill what this one uses, and what those use."""
        wanted, needed = used_names(self.unsolved[key]), []
        for earlier in reversed(self.before(key)):
            source = self.unsolved[earlier]
            if wanted & (defined_names(source) | filled_names(source)):
                wanted = (wanted - defined_names(source)) | used_names(source)
                needed.append(earlier)
        return needed[::-1]


def used_names(source: str) -> set[str]:
    """The names that the source reads, inside functions too, and does not define itself."""
    names, tables = set(), [symtable.symtable(source, "cell", "exec")]
    whole = tables[0]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        names |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (table is whole or symbol.is_global())
        }
    return names - defined_names(source)


def defined_names(source: str) -> set[str]:
    """The names that are there when the source has run, and were perhaps not there before."""
    table = symtable.symtable(source, "cell", "exec")
    return {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}


def filled_names(source: str) -> set[str]:
    """The names of what gets an entry, as `models` does in `models["R1-Zero"] = ...`."""
    stored = [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
    ]
    return {node.id for node in stored if isinstance(node, ast.Name)}


OTHERS = [lesson.id for lesson in read_course(ROOT).lessons if lesson.ready and lesson.id != LESSON]


@pytest.mark.parametrize("name", OTHERS)
def test_a_lesson_opens_tells_wrong_from_right_and_its_figure_moves(
    chromium: playwright.Browser, lab: str, desk: Path, name: str
) -> None:
    notebook = Notebook(name)
    for page in opened(chromium, lab, desk, name):
        run = notebook.before(notebook.exercise)
        for key in run:
            page.run(key)
            assert "Traceback" not in page.said(key), key
        assert page.hand_in(notebook.exercise, notebook.wrong).startswith("✗ Not yet")
        assert page.hand_in(notebook.exercise, notebook.solved[notebook.exercise]).startswith("✓")
        for figure in notebook.figures:
            for key in [*notebook.needed_by(figure), figure]:
                if key not in run:
                    page.run(key)
                    assert "Traceback" not in page.said(key), key
            see_it_move(page, figure)
        assert page.strangers == []


def see_it_move(page: Page, key: str) -> None:
    """Move the first control, and see the figure and its sentence change."""
    cell = page.cell(key)
    image, twin = cell.locator("img"), cell.get_by_role("status")
    figure, sentence = image.get_attribute("src"), twin.inner_text()
    assert (image.get_attribute("alt") or "") in sentence
    assert "Not drawn" not in sentence, sentence
    handles, lines = cell.locator(".noUi-handle"), cell.locator("input[type=text]")
    if handles.count():
        handle = handles.first
        handle.focus()
        last = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        page.page.keyboard.press("ArrowLeft" if last else "ArrowRight")
    else:  # nothing to slide: what the last line says goes into the first
        lines.first.fill(lines.last.input_value())
        lines.first.press("Enter")
    playwright.expect(twin).not_to_have_text(sentence, timeout=PATIENCE)
    playwright.expect(image).not_to_have_attribute("src", figure or "", timeout=PATIENCE)
    assert "Not drawn" not in twin.inner_text(), twin.inner_text()
