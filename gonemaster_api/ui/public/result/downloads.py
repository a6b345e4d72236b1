"""Downloads of a result: CSV for spreadsheets, text for emails and tickets."""

from collections.abc import Iterator

from gonemaster_api.ui.shell.findings import Findings
from gonemaster_api.ui.shell.tables.csv_files import csv_text
from gonemaster_api.ui.shell.texts.formats import instant
from gonemaster_api.ui.shell.texts.hidden_characters import clean
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_db.models import Run

COLUMNS = ("level", "module", "testcase", "tag", "message")


def entries_as_csv(findings: Findings) -> str:
    """Return all entries as CSV."""
    return csv_text(
        COLUMNS, ((entry.level, entry.module, entry.testcase, entry.tag, entry.text) for entry in findings.entries)
    )


def plain_text(run: Run, findings: Findings, *, grade: str, address: str) -> str:
    """Return all entries as text, one per line, after a header with domain, time and options."""
    return "\n".join(_lines(run, findings, grade, address)) + "\n"


def _lines(run: Run, findings: Findings, grade: str, address: str) -> Iterator[str]:
    yield _("Test of %(domain)s", domain=run.domain)
    yield _("finished %(moment)s", moment=instant(run.finished_at))
    if grade:
        yield grade
    yield address
    yield ""
    width = max((len(entry.level) for entry in findings.entries), default=0)
    cases = max((len(entry.testcase) for entry in findings.entries), default=0)
    for entry in findings.entries:
        yield clean(f"{entry.level:{width}}  {entry.testcase:{cases}}  {entry.text}")
