"""The training corpus: the King James Bible from Debian's ``bible-kjv-text``.

The text is in the public domain.  The package stores it in a compressed form
of its own, which the ``bible`` command of the package ``bible-kjv`` prints.
An installed command is used where there is one; otherwise both packages are
fetched with ``apt-get download`` and unpacked (not installed) in a scratch
folder, which needs no privileges.

Only the verse text is kept: one verse per line and an empty line between two
chapters.  The references in front of the verses are removed.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("bible-kjv-text", "bible-kjv")
CORPUS_SHA256 = "82a24e4e23c644fe579ed387b20e54eb529cc0a87a25e0810064edb2216780c2"
"""SHA-256 of the text made from version 4.38 of the packages."""

_VERSE = re.compile(r"^(?P<chapter>[1-3]?[A-Za-z]+\d+):\d+ (?P<text>\S.*)$")


class CorpusError(RuntimeError):
    """The corpus could not be obtained or is not the expected text."""


@dataclass(frozen=True)
class Splits:
    """The three contiguous parts of the corpus."""

    train: bytes
    validation: bytes
    test: bytes


def load(text_file: Path | None, allow_other: bool) -> bytes:
    """Return the corpus, from ``text_file`` or else from the packages.

    The text is compared with the known digest; ``allow_other`` accepts any
    other text.
    """
    if text_file is not None:
        try:
            text = text_file.read_bytes()
        except OSError as error:
            raise CorpusError(f"cannot read the corpus: {error}") from error
    else:
        text = verses_only(_print_bible())
    digest = hashlib.sha256(text).hexdigest()
    if digest != CORPUS_SHA256 and not allow_other:
        raise CorpusError(
            f"the corpus has SHA-256 {digest}, not {CORPUS_SHA256}; "
            "pass --allow-other-corpus to train on it nevertheless"
        )
    return text


def split(text: bytes) -> Splits:
    """Cut the text 90/5/5 by position, each cut moved to the next line."""
    first = _next_line(text, len(text) * 90 // 100)
    second = _next_line(text, len(text) * 95 // 100)
    parts = Splits(text[:first], text[first:second], text[second:])
    if not (parts.train and parts.validation and parts.test):
        raise CorpusError("the corpus is too short to be split")
    return parts


def verses_only(printed: str) -> bytes:
    """Strip the references from the one-verse-per-line form of ``bible``."""
    lines: list[str] = []
    chapter = None
    for number, line in enumerate(printed.splitlines(), start=1):
        match = _VERSE.match(line)
        if match is None:
            raise CorpusError(f"line {number} is not a verse: {line[:60]!r}")
        if chapter not in (None, match["chapter"]):
            lines.append("")
        chapter = match["chapter"]
        lines.append(match["text"])
    if not lines:
        raise CorpusError("the bible command printed nothing")
    return ("\n".join(lines) + "\n").encode("ascii")


def _next_line(text: bytes, position: int) -> int:
    """Return the start of the first line after ``position``."""
    newline = text.find(b"\n", position)
    return len(text) if newline < 0 else newline + 1


def _print_bible() -> str:
    """Print the whole book, one verse per line."""
    installed = shutil.which("bible")
    if installed is not None:
        return _run([installed, "-f", "Gen1:1-Rev22:21"])
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise CorpusError(
                f"{tool} not found: install the Debian packages "
                f"{' and '.join(PACKAGES)}, or pass --corpus"
            )
    with tempfile.TemporaryDirectory(prefix="assay-corpus-") as folder:
        scratch = Path(folder)
        _run(["apt-get", "download", *PACKAGES], scratch)
        for archive in sorted(scratch.glob("*.deb")):
            _run(["dpkg-deb", "-x", archive.name, "unpacked"], scratch)
        # The command looks for its data in the working directory first.
        command = scratch / "unpacked" / "usr" / "bin" / "bible"
        data = scratch / "unpacked" / "usr" / "lib"
        return _run([str(command), "-f", "Gen1:1-Rev22:21"], data)


def _run(command: list[str], folder: Path | None = None) -> str:
    """Run a command and return what it prints."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
    except OSError as error:
        raise CorpusError(f"cannot run {command[0]}: {error}") from error
    except subprocess.CalledProcessError as error:
        detail = error.stderr.strip().splitlines()
        raise CorpusError(
            f"{' '.join(command)} failed with status {error.returncode}"
            + (f": {detail[-1]}" if detail else "")
        ) from error
    return done.stdout
