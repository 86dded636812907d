"""A learner's way through lesson 02, in a real browser: JupyterLab, driven by Playwright, in Chromium.

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
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

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
            yield f"http://127.0.0.1:{port}/lab/tree/{{}}.ipynb?token=pocket"
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
        return self.page.locator(".jp-Notebook .jp-Cell").nth(self.places[f"{LESSON[:2]}-{key}"])

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
def lesson(lab: str, desk: Path) -> Iterator[Page]:
    """Lesson 02, open in the browser."""
    with playwright.sync_playwright() as driver:
        options = [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
        ]
        chromium = driver.chromium.launch(executable_path=BROWSER, args=options)
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        yield Page(page, lab.format(LESSON), desk / f"{LESSON}.ipynb")
        chromium.close()


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
