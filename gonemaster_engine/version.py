"""Version of gonemaster; no other file states it."""

from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

__version__ = "0.1.0"


def engine_kind() -> str:
    """Return "compiled" if this installation has the compiled engine, else "interpreted"."""
    folder = Path(__file__).parent
    return "compiled" if any((folder / f"names{suffix}").exists() for suffix in EXTENSION_SUFFIXES) else "interpreted"
