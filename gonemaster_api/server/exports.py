"""The command `export`: the facts of stored runs as files."""

import argparse
import sys
import time
from contextlib import closing
from datetime import datetime

from marshmallow import ValidationError

from gonemaster_api.rest.fields import Instant
from gonemaster_api.server.commands import StartRefused
from gonemaster_db.analysis.columns.rows import RunSelection
from gonemaster_db.analysis.columns.schema import ColumnsMissing
from gonemaster_db.core.errors import BatchNotFound, StoreError, TagNotFound
from gonemaster_db.core.session import open_store
from gonemaster_db.migrations import runner
from gonemaster_tasks.config.logging import log_as_set
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.store import store_settings
from gonemaster_tasks.exports.facts import ExportRefused, ExportReport, export_facts

_EVERY_S = 2.0


def run_export(settings: Settings, given: argparse.Namespace) -> int:
    """Write the facts of runs to a folder, and print how many there are.

    Raises:
        StartRefused: the export cannot start, or a file cannot be written.
    """
    log_as_set(settings)
    shown = time.monotonic()

    def report(found: ExportReport) -> None:
        nonlocal shown
        if time.monotonic() - shown >= _EVERY_S:
            shown = time.monotonic()
            print(f"{found.runs} runs", file=sys.stderr, flush=True)

    selection = RunSelection(batch_id=given.batch, tag=given.cohort, since=_time(given.since))
    try:
        with closing(open_store(store_settings(settings))) as store:
            runner.check_schema(store)
            found = export_facts(
                store, given.output, selection, format=given.format, floor=given.findings_level, report=report
            )
    except BatchNotFound as error:
        raise StartRefused(f"--batch: there is no batch {given.batch}") from error
    except TagNotFound as error:
        raise StartRefused(f"--cohort: there is no tag {given.cohort}") from error
    except (ExportRefused, ColumnsMissing, StoreError) as error:
        raise StartRefused(str(error)) from error
    except OSError as error:
        raise StartRefused(f"{error.filename or given.output}: {error.strerror}") from error
    print(f"{found.runs} runs in {given.output}")
    if found.damaged:
        print(f"{found.damaged} runs left out: their stored results are damaged", file=sys.stderr)
    return 0


def _time(text: str | None) -> datetime | None:
    """Return the time of the option, which must be complete and have a zone, as in the API.

    Raises:
        StartRefused: it is not a time.
    """
    if text is None:
        return None
    try:
        moment: datetime = Instant().deserialize(text)
    except ValidationError as error:
        raise StartRefused(f"--since {error.messages[0]}") from error
    return moment
