"""Files of names, one per line; plain or compressed with gzip, which is recognised by content."""

import gzip
import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_GZIP = b"\x1f\x8b"
_BUFFER = 1 << 18
STDIN = "-"


class SourceError(ValueError):
    """A source that cannot be read, with the file and the line."""


@contextmanager
def open_source(path: str) -> Iterator[Iterable[bytes]]:
    """Open a file as lines of bytes; `-` is standard input.

    Raises:
        SourceError: the file cannot be read, or its compressed content is damaged.
    """
    try:
        with ExitStack() as stack:
            raw = sys.stdin.buffer if path == STDIN else stack.enter_context(Path(path).open("rb"))
            is_gzip = isinstance(raw, io.BufferedReader) and raw.peek(2)[:2] == _GZIP
            # The reader divides the content into lines much faster than GzipFile does.
            yield io.BufferedReader(gzip.GzipFile(fileobj=raw), _BUFFER) if is_gzip else raw
    except (EOFError, gzip.BadGzipFile) as error:
        raise SourceError(f"{_named(path)}: damaged gzip content: {error}") from None
    except OSError as error:
        raise SourceError(f"{_named(path)}: {error.strerror or error}") from None


def names_of(path: str) -> Iterator[str]:
    """Yield the names in a file; empty lines and comments after # are ignored.

    Raises:
        SourceError: the file cannot be read, is not UTF-8, or has several words in a line.
    """
    with open_source(path) as lines:
        for number, line in enumerate(lines, 1):
            try:
                words = line.partition(b"#")[0].decode("utf-8-sig" if number == 1 else "utf-8").split()
            except UnicodeDecodeError:
                raise SourceError(f"{_named(path)}: line {number} is not UTF-8") from None
            if len(words) > 1:
                raise SourceError(f"{_named(path)}: line {number} has {len(words)} words instead of one name")
            yield from words


def _named(path: str) -> str:
    return "standard input" if path == STDIN else path
