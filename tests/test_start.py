"""start.py's decisions, in a folder of its own, with pip, venv and JupyterLab played by stand-ins.

One slow test makes a real environment, in a folder whose name has a space and an accent.
"""

from __future__ import annotations

import ast
import http.server
import io
import json
import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import load_start

ROOT = Path(__file__).resolve().parent.parent
PREPARE = "pocketr1 prepare"


class Course:
    """A copy of start.py in an empty course, and a note of what it set going."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "requirements", folder / "requirements")
        for name in ("start.py", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)
        self.start = load_start(folder)
        self.done: list[str] = []
        self.moved = False
        monkeypatch.setattr(self.start, "make_environment", self.make_environment)
        monkeypatch.setattr(self.start, "fetch_cpu_torch", lambda *action: None)
        monkeypatch.setattr(self.start, "succeeds", lambda *command: self.start.PYTHON.exists())
        monkeypatch.setattr(self.start, "finds_package", lambda: not self.moved)
        monkeypatch.setattr(self.start, "pip", self.pip)
        monkeypatch.setattr(self.start, "follow", self.follow)
        monkeypatch.setattr(self.start, "servers", lambda: self.servers)
        self.servers: list[dict[str, str]] = []

    def make_environment(self) -> None:
        self.done.append("venv")
        self.start.PYTHON.parent.mkdir(parents=True)
        self.start.PYTHON.touch()

    def pip(self, *arguments: str | Path, wheelhouse: Path | None = None) -> None:
        self.done += [Path(word).name for word in arguments if str(word).endswith(".lock")]
        self.done += ["package"] if "--editable" in arguments else []
        self.done += ["wheelhouse"] if wheelhouse else []

    def follow(self, command: list[str | Path], cwd: Path | None = None) -> int:
        quietly = self.start.QUIETLY in command
        self.done.append(" ".join(map(str, command[3 if quietly else 1 :])))
        return 0

    def does(self, *arguments: str) -> list[str]:
        """Run start.py to a good end; return what it set going."""
        self.done = []
        assert self.start.main(list(arguments)) == 0
        return self.done


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    folder = tmp_path / "a course"
    folder.mkdir()
    return Course(folder, monkeypatch)


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that was written to stderr."""
    (line,) = capsys.readouterr().err.splitlines()
    return line


# --- which Python ----------------------------------------------------------------------------------------


