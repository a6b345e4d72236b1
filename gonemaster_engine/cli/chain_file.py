"""The file of the option --chain-svg: the chain of trust as a picture."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gonemaster_engine.cli.terminal import OutputError

STANDARD_OUTPUT = Path("-")


def check_writable(path: Path) -> None:
    """Find out before the test that the file cannot be written after it; its content stays.

    Raises:
        OutputError: it cannot be written.
    """
    if path == STANDARD_OUTPUT:
        return
    try:
        if path.exists():
            path.open("ab").close()
        elif not path.parent.is_dir():
            raise NotADirectoryError(0, f"{path.parent} is not a directory")
        elif not os.access(path.parent, os.W_OK):
            raise PermissionError(0, f"no files can be made in {path.parent}")
    except OSError as error:
        raise OutputError(f"cannot write to {path}: {error.strerror}") from error


def write_chain(path: Path, chain: Mapping[str, Any] | None, *, locale: str) -> None:
    """Write the picture of a chain of trust; "-" is standard output.

    Raises:
        OutputError: there is no chain, or the file cannot be written.
    """
    if chain is None:
        raise OutputError(
            f"there is no chain of trust for {path}: no DNSSEC test case was completed, or the zone was not found"
        )
    from gonemaster_engine.trustchain.diagram import diagram_of  # here: few runs draw, and it takes long to load

    octets = diagram_of(chain, locale=locale).standalone().encode() + b"\n"
    if path == STANDARD_OUTPUT:
        sys.stdout.flush()
        sys.stdout.buffer.write(octets)
        sys.stdout.buffer.flush()
        return
    try:
        path.write_bytes(octets)
    except OSError as error:
        raise OutputError(f"cannot write to {path}: {error.strerror}") from error
