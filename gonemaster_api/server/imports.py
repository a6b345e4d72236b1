"""The command `import`."""

import sys
import time
from collections.abc import Iterator
from contextlib import closing

from gonemaster_db.core.session import open_store
from gonemaster_db.migrations import runner
from gonemaster_tasks.config.scoring import current_scoring
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.store import store_settings
from gonemaster_tasks.imports.zonemaster import ImportReport, import_zonemaster

_EVERY_S = 2.0


class _ImportProgress:
    """Lines about the progress, at most one in two seconds."""

    def __init__(self) -> None:
        self._begun = self._shown = time.monotonic()

    def __call__(self, found: ImportReport) -> None:
        """Print the progress and the estimated rest."""
        now = time.monotonic()
        if now - self._shown < _EVERY_S:
            return
        self._shown = now
        rate = found.runs / (now - self._begun)
        rest_s = (found.total - found.done) / rate if rate else 0
        share = 100 * found.done / found.total if found.total else 100
        rest = f"{rest_s / 60:.0f} min" if rest_s >= 120 else f"{rest_s:.0f} s"
        print(
            f"{found.done} of {found.total} tests ({share:.1f} %), {rate:.0f} a second, about {rest} left",
            file=sys.stderr,
            flush=True,
        )


def import_from_zonemaster(settings: Settings, name: str) -> int:
    """Import the tests of a database of Zonemaster-Backend, and print what was taken and what was not.

    Raises:
        SourceRefused: the source cannot be read.
    """
    with closing(open_store(store_settings(settings))) as store:
        runner.check_schema(store)
        found = import_zonemaster(store, name, current_scoring(store, settings), report=_ImportProgress())
    sys.stdout.writelines(f"{line}\n" for line in _summary(found))
    return 0


def _summary(found: ImportReport) -> Iterator[str]:
    yield f"{found.runs} runs and {found.batches} batches imported; {found.known} runs were already imported"
    for kind, number in sorted(found.problems.items()):
        yield f"{number} {kind}, such as {', '.join(found.examples[kind])}"
    yield "Users and API keys were not imported: create tokens with 'gonemaster-server auth add-token'."