def test_python_3_6_can_read_the_file() -> None:
    ast.parse((ROOT / "start.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_an_older_python_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    with pytest.raises(
        SystemExit, match=r"^This course needs Python 3\.11 or newer, and this is Python .+\.$"
    ):
        runpy.run_path(str(ROOT / "start.py"))


def test_python_2_stops_at_a_line_that_says_what_is_needed() -> None:
    """Python 2 shows the first line that it cannot read."""
    source = (ROOT / "start.py").read_text(encoding="ascii")  # it cannot read any other, either
    new = (ast.AnnAssign, ast.JoinedStr, ast.arg)
    unreadable = [node for node in ast.walk(ast.parse(source)) if isinstance(node, new)]
    first = min(node.lineno for node in unreadable)
    assert "needs Python 3.11 or newer" in source.splitlines()[first - 1]


def test_the_help_is_sorted_by_who_needs_it(start: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        start.main(["--help"])
    said = capsys.readouterr().out
    heads = [said.index(f"For {who}\n") for who in ("learners", "teachers", "contributors")]
    assert heads == sorted(heads)
    learners = said[heads[0] : heads[1]]
    assert "progress" in learners and "reset" in learners and "build" not in learners


# --- when something is set up ----------------------------------------------------------------------------


def test_the_first_start_sets_up_everything_once(course: Course) -> None:
    assert course.does("setup") == ["venv", "learner.lock", "package", PREPARE]
    assert course.does("setup") == [PREPARE]


def test_a_set_up_says_what_it_does_and_where_the_notebooks_are(
    course: Course, capsys: pytest.CaptureFixture[str], work: Path
) -> None:
    """Where no terminal shows pip's progress, these lines are all that there is to see."""
    course.does("setup")
    said = capsys.readouterr().out.splitlines()
    firsts = [line.split()[0] for line in said]
    assert firsts == ["Setting", "Making", "Installing", "Installing", "The", "Your"]
    assert all(re.search(r"seconds|minutes", line) for line in said[:4])
    assert str(work) in said[-1] and "python start.py" in said[-1]
    course.does("setup")
    assert capsys.readouterr().out == "Everything is set up. To open it: python start.py\n"


def test_testing_adds_the_developers_pins_and_a_later_start_leaves_them(course: Course) -> None:
    course.does("setup")
    assert course.does("test", "--full") == ["developer.lock", "package", "tests/everything.py --full"]
    assert course.does("test") == ["tests/everything.py"]
    assert course.does("setup") == [PREPARE]


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements/learner.lock"])
def test_a_change_of_what_is_needed_is_installed_into_the_same_environment(course: Course, name: str) -> None:
    course.does("setup")
    with open(course.folder / name, "a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert course.does("setup") == ["learner.lock", "package", PREPARE]


def test_line_endings_are_no_change(course: Course) -> None:
    course.does("setup")
    lock = course.folder / "requirements" / "learner.lock"
    lock.write_bytes(lock.read_bytes().replace(b"\n", b"\r\n"))
    assert course.does("setup") == [PREPARE]


def test_a_set_up_that_was_cut_short_is_done_again(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: str | Path, wheelhouse: Path | None = None) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(course.start, "pip", stop)
        assert course.start.main(["setup"]) == 130
    assert course.does("setup") == ["learner.lock", "package", PREPARE]


def test_an_update_that_was_cut_short_is_not_taken_for_done(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    course.does("setup")
    old = (course.folder / "pyproject.toml").read_text(encoding="utf-8")
    (course.folder / "pyproject.toml").write_text(old + "# changed\n", encoding="utf-8")

    def fail(*arguments: str | Path, wheelhouse: Path | None = None) -> None:
        raise course.start.Problem("no network")

    with monkeypatch.context() as patch:
        patch.setattr(course.start, "pip", fail)
        assert course.start.main(["setup"]) == 1
    (course.folder / "pyproject.toml").write_text(old, encoding="utf-8")
    assert course.does("setup") == ["learner.lock", "package", PREPARE]


def test_a_moved_folder_is_mended_without_pip_s_indexes(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    course.does("setup")
    course.moved = True
    commands: list[tuple[str | Path, ...]] = []

    def succeeds(*command: str | Path) -> bool:
        commands.append(command)
        course.moved = "--editable" not in command
        return True

    monkeypatch.setattr(course.start, "succeeds", succeeds)
    assert course.does("setup") == [PREPARE]
    assert commands[-1][-1] == course.folder
    assert "--no-build-isolation" in commands[-1] and "--no-deps" in commands[-1]


def test_a_moved_folder_that_cannot_be_mended_is_set_up_again(course: Course) -> None:
    course.does("setup")
    course.moved = True
    shutil.rmtree(course.start.PYTHON.parent)  # such as a Python that was removed
    assert course.does("setup") == ["venv", "learner.lock", "package", PREPARE]


def test_jupyterlab_is_told_not_to_ask_for_news(course: Course) -> None:
    course.does("setup")
    settings = course.folder / ".venv" / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    assert json.loads(settings.read_text(encoding="utf-8")) == course.start.LAB_SETTINGS


# --- what is run -----------------------------------------------------------------------------------------


def test_other_words_go_to_the_package(course: Course) -> None:
    course.does("setup")
    assert course.does("progress") == ["-m pocketr1 progress"]
    assert course.does("reset", "02") == ["-m pocketr1 reset 02"]
    assert course.does("claims", "--seed", "3") == ["-m pocketr1 claims --seed 3"]


def test_building_needs_the_developers_pins(course: Course) -> None:
    assert course.does("build", "--check") == [
        "venv",
        "developer.lock",
        "package",
        "-m pocketr1 build --check",
    ]


def test_a_start_prepares_the_work_folder_and_opens_the_first_lesson(course: Course, work: Path) -> None:
    course.does("setup")
    work.mkdir()
    for name in ("02_attention.ipynb", "00_welcome.ipynb"):
        (work / name).touch()
    prepared, lab = course.does("--no-browser", "--port", str(unused_port()))
    assert prepared == PREPARE
    assert lab.startswith("jupyterlab ") and lab.endswith("/lab/tree/00_welcome.ipynb")
    assert "--no-browser" in lab
    assert ("--allow-root" in lab) == (hasattr(os, "geteuid") and os.geteuid() == 0)


def test_a_later_start_opens_the_tabs_that_were_open(course: Course, work: Path) -> None:
    course.does("setup")
    (work / ".lab").mkdir(parents=True)
    (work / "00_welcome.ipynb").touch()
    assert "00_welcome" not in course.does()[-1]


def test_a_command_runs_with_one_thread_and_in_the_work_folder_s_name(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    monkeypatch.setenv("POCKETR1_WORK", "désk")
    monkeypatch.chdir(tmp_path)
    show = "import json, os, sys; print(json.dumps(dict(os.environ))); sys.exit(7)"
    assert start.follow([sys.executable, "-c", show]) == 7
    seen = json.loads(capfd.readouterr().out)
    assert start.ONE_THREAD.items() <= seen.items()
    assert seen["OMP_WAIT_POLICY"] == "PASSIVE" and seen["GOMP_SPINCOUNT"] == "0"
    assert seen["POCKETR1_WORK"] == str(tmp_path / "désk")  # not relative: kernels run in another folder


@pytest.fixture
def server(course: Course, work: Path) -> Iterator[dict[str, str]]:
    """What a Jupyter server in the work folder wrote about itself, and a stand-in that answers like it."""

    class Status(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/api/status" and self.headers["Authorization"] == "token secret"
            self.send_response(200 if known else 403)
            self.end_headers()
            self.wfile.write(b'{"kernels": 0}' if known else b"{}")

        def log_message(self, *words: object) -> None:
            pass

    course.does("setup")
    work.mkdir()
    with http.server.HTTPServer(("127.0.0.1", 0), Status) as stand_in:
        threading.Thread(target=stand_in.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{stand_in.server_port}/"
        course.servers = [{"url": url, "root_dir": str(work), "token": "secret"}]
        yield course.servers[0]
        stand_in.shutdown()


def test_a_second_start_says_where_the_first_is(
    course: Course, server: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert course.does() == []
    address = f"{server['url']}lab?token=secret"
    assert capsys.readouterr().out == f"JupyterLab is already running at {address}: open that.\n"


@pytest.mark.parametrize("change", [{"root_dir": "/"}, {"token": "another"}, {"url": "http://127.0.0.1:1/"}])
def test_a_server_of_another_folder_or_one_that_ended_is_not_taken_for_it(
    course: Course, server: dict[str, str], change: dict[str, str]
) -> None:
    server.update(change)
    assert "jupyterlab" in course.does()[-1]


def test_servers_are_read_from_what_they_wrote(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(start, "PYTHON", sys.executable)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "jpserver-1.json").write_text('{"url": "http://localhost:1/"}', encoding="utf-8")
    (tmp_path / "jpserver-2.json").write_text('{"url": ', encoding="utf-8")
    (tmp_path / "kernel-3.json").write_text("{}", encoding="utf-8")
    assert start.servers() == [{"url": "http://localhost:1/"}]


def test_a_solved_notebook_is_shown_as_a_fresh_copy_with_a_work_folder_of_its_own(
    course: Course, work: Path
) -> None:
    course.does("setup")
    solutions = course.folder / "solutions"
    solutions.mkdir()
    (solutions / "02_attention.ipynb").write_text("solved", encoding="utf-8")
    for _ in range(2):
        os.environ["POCKETR1_WORK"] = str(work)
        (lab,) = course.does("show", "2", "--no-browser")
        assert lab.endswith("--LabApp.default_url=/lab/tree/02_attention.ipynb")
        assert course.start.work_folder() == work / "solved"
        copy = work / "solved" / "02_attention.ipynb"
        assert copy.read_text(encoding="utf-8") == "solved"
        copy.write_text("changed", encoding="utf-8")
    assert (solutions / "02_attention.ipynb").read_text(encoding="utf-8") == "solved"


def test_a_stop_while_a_module_is_imported_is_one_line(start: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("raise KeyboardInterrupt", encoding="utf-8")
    command = [sys.executable, "-c", start.QUIETLY, "slow", "--option"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8")
    assert done.returncode == 130
    assert done.stderr == "\nStopped. To open the course again: python start.py\n"


# --- one clear line --------------------------------------------------------------------------------------


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_taken_port_that_was_asked_for_is_refused(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    course.does("setup")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert course.start.main(["--port", str(port)]) == 1
    assert f"port {port} is taken" in one_line(capsys)
    assert "jupyterlab" not in " ".join(course.done)


def test_without_a_wish_the_next_free_port_is_used(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(start, "FIRST_PORT", server.getsockname()[1])
        port = start.free_port(None)
    assert start.FIRST_PORT < port < start.FIRST_PORT + 100
    assert capsys.readouterr().out == f"{start.FIRST_PORT} is taken: using {port}.\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["wheelhouse"], "wheelhouse needs a folder: python start.py wheelhouse DIR"),
        (["show"], "show needs a lesson: python start.py show 02"),
        (["show", "77"], "there is no solved notebook of lesson 77"),
        (["setup", "02"], "`setup` takes no '02'"),
    ],
)
def test_words_that_make_no_sense_are_answered_in_one_line(
    course: Course, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    course.does("setup")
    assert course.start.main(words) == 1
    assert says in one_line(capsys)


NO_ROOM = "ERROR: Could not install packages due to an OSError: "
PIP_SAID = {
    NO_ROOM + "[Errno 28] No space left on device": "disk is full",
    NO_ROOM + "[WinError 112] There is not enough space on the disk": "disk is full",
    "WARNING: Retrying (Retry(total=4, ...)) after connection broken by 'NewConnectionError(': Failed to "
    "establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/anyio/\n"
    "ERROR: No matching distribution found for anyio==4.16.0": "no network",
    "ERROR: Could not find a version that satisfies the requirement torch==2.13.0\n"
    "ERROR: No matching distribution found for torch==2.13.0": "no PyTorch wheel for this machine",
    "ERROR: Something else went wrong\n": "Something else went wrong",
    "": "it gave no reason",
}


@pytest.mark.parametrize("said", PIP_SAID)
def test_pip_s_failure_is_explained_in_one_line(start: ModuleType, said: str) -> None:
    explained = start.explain(said)
    assert PIP_SAID[said] in explained and "\n" not in explained


def test_a_full_disk_is_seen_before_anything_is_made(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10**12, 10**12, 3 * 10**8))
    with pytest.raises(start.Problem, match=r"^the disk has 0\.3 GB left, in .+ needs 2 GB\.$"):
        start.make_environment()


def test_a_missing_venv_module_is_named(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "The virtual environment was not created successfully because ensurepip is not\navailable.\n"
    made = subprocess.CompletedProcess([], 1, stdout=said, stderr="")
    monkeypatch.setattr(subprocess, "run", lambda *command, **how: made)
    with pytest.raises(start.Problem, match="apt install python3-venv"):
        start.make_environment()


def test_a_folder_that_may_not_be_written_to_is_named(
    course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise PermissionError(13, "Permission denied", "/somewhere/.venv")

    monkeypatch.setattr(course.start, "make_environment", refuse)
    assert course.start.main(["setup"]) == 1
    assert one_line(capsys) == "start.py: not allowed to write to /somewhere/.venv."


# --- wheels ----------------------------------------------------------------------------------------------


@pytest.fixture
def wheelhouse(course: Course, tmp_path: Path) -> Path:
    folder = tmp_path / "wheels on a stick"
    folder.mkdir()
    (folder / "torch-2.13.0.whl").write_bytes(b"wheel")
    course.does("wheelhouse", str(folder))
    return folder


def change_manifest(folder: Path, **values: object) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps({**manifest, **values}), encoding="utf-8")


def refusal(course: Course, wheelhouse: Path, capsys: pytest.CaptureFixture[str]) -> str:
    course.done = []
    capsys.readouterr()
    assert course.start.main(["--wheelhouse", str(wheelhouse), "setup"]) == 1
    assert course.done == []
    return one_line(capsys)


def test_a_wheelhouse_is_used(course: Course, wheelhouse: Path) -> None:
    shutil.rmtree(course.folder / ".venv")
    assert course.does("--wheelhouse", str(wheelhouse), "setup") == [
        "venv",
        "learner.lock",
        "wheelhouse",
        "package",
        PREPARE,
    ]


def test_a_wheelhouse_of_another_machine_is_refused(
    course: Course, wheelhouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change_manifest(wheelhouse, machine={"system": "Plan 9", "processor": "mips", "python": "Python 3.11"})
    assert "is for Plan 9 mips Python 3.11, and this is " in refusal(course, wheelhouse, capsys)


def test_a_wheelhouse_of_another_python_is_refused(
    course: Course, wheelhouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change_manifest(wheelhouse, machine={**course.start.this_machine(), "python": "Python 3.99"})
    assert "Python 3.99, and this is" in refusal(course, wheelhouse, capsys)


def test_a_wheelhouse_of_an_older_course_is_refused(
    course: Course, wheelhouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change_manifest(wheelhouse, **{"learner.lock": "0" * 64})
    assert "another version of the course" in refusal(course, wheelhouse, capsys)


@pytest.mark.parametrize("content", [None, b"whe"], ids=["missing", "cut short"])
def test_a_wheelhouse_that_was_copied_in_part_is_refused(
    course: Course, wheelhouse: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    wheel = wheelhouse / "torch-2.13.0.whl"
    wheel.unlink()
    if content:
        wheel.write_bytes(content)
    assert "copy torch-2.13.0.whl again" in refusal(course, wheelhouse, capsys)


def test_a_folder_that_is_no_wheelhouse_is_refused(
    course: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is no wheelhouse" in refusal(course, tmp_path, capsys)


def test_from_a_wheelhouse_pip_asks_no_index(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(start, "PYTHON", sys.executable)
    monkeypatch.setattr(start, "LOG", tmp_path / "pip.log")
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.invalid/simple")
    with pytest.raises(start.Problem):
        start.pip("download", "pocketr1-no-such-package", wheelhouse=tmp_path)
    said = (tmp_path / "pip.log").read_text(encoding="utf-8")
    assert f"Looking in links: {tmp_path}" in said and "Looking in indexes" not in said


# --- PyTorch's CPU wheels --------------------------------------------------------------------------------


@pytest.fixture
def asked(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str | Path, ...]]:
    """What pip was asked for, on Linux without a GPU and with PyTorch's own index in reach."""
    calls: list[tuple[str | Path, ...]] = []
    monkeypatch.setattr(start.platform, "system", lambda: "Linux")
    monkeypatch.setattr(start.shutil, "which", lambda name: None)
    monkeypatch.setattr(start.urllib.request, "urlopen", lambda *request, **how: io.BytesIO())
    monkeypatch.setattr(start, "pip", lambda *arguments: calls.append(arguments))
    return calls


def test_without_a_gpu_pytorch_comes_from_its_cpu_index(
    start: ModuleType, asked: list[tuple[str | Path, ...]]
) -> None:
    start.fetch_cpu_torch("install")
    assert asked == [("install", "--no-deps", "--index-url", start.CPU_INDEX, "torch==2.13.0")]


def test_with_a_gpu_or_on_another_system_pip_s_own_index_has_the_right_wheel(
    start: ModuleType, asked: list[tuple[str | Path, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(start.shutil, "which", lambda name: f"/usr/bin/{name}")
        start.fetch_cpu_torch("install")
    with monkeypatch.context() as patch:
        patch.setattr(start.platform, "system", lambda: "Darwin")
        start.fetch_cpu_torch("install")
    assert asked == []


def test_when_the_cpu_index_is_out_of_reach_the_set_up_goes_on(
    start: ModuleType,
    asked: list[tuple[str | Path, ...]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def out_of_reach(request: object, timeout: float) -> None:
        assert timeout <= 5
        raise OSError("no route")

    monkeypatch.setattr(start.urllib.request, "urlopen", out_of_reach)
    start.fetch_cpu_torch("install")
    assert asked == []
    said = capsys.readouterr().out
    assert "out of reach" in said and "You need to do nothing" in said


# --- for real --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_real_set_up_a_second_start_and_a_move(tmp_path: Path, work: Path) -> None:
    """Minutes: it installs everything, and needs what pip needs."""
    there, later = tmp_path / "a path é", tmp_path / "moved ü"
    kept = shutil.ignore_patterns(".*", "work", "__pycache__")
    shutil.copytree(ROOT, there, ignore=kept)

    def setup(folder: Path) -> tuple[str, float]:
        begin = time.monotonic()
        command = [sys.executable, "start.py", "setup"]
        done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=True)
        return done.stdout, time.monotonic() - begin

    assert "complete" in setup(there)[0]
    assert (work / "00_welcome.ipynb").exists()
    assert min(setup(there)[1] for _ in range(3)) < 2
    assert "Everything is set up" in setup(there)[0]
    there.rename(later)
    assert "mending" in setup(later)[0]
    assert "Everything is set up" in setup(later)[0]
