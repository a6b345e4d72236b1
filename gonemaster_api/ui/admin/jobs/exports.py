"""The plain text of a result, for emails and tickets."""

from collections.abc import Iterator

from gonemaster_api.queries.runs.entry_documents import entry_documents
from gonemaster_api.ui.admin.jobs.inspection import Inspection
from gonemaster_api.ui.shell.texts.formats import instant
from gonemaster_api.ui.shell.texts.hidden_characters import clean
from gonemaster_api.ui.shell.texts.languages import gettext

_LEVEL_WIDTH, _CASE_WIDTH = 9, 15


def result_text(inspection: Inspection, *, locale: str) -> str:
    """Return all entries in order, one per line, after a header with domain, time, score and counts per level."""
    return "".join(f"{clean(line)}\n" for line in _lines(inspection, locale))


def _lines(inspection: Inspection, locale: str) -> Iterator[str]:
    run = inspection.run
    yield f"{run.domain} {run.id}"
    yield f"{gettext('Finished')}: {instant(run.finished_at)}, {run.status}"
    if inspection.score:
        yield f"{gettext('Grade')}: {inspection.score['grade']}, {inspection.score['score']}/100"
    yield ", ".join(f"{level.upper()} {count}" for level, count in inspection.findings.counts.items())
    yield ""
    for entry in entry_documents(inspection.finished.entries, locale=locale):
        yield f"{entry.timestamp:7.2f} {entry.level:{_LEVEL_WIDTH}} {entry.testcase:{_CASE_WIDTH}} {entry.text}"
        yield f"{'':{_LEVEL_WIDTH + _CASE_WIDTH + 10}}{entry.raw}"
