"""Where things are, and how a file is written so that a crash cannot leave half of it."""

import os
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds lessons/, notebooks/, solutions/ and pocketr1/."""


def work_folder(root: Path = ROOT) -> Path:
    """The learner's own folder: `work/`, or wherever the environment variable POCKETR1_WORK points."""
    return Path(os.environ.get("POCKETR1_WORK") or root / "work")


def write_atomically(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8 with "\\n" line ends, whole or not at all.

    The text goes to a new file beside `path`, is flushed to the disk, and then takes its place in one step. A
    reader sees the old text or the new one, never a part. Missing folders are made.

    Raises:
        OSError: if the folder cannot be written to. The old file is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with open(draft, "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
