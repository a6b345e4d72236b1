"""A simulated next release: the current code with more migrations, for tests only."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gonemaster_db.migrations import compatibility, revisions
from tests.support.sources import ROOT

_VERSIONS = ROOT / "gonemaster_db" / "migrations" / "versions"
_REVISION, _BEFORE = (re.compile(rf'^{name} = "(\d+)"', re.MULTILINE) for name in ("revision", "down_revision"))
_PARTS = ("gonemaster_api", "gonemaster_tasks", "gonemaster_db", "gonemaster_engine", "tests/support")
_HEADER = '''"""{title}."""
import sqlalchemy as sa
from alembic import op

from gonemaster_db.migrations import online

revision, down_revision, compatible_from = "{revision}", "{before}", "{compatible_from}"

'''
# Changes that a release may make to tables that the previous release still uses.
EXPAND = """
def upgrade() -> None:
    op.create_table("next_table", sa.Column("id", sa.Integer, primary_key=True))
    op.add_column("jobs", sa.Column("next_text", sa.Text))
    op.add_column("runs", sa.Column("next_number", sa.Integer, nullable=False, server_default="7"))

def downgrade() -> None:
    op.drop_column("runs", "next_number")
    op.drop_column("jobs", "next_text")
    op.drop_table("next_table")
"""
INDEX = """
def upgrade() -> None:
    online.create_index("ix_runs_next", "runs", ["next_number", "id"])

def downgrade() -> None:
    online.drop_index("ix_runs_next", "runs")
"""
CONTRACT = """
def upgrade() -> None:
    op.drop_table("next_table")

def downgrade() -> None:
    op.create_table("next_table", sa.Column("id", sa.Integer, primary_key=True))
"""


def head() -> str:
    """Return the newest revision of this release, which may have a lower number than an earlier one."""
    texts = [path.read_text(encoding="utf-8") for path in _VERSIONS.glob("[0-9]*.py")]
    numbers: set[str] = {_REVISION.findall(text)[0] for text in texts}
    (newest,) = numbers - {before for text in texts for before in _BEFORE.findall(text)}
    return newest


def following(number: int) -> str:
    """Return the number of a revision of the next release, counted from 1; all are greater than those in use."""
    greatest = max(int(path.name.partition("_")[0]) for path in _VERSIONS.glob("[0-9]*.py"))
    return f"{greatest + number:04}"


def write_revision(directory: Path, body: str, *, number: int = 1, compatible: bool = True) -> str:
    """Write a revision; its position is the number of revisions after this release's newest. Return its number."""
    revision, before = following(number), following(number - 1) if number > 1 else head()
    header = _HEADER.format(
        title=f"Next release {number}",
        revision=revision,
        before=before,
        compatible_from=head() if compatible else revision,
    )
    (directory / f"{revision}_next.py").write_text(header + body, encoding="utf-8")
    return revision


def make_next_release(directory: Path) -> Path:
    """Copy the sources, and add migrations that are compatible with this release; return the directory to run in."""
    for part in _PARTS:
        shutil.copytree(ROOT / part, directory / part, ignore=shutil.ignore_patterns("__pycache__"))
    (directory / "tests" / "__init__.py").touch()
    versions = directory / "gonemaster_db" / "migrations" / "versions"
    write_revision(versions, EXPAND, number=1)
    write_revision(versions, INDEX, number=2)
    return directory


@contextmanager
def revisions_of(directory: Path) -> Iterator[None]:
    """Add the revisions of a directory to those this process knows, as if it belonged to the next release."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(revisions, "LOCATIONS", (*revisions.LOCATIONS, directory))
        _forget()
        try:
            yield
        finally:
            patch.undo()
            _forget()


def _forget() -> None:
    revisions.known_revisions.cache_clear()
    compatibility.head_revision.cache_clear()
