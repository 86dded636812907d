"""The course's commands: `python -m pocketr1 COMMAND`. `python start.py COMMAND` passes them on.

To add a command, write a function that takes the parsed arguments and returns an exit code, and add it to
`_parser` under the people whom it is for. What a command needs is imported inside its function, so that
`prepare` and `progress` stay quick.
"""

import argparse
import difflib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .workbook.course import CourseError

Arguments = argparse.Namespace


def build(arguments: Arguments) -> int:
    """Build notebooks and solutions, or compare them with their sources."""
    from .workbook import build as builder

    if arguments.check:
        return _report(
            builder.check(names=arguments.lessons), "notebooks and solutions are those of the sources"
        )
    for sentence in builder.build(names=arguments.lessons):
        print(sentence, flush=True)
    return 0


def prepare(arguments: Arguments) -> int:
    """Copy the notebooks into the learner's folder, and bring them up to date."""
    from .workbook import desk

    for message in desk.prepare():
        print(message)
    return 0


def reset(arguments: Arguments) -> int:
    """Put one notebook back as the course has it."""
    from .workbook import desk

    print(desk.reset(arguments.lesson))
    return 0


def progress(arguments: Arguments) -> int:
    """Print the table of progress."""
    from .workbook.journal import table

    print(table())
    return 0


def teach(arguments: Arguments) -> int:
    """Print what a teacher needs to know of a lesson: minutes, common mistakes, questions for the room."""
    from .workbook.teaching import guide

    print(guide(arguments.lesson))
    return 0


def collect(arguments: Arguments) -> int:
    """Print the progress of many learners: who has done what, and who is stuck."""
    from .workbook.collecting import collected

    table, problems = collected(arguments.folders, lesson=arguments.lesson)
    print(table)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def reference(arguments: Arguments) -> int:
    """Run on the reference code alone, or on the learner's answers again."""
    from .workbook import use_reference

    use_reference(arguments.state == "on")
    return 0


def claims(arguments: Arguments) -> int:
    """Print what the published claims came to here; `claims run NAME` runs the seeds that are missing."""
    import torch

    from . import claims as published

    every = list(published.CLAIMS.values())
    running, names = arguments.words[:1] == ["run"], arguments.words
    if names == ["page"]:
        published.write_page(every)
        return 0
    names = names[1:] if running else names
    if unknown := [name for name in names if name not in published.CLAIMS]:
        print(f"there is no claim {unknown[0]}; there are {', '.join(published.CLAIMS)}", file=sys.stderr)
        return 2
    chosen = [published.CLAIMS[name] for name in names]
    if running and not chosen:
        print(f"name the claims to run; there are {', '.join(published.CLAIMS)}", file=sys.stderr)
        return 2
    if running:
        torch.set_num_threads(1)  # what is trained depends on it
        for line in published.run(chosen):
            print(line, flush=True)
            published.write_page(every)
        return 0
    for claim in chosen:
        print(*published.report(claim), sep="\n")
    if not names:
        print(*published.table(every), sep="\n")
    return 0


def train(arguments: Arguments) -> int:
    """Train the whole story from nothing: base, R1-Zero, R1, a distilled student (20 minutes)."""
    import torch

    from .cards import table, tries
    from .checkpoints import CheckpointError
    from .fast_writing import FastWriter
    from .report_card import many_tries
    from .story import Story
    from .workbook.files import work_folder

    torch.set_num_threads(1)  # the bits of the weights depend on it
    folder = arguments.output or work_folder() / "models"
    chapters = []
    story = Story(folder, arguments.seed)
    try:
        for chapter in story.run(arguments.controls):
            print(f"{chapter.name}: {chapter.bill.seconds:.0f} seconds of one core", flush=True)
            chapters.append(chapter)
    except CheckpointError as error:
        print(error, file=sys.stderr)
        return 2
    print("", *table(chapters), "", sep="\n")
    print(*tries("base", many_tries(FastWriter(story.model("base")))), "", sep="\n")
    print(f"The models and their cards are in {folder}.")
    return 0


