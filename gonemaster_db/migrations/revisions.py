"""The revisions that this release knows, and the older releases that each of them is compatible with."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection

LOCATIONS = (Path(__file__).parent / "versions",)  # directories with revisions


@dataclass(frozen=True)
class Revision:
    """One step of the schema.

    `compatible_from` is the oldest revision whose releases work on the schema after this step; it is the revision
    itself if no earlier release does.
    """

    number: str
    before: str | None
    title: str
    compatible_from: str

    @property
    def is_compatible(self) -> bool:
        """Whether releases of the previous revision continue to work."""
        return self.compatible_from != self.number

    def is_compatible_with(self, current: str) -> bool:
        """Return whether releases of the earlier revision `current` continue to work."""
        numbers = list(known_revisions())
        return numbers.index(self.compatible_from) <= numbers.index(current)


def configuration(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration; migrations run on `connection`."""
    config = Config()
    config.set_main_option("script_location", "gonemaster_db:migrations")
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(str, LOCATIONS)))
    config.attributes["connection"] = connection
    return config


@cache
def known_revisions() -> dict[str, Revision]:
    """Return all revisions by number, oldest first."""
    scripts = ScriptDirectory.from_config(configuration())
    found = {script.revision: _revision(script) for script in scripts.walk_revisions()}
    return dict(reversed(found.items()))


def _revision(script: Script) -> Revision:
    before = script.down_revision
    title = (script.doc or "").partition("\n")[0].rstrip(".")
    return Revision(script.revision, str(before) if before else None, title, script.module.compatible_from)
