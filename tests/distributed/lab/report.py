"""The table of the lab, in benchmarks/RESULTS.md and, with fewer columns, in the page about reliability."""

import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.distributed.lab.invariants import Verdict
from tests.distributed.lab.load import ANSWER_S
from tests.distributed.lab.services import SOUND_S

_ROOT = Path(__file__).parents[3]
PAGE, SHORT = _ROOT / "benchmarks/RESULTS.md", _ROOT / "docs/explanation/reliability-tests.md"
BEGIN, END = "<!-- lab: printed by make lab -->\n", "<!-- lab: end -->\n"
COLUMNS = (
    "fault",
    "jobs: lost, duplicated, failed",
    "started again, the last after",
    "longest time without a start (of it after the fault)",
    "longest wait of an interactive job, of any",
    "accepted after",
    "batch jobs out of order",
    "health issues, after",
    "healthy after the end",
    "slowest `GET /queue`",
    "recorded",
)
SHORT_COLUMNS = (0, 1, 3, 4, 7)


def recorded() -> str:
    """Return today's date and the commit of this copy of the sources."""
    command = ["git", "-C", str(_ROOT), "rev-parse", "--short=8", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return f"{datetime.now(UTC):%Y-%m-%d} {commit}".strip()


def row(name: str, verdict: Verdict, note: str = "", *, when: str = "") -> list[str]:
    """Return the cells of one fault; times are in seconds."""
    given_up = f" ({verdict.given_up} that the standby never had)" if verdict.given_up else ""
    again = f"{verdict.again}, {_seconds(verdict.last_again_s)}" if verdict.last_again_s is not None else "0"
    after = f" ({_seconds(verdict.after_over_s)})" if verdict.after_over_s else ""
    issues = ", ".join(
        f"{_as_code(kind)} {_seconds(at)}" for kind, at in sorted(verdict.said.items(), key=lambda item: item[1])
    )
    return [
        f"{name}, {note}" if note else name,
        f"{verdict.jobs}: {verdict.lost}{given_up}, {verdict.doubled}, {verdict.failed}",
        again,
        f"{_seconds(verdict.standstill_s)}{after}",
        f"{_seconds(verdict.person_s)}, {_seconds(verdict.any_s)}",
        _seconds(verdict.refused_s),
        str(verdict.out_of_turn),
        issues or "nothing",
        _seconds(max(verdict.sound_s, 0)) if verdict.sound_s is not None else f"not within {SOUND_S} s",
        "none" if verdict.slowest_queue_s >= ANSWER_S else _seconds(verdict.slowest_queue_s),
        when,
    ]


def table(rows: Iterable[Sequence[str]], columns: Sequence[int] = range(len(COLUMNS))) -> str:
    """Return a Markdown table of some columns."""
    lines = [COLUMNS, ["---"] * len(COLUMNS), *rows]
    return "".join(f"| {' | '.join(line[number] for number in columns)} |\n" for line in lines)


def written() -> list[list[str]]:
    """Return the rows of the page, without their header."""
    text = PAGE.read_text(encoding="utf-8")
    lines = text[text.index(BEGIN) + len(BEGIN) : text.index(END)].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert cells[0] == list(COLUMNS), "the table of the page has other columns: run make lab WRITE=1"
    return cells[2:]


def write(rows: Iterable[Sequence[str]], heading: str, order: Sequence[str]) -> None:
    """Replace rows between the marks of the page; rows of other faults stay. `order` has the names of all faults."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    merged = [*rows, *(written() if "|" in text[len(before) : text.index(END)] else [])]
    chosen = [next((line for line in merged if line[0].startswith(name)), None) for name in order]
    found = [line for line in chosen if line]
    PAGE.write_text(f"{before}\n{heading}\n\n{table(found)}\n{after}", encoding="utf-8")
    page = SHORT.read_text(encoding="utf-8")
    start, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    SHORT.write_text(f"{page[:start]}\n{table(found, SHORT_COLUMNS)}\n{page[end:]}", encoding="utf-8")


def _as_code(kind: str) -> str:
    return kind if " " in kind else f"`{kind}`"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"
