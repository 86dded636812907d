"""Pocket R1's front door. It needs Python 3.11 or newer, and nothing else.

For learners
    python start.py                   set up what is missing, and open JupyterLab in work/
    python start.py setup             the set-up alone: packages in .venv, notebooks in work/
    python start.py progress          how far you are (in a second terminal, while JupyterLab is open)
    python start.py reset 02          lesson 02 afresh; your own copy goes to work/backups/
    python start.py reference on      run the lessons on the course's code alone (off: on yours again)

For teachers
    python start.py teach 02          minutes, common mistakes and questions for the room, of lesson 02
    python start.py show 02           open a copy of lesson 02 solved, for a projector
    python start.py collect FOLDER    the progress of many learners in one table (--lesson 02: of one lesson)
    python start.py wheelhouse DIR    collect all packages in a folder, for a room without a network: 280 MB
    python start.py --wheelhouse DIR  set up from that folder, on the same kind of machine

For contributors
    python start.py build 02          build lesson 02's notebooks (without 02: all; --check compares only)
    python start.py test              run every test (--full: the slow ones too)
    python start.py claims            what the published claims came to here
    python start.py train             train the whole story from nothing, into work/models/: 20 minutes

The packages go into .venv, beside this file, and a second start finds nothing to do. Your own notebooks,
answers and progress are in work/. The environment variable POCKETR1_WORK names another folder for them.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path

# Python 2 stops at the next line and shows it. Python 3.6 to 3.10 can read all of this file, and are told.
NEEDED: tuple = (3, 11)  # This course needs Python 3.11 or newer. Try: python3 start.py
if sys.version_info < NEEDED:
    sys.exit(f"This course needs Python 3.11 or newer, and this is Python {platform.python_version()}.")

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = ENVIRONMENT / "pocketr1-setup.json"
LOG = ENVIRONMENT / "pip.log"
LEARNER = ROOT / "requirements" / "learner.lock"
DEVELOPER = ROOT / "requirements" / "developer.lock"

OWN_COMMANDS = ("open", "setup", "show", "test", "wheelhouse")
DEVELOPERS_COMMANDS = ("test", "build", "test-notebooks")  # these need developer.lock
FIRST_PORT = 8888
DISK_NEEDED = 2_000_000_000  # bytes: 1.3 GB of packages, and room to unpack them
GIGABYTES = f"{DISK_NEEDED // 10**9} GB"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PATIENCE = 3  # seconds to wait for the CPU index

# One thread: results then repeat to the last bit, and two threads are ten times slower when one core is busy.
# The passive policy helps whoever raises the number: a thread that waits gives its core away.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "0",
}

# JupyterLab otherwise asks whether it may fetch news from the network.
NO_NEWS = {"fetchNews": "false", "checkForUpdates": False}
LAB_SETTINGS = {"@jupyterlab/apputils-extension:notification": NO_NEWS}

# After a move, the commands in .venv still point to the old folder. This writes them again, as pip does.
REWRITE_COMMANDS = """
import sys
from importlib.metadata import entry_points
from pip._vendor.distlib.scripts import ScriptMaker
maker = ScriptMaker(None, sys.argv[1])
maker.clobber, maker.variants = True, {""}
for entry in entry_points(group="console_scripts"):
    maker.make(f"{entry.name} = {entry.value}")
"""

# Ctrl-C while these modules are being imported is no error either: one line, and no traceback.
QUIETLY = """
import runpy, sys
try:
    runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
except KeyboardInterrupt:
    print("\\nStopped. To open the course again: python start.py", file=sys.stderr)
    sys.exit(130)
