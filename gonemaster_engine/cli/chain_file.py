"""The output file of --chain-svg: the chain of trust as a picture."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gonemaster_engine.cli.terminal import OutputError

STANDARD_OUTPUT = Path("-")


def check_writable(path: Path) -> None:
    """Check before the test that the file can be written; its content does not change.

    Raises:
      OutputError: the file cannot be written.
    """
    if path == STANDARD_OUTPUT:
        return
    try:
        if path.exists():
            path.open("ab").close()
        elif not path.parent.is_dir():
            raise NotADirectoryError(0, f"{path.parent} is not a directory")
        elif not os.access(path.parent, os.W_OK):
            raise PermissionError(0, f"cannot create files in {path.parent}")
    except OSError as error:
        raise OutputError(f"cannot write to {path}: {error.strerror}") from error


def write_chain(path: Path, chain: Mapping[str, Any] | None, *, locale: str) -> None:
    """Write the picture of a chain of trust; "-" means standard output.

    Raises:
      OutputError: there is no chain, or the file cannot be written.
    """
    if chain is None:
        raise OutputError(f"no chain of trust for {path}: no DNSSEC test case finished, or the zone was not found")
    from gonemaster_engine.trustchain.diagram import (
        diagram_of,
    )  # imported here: few runs draw it, and it is slow to load

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