def test_notebooks(arguments: Arguments) -> int:
    """Run every notebook with nbval, unsolved and solved."""
    from .workbook import nbval_run

    report = nbval_run.run()
    print("\n".join(report.lines))
    return _report(report.problems, "every notebook runs, and gives what it says")


def _report(problems: list[str], all_well: str) -> int:
    """Print the problems and return 1, or say that all is well and return 0."""
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    print(all_well)
    return 0


class _Parser(argparse.ArgumentParser):
    """One that answers a command that does not exist with a sentence."""

    def __init__(self, **options: Any):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **options)
        self.commands: list[str] = []

    def parse_args(self, words: Any = None, namespace: Any = None) -> Any:
        """Read the words; leave with exit code 2 where they make no sense."""
        first = next(iter(sys.argv[1:] if words is None else words), "--help")
        if not first.startswith("-") and first not in self.commands:
            close = difflib.get_close_matches(first, self.commands, n=1)
            hint = f"Did you mean `{close[0]}`? " if close else ""
            self.exit(2, f"There is no command `{first}`. {hint}All are in: python start.py --help\n")
        return super().parse_args(words, namespace)


def _parser() -> _Parser:
    parser = _Parser(prog="python start.py", usage="python start.py COMMAND ...")
    commands = parser.add_subparsers(
        metavar="COMMAND",
        required=True,
        help=argparse.SUPPRESS,
        prog="python start.py",
        parser_class=argparse.ArgumentParser,
    )
    listed: list[str] = []

    def group(people: str) -> None:
        listed.append(f"\n{people}")

    def add(name: str, run: Callable[[Arguments], int], **arguments: dict[str, Any]) -> None:
        command = commands.add_parser(name, description=run.__doc__)
        for argument, options in arguments.items():
            command.add_argument(argument, **options)
        command.set_defaults(run=run)
        parser.commands.append(name)
        listed.append(f"  {name:15} {run.__doc__}")

    lesson = {"help": "a lesson, such as 02"}
    group("For learners")
    add("progress", progress)
    add("reset", reset, lesson=lesson)
    add("reference", reference, state={"choices": ("on", "off")})
    group("For teachers")
    add("teach", teach, lesson=lesson)
    folders = {
        "nargs": "+",
        "metavar": "FOLDER",
        "help": "folders with work folders in them, or single files",
    }
    one_lesson = {"metavar": "02", "help": "this lesson alone"}
    add("collect", collect, folders=folders, **{"--lesson": one_lesson})
    group("For contributors")
    lessons = {"nargs": "*", "help": "lessons, such as 02; without any, all"}
    check = {"action": "store_true", "help": "execute nothing: are the built files those of the sources?"}
    add("build", build, lessons=lessons, **{"--check": check})
    add("prepare", prepare)
    words = {"nargs": "*", "metavar": "[run] NAME", "help": "a claim, to see in full or to run; or page"}
    add("claims", claims, words=words)
    output = {"type": Path, "metavar": "DIR", "help": "where the models go (work/models); those there stay"}
    seed = {"type": int, "default": 100, "help": "all that is random depends on it (100)"}
    controls = {"action": "store_true", "help": "train the control arms too (5 minutes more)"}
    options: dict[str, dict[str, Any]] = {"--output": output, "--seed": seed, "--controls": controls}
    add("train", train, **options)
    add("test-notebooks", test_notebooks)
    parser.epilog = "\n".join(listed).lstrip()
    return parser


def main(words: list[str] | None = None) -> int:
    """Run one command. Returns 0, 1 if it found something wrong, or 2 if it could not do its work."""
    for stream in (sys.stdout, sys.stderr):
        # A Windows console may lack a sign; that is no reason to stop.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    arguments = _parser().parse_args(words)
    try:
        code = int(arguments.run(arguments))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever reads, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (CourseError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