"""

RUNTIME_FOLDER = "from jupyter_core.paths import jupyter_runtime_dir; print(jupyter_runtime_dir())"


class Problem(Exception):
    """Something that the person in front of the screen can mend. The message is one line."""


def main(arguments: list[str]) -> int:
    """Do what was asked; return the exit code."""
    try:
        return run(arguments)
    except Problem as problem:
        print(f"start.py: {problem}", file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"start.py: not allowed to write to {error.filename}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The next start goes on from here.", file=sys.stderr)
        return 130


def run(arguments: list[str]) -> int:
    """Run one of start.py's own commands, or hand the words to the package."""
    if arguments and arguments[0][0] != "-" and arguments[0] not in OWN_COMMANDS:
        make_ready(DEVELOPER if arguments[0] in DEVELOPERS_COMMANDS else LEARNER)
        return follow([PYTHON, "-m", "pocketr1", *arguments])
    options = read(arguments)
    if options.wheelhouse:
        check_wheelhouse(options.wheelhouse)
    was_set_up = make_ready(DEVELOPER if options.command == "test" else LEARNER, options.wheelhouse)
    if options.command == "test":
        return follow([PYTHON, "tests/everything.py", *(["--full"] if options.full else [])], cwd=ROOT)
    if options.command == "wheelhouse":
        return fill_wheelhouse(Path(options.what))
    if options.command == "show":
        return show_solved(options.what, options.port, options.browser)
    if options.command == "open":
        return open_lab(options.port, options.browser)
    failed = prepare_work()
    if was_set_up and not failed:
        print(f"Your notebooks are in {work_folder()}. To open them: python start.py")
    elif not failed:
        print("Everything is set up. To open it: python start.py")
    return failed


def read(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="start.py",
        usage="python start.py [command] [options]",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs="?", default="open", choices=OWN_COMMANDS, help=argparse.SUPPRESS)
    parser.add_argument("what", nargs="?", help=argparse.SUPPRESS)  # a folder, or a lesson
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="print the address only")
    parser.add_argument("--port", type=int, help=f"JupyterLab's port (else the first free from {FIRST_PORT})")
    parser.add_argument("--wheelhouse", type=Path, metavar="DIR", help="install from this folder alone")
    parser.add_argument("--full", action="store_true", help="with test: the slow tests too")
    options = parser.parse_args(arguments)
    if options.command == "wheelhouse" and options.what is None:
        raise Problem("wheelhouse needs a folder: python start.py wheelhouse DIR")
    if options.command == "show" and options.what is None:
        raise Problem("show needs a lesson: python start.py show 02")
    if options.command not in ("wheelhouse", "show") and options.what is not None:
        raise Problem(f"`{options.command}` takes no {options.what!r}. All commands: python start.py --help")
    if options.wheelhouse and options.command in DEVELOPERS_COMMANDS:
        parser.error(f"a wheelhouse holds what learners need; `{options.command}` needs the network.")
    return options


# --- the environment -------------------------------------------------------------------------------------


def make_ready(lock: Path, wheelhouse: Path | None = None) -> bool:
    """Make the environment hold what `lock` names, and the course's package. Return False if it did already.

    Each step says what it does and about how long it takes: where no terminal shows pip's progress, these
    lines are all that there is to see.
    """
    wanted = stamp(lock)
    complete = wanted.items() <= read_stamp().items()
    if complete and (finds_package() or mend()):
        return False
    tell("Setting up the course in .venv. The first time takes a few minutes, with a slow network longer.")
    if not succeeds(PYTHON, "-m", "pip", "--version"):
        tell("Making .venv: about ten seconds.")
        make_environment()
    STAMP.unlink(missing_ok=True)
    if wheelhouse is None:
        fetch_cpu_torch("install")
    whence = f"from {wheelhouse}" if wheelhouse else "fetched from the network"
    tell(f"Installing JupyterLab and all other packages, {whence}: up to five minutes on a slow machine.")
    pip("install", "--requirement", lock, wheelhouse=wheelhouse)
    tell("Installing the course itself: some seconds.")
    pip(*PACKAGE)
    settings = ENVIRONMENT / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps(LAB_SETTINGS), encoding="utf-8")
    STAMP.write_text(json.dumps(wanted), encoding="utf-8")
    tell("The set-up is complete.")
    return True


def tell(sentence: str) -> None:
    """Print a sentence at once, also where the output goes into a file."""
    print(sentence, flush=True)


def stamp(lock: Path) -> dict[str, str]:
    """Say what an environment is made from: the digest of each file that decides on it."""
    files = [ROOT / "pyproject.toml", LEARNER] + ([DEVELOPER] if lock == DEVELOPER else [])
    return {file.name: digest(file) for file in files}


def digest(file: Path) -> str:
    """SHA-256 of a text file, the same with either kind of line ending."""
    return hashlib.sha256(file.read_text(encoding="utf-8").encode()).hexdigest()


