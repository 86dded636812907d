"""The course's commands: `python -m pocketr1 COMMAND`. `python start.py COMMAND` passes them on.

To add a command, write a function that takes the parsed arguments and returns an exit code, and add it to
`_parser`. What a command needs is imported inside its function, so that `prepare` and `progress` stay quick.
"""

import argparse
import sys
from collections.abc import Callable
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


def reference(arguments: Arguments) -> int:
    """Run on the reference code alone, or on the learner's answers again."""
    from .workbook import use_reference

    use_reference(arguments.state == "on")
    return 0


def claims(arguments: Arguments) -> int:
    """Print what the published claims came to here; `claims run NAME` runs the seeds that are missing."""
    from . import claims as published

    running, names = arguments.words[:1] == ["run"], arguments.words
    names = names[1:] if running else names
    if unknown := [name for name in names if name not in published.CLAIMS]:
        print(f"there is no claim {unknown[0]}; there are {', '.join(published.CLAIMS)}", file=sys.stderr)
        return 2
    lines = published.run if running else published.report
    for name in names:
        for line in lines(published.CLAIMS[name]):
            print(line, flush=True)
    if not names:
        print(*published.table(list(published.CLAIMS.values())), sep="\n")
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pocketr1", description="Pocket R1, the course.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, run: Callable[[Arguments], int], **arguments: dict[str, Any]) -> None:
        command = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        for argument, options in arguments.items():
            command.add_argument(argument, **options)
        command.set_defaults(run=run)

    lessons = {"nargs": "*", "help": "lessons, such as 02; without any, all"}
    check = {"action": "store_true", "help": "execute nothing: are the built files those of the sources?"}
    add("build", build, lessons=lessons, **{"--check": check})
    add("prepare", prepare)
    add("reset", reset, lesson={"help": "a lesson, such as 02"})
    add("progress", progress)
    add("reference", reference, state={"choices": ("on", "off")})
    words = {"nargs": "*", "metavar": "[run] NAME", "help": "a claim, to see it in full or to run it"}
    add("claims", claims, words=words)
    add("test-notebooks", test_notebooks)
    return parser


def main(words: list[str] | None = None) -> int:
    """Run one command. Returns 0, 1 if it found something wrong, or 2 if it could not do its work."""
    for stream in (sys.stdout, sys.stderr):
        # A Windows console may lack a sign; that is no reason to stop.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    arguments = _parser().parse_args(words)
    try:
        return int(arguments.run(arguments))
    except (CourseError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