def read_stamp() -> dict[str, str]:
    """What the environment was made from. Nothing, if it is missing or its making was cut short."""
    try:
        return dict(json.loads(STAMP.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def finds_package() -> bool:
    """Whether the environment's Python finds this folder's package. It does not after a move."""
    look = "import os, sys, pocketr1; sys.exit(not os.path.samefile(pocketr1.__path__[0], sys.argv[1]))"
    return succeeds(PYTHON, "-I", "-c", look, ROOT / "pocketr1")


def mend() -> bool:
    """Repair an environment whose folder was moved, without a network. False if a set-up is needed."""
    tell("This folder was moved, or Python was: mending .venv. About ten seconds.")
    return (
        succeeds(PYTHON, "-m", "pip", "--version")
        and succeeds(PYTHON, "-m", "venv", "--without-pip", ENVIRONMENT)
        and succeeds(PYTHON, "-c", REWRITE_COMMANDS, PYTHON.parent)
        and succeeds(PYTHON, "-m", "pip", *PACKAGE)
        and finds_package()
    )


def make_environment() -> None:
    """Make .venv anew, with the Python that runs this file."""
    free = shutil.disk_usage(ROOT).free
    if free < DISK_NEEDED:
        raise Problem(f"the disk has {free / 1e9:.1f} GB left, in {ROOT}. The set-up needs {GIGABYTES}.")
    base = getattr(sys, "_base_executable", sys.executable)  # not an environment that happens to be active
    made = subprocess.run([base, "-m", "venv", "--clear", ENVIRONMENT], capture_output=True, text=True)
    if made.returncode == 0:
        return
    if "ensurepip" in made.stdout:
        raise Problem("Python's venv module is missing. On Debian and Ubuntu: sudo apt install python3-venv")
    raise Problem(f"could not make .venv: {(made.stderr or made.stdout).strip().splitlines()[-1]}")


# --- pip -------------------------------------------------------------------------------------------------

# The build backend comes from learner.lock, so this needs no network.
PACKAGE = ("install", "--no-deps", "--no-build-isolation", "--editable", ROOT)

NO_NETWORK = (
    "Failed to establish a new connection",
    "Failed to resolve",
    "NewConnectionError",
    "NameResolutionError",
    "ConnectTimeoutError",
    "ProxyError",
    "Network is unreachable",
)


def pip(*arguments: str | Path, wheelhouse: Path | None = None) -> None:
    """Run the environment's pip. What it writes goes into a log, and a failure is explained from it."""
    command: list[str | Path] = [PYTHON, "-m", "pip", "--disable-pip-version-check", *arguments]
    settings = {**os.environ, "PIP_USER": "0", "PYTHONUTF8": "1"}
    if wheelhouse:
        command += ["--no-index", "--find-links", wheelhouse.resolve()]
        # Whatever indexes this machine's pip knows, it must not look for them.
        settings = {name: value for name, value in settings.items() if not name.startswith("PIP_")}
        settings["PIP_CONFIG_FILE"] = os.devnull
    with open(LOG, "w", encoding="utf-8") as log:
        with subprocess.Popen(command, env=settings, **PIPED) as process:
            for line in process.stdout or ():
                log.write(line)
                show_passing(line.strip())
        show_passing("")
    if process.returncode != 0:
        raise Problem(explain(LOG.read_text(encoding="utf-8")))


def show_passing(line: str) -> None:
    """Show a line in the place of the one before, on a screen. A file gets none of them."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{line[:width]:<{width}}\r", end="", flush=True)


def explain(log: str) -> str:
    """Say in one line why pip failed."""
    if "No space left on device" in log or "not enough space" in log:
        return f"the disk is full. The set-up needs {GIGABYTES}, in {ROOT} and in the temporary folder."
    if any(sign in log for sign in NO_NETWORK):
        return "no network: pip cannot reach its package index. Connect, or use --wheelhouse DIR."
    if "No matching distribution found for torch" in log:
        machine = " ".join(this_machine().values())
        return f"there is no PyTorch wheel for this machine ({machine}). Python 3.11 to 3.13 usually has one."
    last = next((line for line in log.splitlines()[::-1] if line.startswith("ERROR:")), "it gave no reason")
    return f"pip failed: {last.removeprefix('ERROR: ')} (all that it said is in {LOG})"


def fetch_cpu_torch(*action: str | Path) -> None:
    """Get PyTorch without its gigabytes of GPU libraries, which are what pip's usual index has for Linux."""
    if platform.system() != "Linux" or shutil.which("nvidia-smi"):
        return
    pins = LEARNER.read_text(encoding="utf-8").split()
    torch = next(pin for pin in pins if pin.startswith("torch=="))
    try:
        urllib.request.urlopen(urllib.request.Request(CPU_INDEX, method="HEAD"), timeout=PATIENCE).close()
        tell("Fetching PyTorch, about 200 MB: up to five minutes on a slow machine.")
        pip(*action, "--no-deps", "--index-url", CPU_INDEX, torch)
    except (OSError, Problem):
        tell(
            "PyTorch's own server is out of reach. You need to do nothing: PyTorch comes with the other "
            "packages. It may be the far larger build for GPUs, of some gigabytes: it works as well, and "
            "takes longer to fetch."
        )


# --- a room without a network ----------------------------------------------------------------------------


def fill_wheelhouse(folder: Path) -> int:
    """Collect in `folder` all that a learner's set-up installs, with a manifest of whom it is for."""
    folder.mkdir(parents=True, exist_ok=True)
    tell(f"Collecting all that a learner's set-up installs, PyTorch and JupyterLab included, in {folder}.")
    tell("That is about 280 MB, and takes some minutes.")
    fetch_cpu_torch("wheel", "--wheel-dir", folder)
    pip("wheel", "--requirement", LEARNER, "--find-links", folder, "--wheel-dir", folder)
    wheels = {wheel.name: wheel.stat().st_size for wheel in sorted(folder.glob("*.whl"))}
    manifest = {"machine": this_machine(), LEARNER.name: digest(LEARNER), "wheels": wheels}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    print(f'{len(wheels)} wheels are in {folder}. On each laptop: python start.py --wheelhouse "{folder}"')
    return 0


def this_machine() -> dict[str, str]:
    """What wheels depend on."""
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    return {"system": platform.system(), "processor": platform.machine(), "python": python}


def check_wheelhouse(folder: Path) -> None:
    """Refuse a wheelhouse that was made for another machine or another course, or was copied in part."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Problem(f"{folder} is no wheelhouse: it has no readable manifest.json.") from None
    if manifest["machine"] != this_machine():
        made_for, here = (" ".join(machine.values()) for machine in (manifest["machine"], this_machine()))
        raise Problem(f"this wheelhouse is for {made_for}, and this is {here}.")
    if manifest[LEARNER.name] != digest(LEARNER):
        raise Problem("this wheelhouse was made for another version of the course. Make it again.")
    for name, size in manifest["wheels"].items():
        if not (folder / name).exists() or (folder / name).stat().st_size != size:
            raise Problem(f"this wheelhouse is not complete: copy {name} again.")


# --- JupyterLab ------------------------------------------------------------------------------------------


def open_lab(port: int | None, browser: bool) -> int:
    """Copy what is new into the work folder and start JupyterLab in it. Return when JupyterLab ends."""
    if say_if_running("lab"):
        return 0
    port = free_port(port)
    failed = prepare_work()
    if failed:
        return failed
    lessons = sorted(path.name for path in work_folder().glob("*.ipynb"))
    first_time = not open_tabs().exists()
    return start_lab(port, browser, f"lab/tree/{lessons[0]}" if lessons and first_time else None)


def show_solved(lesson: str, port: int | None, browser: bool) -> int:
    """Open a fresh copy of a solved notebook, in a work folder of its own.

    Its checks then record nothing in the learner's folder, and solutions/ is never written to.
    """
    number = lesson[:2].zfill(2)
    solved = {path.name[:2]: path for path in sorted((ROOT / "solutions").glob("[0-9][0-9]_*.ipynb"))}
    if number not in solved:
        raise Problem(f"there is no solved notebook of lesson {lesson}. There are {', '.join(solved)}.")
    name = solved[number].name
    os.environ["POCKETR1_WORK"] = str(work_folder() / "solved")
    work_folder().mkdir(parents=True, exist_ok=True)
    shutil.copyfile(solved[number], work_folder() / name)
    tell(f"A fresh copy of the solved notebook is {work_folder() / name}. The next `show` replaces it.")
    if say_if_running(f"lab/tree/{name}"):
        return 0
    return start_lab(free_port(port), browser, f"lab/tree/{name}")


def start_lab(port: int, browser: bool, page: str | None) -> int:
    """Start JupyterLab in the work folder, at a page or with the tabs that were open. Return when it ends."""
    command: list[str | Path] = [PYTHON, "-c", QUIETLY, "jupyterlab", "--log-level=WARN"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # JupyterLab asks for this from root, and root alone
    if page:
        command.append(f"--LabApp.default_url=/{page}")
    tell("JupyterLab is starting. Leave this window open; Ctrl-C here ends it.")
    return follow(command, cwd=work_folder())


def prepare_work() -> int:
    """Copy what is new into the work folder. Return the exit code."""
    return follow([PYTHON, "-c", QUIETLY, "pocketr1", "prepare"])


def say_if_running(page: str) -> bool:
    """If a JupyterLab runs in this work folder already, say at which address `page` is there."""
    for server in servers():
        if same_folder(server.get("root_dir"), work_folder()) and answers(server):
            token = f"?token={server['token']}" if server.get("token") else ""
            tell(f"JupyterLab is already running at {server['url']}{page}{token}: open that.")
            return True
    return False


def servers() -> list[dict]:
    """What Jupyter's servers wrote about themselves when they started. Some may have ended since."""
    asked = subprocess.run([PYTHON, "-c", RUNTIME_FOLDER], capture_output=True, encoding="utf-8")
    found = []
    for file in sorted(Path(asked.stdout.strip() or os.devnull).glob("jpserver-*.json")):
        try:
            server = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # it is being written, or belongs to somebody else
        if isinstance(server, dict) and server.get("url"):
            found.append(server)
    return found


def same_folder(one: str | None, other: Path) -> bool:
    """Whether both are the same folder, and it is there."""
    try:
        return bool(one) and os.path.samefile(str(one), other)
    except OSError:
        return False


def answers(server: dict) -> bool:
    """Whether the server is still there: a file may outlive it, and another program may have its port."""
    request = urllib.request.Request(f"{server['url']}api/status")
    request.add_header("Authorization", f"token {server.get('token', '')}")
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=PATIENCE) as answer:
            return "kernels" in json.loads(answer.read())
    except (OSError, ValueError):
        return False


def free_port(asked: int | None) -> int:
    """The port that was asked for, or else the first free one. A port that was asked for is not replaced."""
    for port in [asked] if asked is not None else range(FIRST_PORT, FIRST_PORT + 100):
        try:
            with socket.create_server(("127.0.0.1", port)):
                break
        except (OSError, OverflowError):
            continue
    else:
        if asked is None:
            raise Problem(f"no port from {FIRST_PORT} to {FIRST_PORT + 99} is free. Choose one with --port.")
        raise Problem(f"port {asked} is taken or not allowed. Choose another, or leave --port out.")
    if asked is None and port != FIRST_PORT:
        tell(f"{FIRST_PORT} is taken: using {port}.")
    return port


def work_folder() -> Path:
    """Where the learner's own notebooks, answers and progress are."""
    return Path(os.environ.get("POCKETR1_WORK") or ROOT / "work").resolve()


def open_tabs() -> Path:
    """Where JupyterLab remembers which tabs were open. Those of other projects are elsewhere."""
    return work_folder() / ".lab"


# --- running things --------------------------------------------------------------------------------------

QUIET: dict = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
PIPED: dict = {
    "stdout": subprocess.PIPE,
    "stderr": subprocess.STDOUT,
    "encoding": "utf-8",
    "errors": "replace",
}


def succeeds(*command: str | Path) -> bool:
    """Run a command without showing it; say whether it ended well."""
    try:
        return subprocess.run(command, **QUIET).returncode == 0
    except OSError:
        return False


def follow(command: Sequence[str | Path], cwd: Path | None = None) -> int:
    """Run a command in the front, in the course's surroundings, until it ends. Return its exit code."""
    surroundings = {**os.environ, **ONE_THREAD, "POCKETR1_WORK": str(work_folder()), "PYTHONUTF8": "1"}
    surroundings["JUPYTERLAB_WORKSPACES_DIR"] = str(open_tabs())
    with subprocess.Popen(command, cwd=cwd, env=surroundings) as process:
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                pass  # the command hears Ctrl-C too, and answers it: JupyterLab asks whether to stop


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
