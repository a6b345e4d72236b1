"""Output formats: entries as text, raw or JSON, and tables after them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from gonemaster_engine.cli.options import PROGRAM
from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.messages import message
from gonemaster_engine.findings.messages.formatting import shown
from gonemaster_engine.findings.references import reference
from gonemaster_engine.findings.tags import SYSTEM
from gonemaster_engine.findings.verdict import Verdict
from gonemaster_engine.net.timings import NameserverTiming

if TYPE_CHECKING:
    from gonemaster_engine.findings.causes.model import Cause
    from gonemaster_engine.policies.verdict import PolicyVerdict
    from gonemaster_engine.scoring.score import Score

_EARLY_MODULES = frozenset({"BASIC", SYSTEM})

Write: TypeAlias = Callable[[str], None]
"""Write one line, given without its line end."""


@dataclass(frozen=True, slots=True)
class View:
    """The entries to show, and their language and naming."""

    min_level: Level = Level.NOTICE
    locale: str = "en"
    zonemaster_tags: bool = False
    docs_url: str = ""  # of a documentation site, for links to its pages

    def shows(self, entry: Entry) -> bool:
        """Return whether the entry is shown."""
        return entry.level >= self.min_level

    def lines(self, entry: Entry) -> Iterator[tuple[Entry, str]]:
        """Yield the entry with its message, in the selected naming."""
        text = message(entry.tag, entry.module, entry.args, locale=self.locale)
        if not self.zonemaster_tags:
            yield entry, text
            return
        from gonemaster_engine.zonemaster.names import zonemaster_entries

        for worded in zonemaster_entries(entry):
            yield worded, text


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of an output: what was requested, and the verdict on a run that cannot judge a zone.

    `by_policy` is the verdict of the policy, if there is one.
    """

    timings: Iterable[NameserverTiming] | None = None
    verdict: Verdict | None = None
    causes: Sequence[Cause] | None = None
    by_policy: PolicyVerdict | None = None


class Writer(Protocol):
    """Writes the entries of a run in one format."""

    def entry(self, entry: Entry) -> None:
        """Write one entry, if it is shown."""

    def end(self, ending: Ending) -> None:
        """Write the end of the output."""


class TextWriter:
    """Writes seconds, level, test case and message in columns; with causes, these come first."""

    def __init__(self, write: Write, view: View, *, with_causes: bool = False) -> None:
        self._write = write
        self._view = view
        self._count = 0
        self._waits_for_causes = with_causes
        self._early: list[Entry] | None = []

    def entry(self, entry: Entry) -> None:
        """Write one line; lines about whether there is a zone wait until it is known, as a verdict replaces them."""
        if not self._view.shows(entry):
            return
        if self._early is not None and (self._waits_for_causes or entry.module in _EARLY_MODULES):
            self._early.append(entry)
            return
        self._write_early()
        self._write_entry(entry)

    def _write_early(self) -> None:
        early, self._early = self._early or [], None
        for entry in early:
            self._write_entry(entry)

    def _write_entry(self, entry: Entry) -> None:
        if not self._count:
            self._write(f"{'Seconds':>7} {'Level':<8} {'Testcase':<14} Message")
            self._write(f"{'=' * 7} {'=' * 8} {'=' * 14} {'=' * 7}")
        self._count += 1
        _, text = next(self._view.lines(entry))
        source = entry.testcase or entry.module.capitalize()
        self._write(f"{entry.timestamp:7.2f} {entry.level.name:<8} {source:<14} {text}")

    def end(self, ending: Ending) -> None:
        """Write the verdict or the causes, or a note if there were no entries, and the table of timings."""
        verdict = ending.verdict
        if ending.causes is not None and verdict is None:
            from gonemaster_engine.cli.causes_output import cause_lines

            for line in cause_lines(ending.causes, locale=self._view.locale):
                self._write(line)
        if verdict is None or self._view.min_level < Level.NOTICE:
            self._write_early()
        if verdict:
            for line in verdict_lines(verdict, locale=self._view.locale):
                self._write(line)
        elif not self._count:
            self._write(f"No entries at level {self._view.min_level.name} or above.")
        if ending.by_policy:
            from gonemaster_engine.cli.policies import text_lines

            for line in text_lines(ending.by_policy, locale=self._view.locale):
                self._write(line)
        for line in timing_table(ending.timings or ()):
            self._write(line)


class RawWriter:
    """Writes level, tag and arguments."""

    def __init__(self, write: Write, view: View) -> None:
        self._write = write
        self._view = view

    def entry(self, entry: Entry) -> None:
        """Write one line."""
        if not self._view.shows(entry):
            return
        for worded, _ in self._view.lines(entry):
            args = "; ".join(f"{key}={_raw(value)}" for key, value in worded.args.items())
            self._write(f"{worded.level.name:<8} {worded.tag} {args}".rstrip())

    def end(self, ending: Ending) -> None:
        """Write the causes and the table of timings."""
        if ending.causes is not None:
            from gonemaster_engine.cli.causes_output import raw_lines

            for line in raw_lines(ending.causes):
                self._write(line)
        if ending.by_policy:
            from gonemaster_engine.cli import policies

            for line in policies.raw_lines(ending.by_policy):
                self._write(line)
        for line in timing_table(ending.timings or ()):
            self._write(line)


def _raw(value: Any) -> str:
    return shown(",".join(map(shown, value)) if isinstance(value, list) else value)


class JsonWriter:
    """Writes one JSON document: a list of entries, or an object with entries and what else was requested."""

    def __init__(self, write: Write, view: View) -> None:
        self._write = write
        self._view = view
        self._entries: list[str] = []
        self._places = _Places()

    def entry(self, entry: Entry) -> None:
        """Store the entry for the end."""
        shown = list(json_entries(entry, self._view)) if self._view.shows(entry) else []
        self._entries += map(json.dumps, shown)
        self._places.add(len(shown))

    def end(self, ending: Ending) -> None:
        """Write the document, one entry per line."""
        listed = "[\n" + ",\n".join(self._entries) + "\n]" if self._entries else "[]"
        others = _documents(ending, self._places, self._view)
        if not others:
            self._write(listed)
            return
        rest = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in others.items())
        self._write(f'{{"entries": {listed},\n{rest}}}')


class JsonStreamWriter:
    """Writes one JSON object per line, as the entries arrive."""

    def __init__(self, write: Write, view: View) -> None:
        self._write = write
        self._view = view
        self._places = _Places()

    def entry(self, entry: Entry) -> None:
        """Write one object."""
        shown = list(json_entries(entry, self._view)) if self._view.shows(entry) else []
        for each in shown:
            self._write(json.dumps(each))
        self._places.add(len(shown))

    def end(self, ending: Ending) -> None:
        """Write an object with what else was requested."""
        if others := _documents(ending, self._places, self._view):
            self._write(json.dumps(others))


class _Places:
    """The positions of entries in the output, by their positions in the run."""

    def __init__(self) -> None:
        self.shown: dict[int, range] = {}
        self._entries = self._lines = 0

    def add(self, lines: int) -> None:
        """Note that the next entry of the run has this many lines of output."""
        if lines:
            self.shown[self._entries] = range(self._lines, self._lines + lines)
        self._entries, self._lines = self._entries + 1, self._lines + lines


def _documents(ending: Ending, places: _Places, view: View) -> dict[str, Any]:
    """Return the requested members of the JSON formats besides the entries."""
    found: dict[str, Any] = {}
    if ending.causes is not None:
        from gonemaster_engine.cli.causes_output import cause_documents

        found |= cause_documents(ending.causes, places.shown, locale=view.locale)
    if ending.by_policy:
        from gonemaster_engine.cli.policies import add_verdict

        add_verdict(found, ending.by_policy, locale=view.locale)
    if ending.timings is not None:
        found["nameserver_timings"] = _timing_dicts(ending.timings)
    return found


def make_writer(shape: str, write: Write, view: View, *, with_causes: bool) -> Writer:
    """Return the writer of a format: text, raw, json or json-stream."""
    if shape == "text":
        return TextWriter(write, view, with_causes=with_causes)
    writers: Mapping[str, Callable[[Write, View], Writer]] = {
        "json": JsonWriter,
        "raw": RawWriter,
        "json-stream": JsonStreamWriter,
    }
    return writers[shape](write, view)


def json_entries(entry: Entry, view: View) -> Iterator[dict[str, Any]]:
    """Yield the entry as objects of the JSON formats."""
    for worded, text in view.lines(entry):
        found = reference(entry.tag, entry.testcase)
        yield {**worded.as_dict(), "message": text, "reference": found and found.url}


def _timing_dicts(timings: Iterable[NameserverTiming]) -> list[dict[str, Any]]:
    return [asdict(timing) for timing in timings]


def timing_table(timings: Iterable[NameserverTiming]) -> Iterator[str]:
    """Yield the lines of a table of timings in milliseconds; none without timings."""
    columns = ("max", "min", "avg", "stddev", "median", "total")
    rows = sorted(timings, key=_timing_order)
    if not rows:
        return
    names = [f"{timing.nameserver}/{timing.address or timing.status}" for timing in rows]
    width = max(map(len, names))
    yield ""
    yield f"{'Name server':<{width}} " + " ".join(f"{column:>9}" for column in columns) + f" {'count':>6}"
    for name, timing in zip(names, rows, strict=True):
        values = " ".join(f"{_milliseconds(getattr(timing, f'{column}_ms')):>9}" for column in columns)
        yield f"{name:<{width}} {values} {timing.count:>6}"


def _timing_order(timing: NameserverTiming) -> tuple[str, bool, str, float]:
    return timing.nameserver, ":" in timing.address, timing.address, timing.median_ms or 0.0


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def count_table(entries: Iterable[Entry], view: View) -> Iterator[str]:
    """Yield the totals per level and per tag of the shown entries."""
    entries = [entry for entry in entries if view.shows(entry)]
    levels = Counter(entry.level for entry in entries)
    tags = Counter((entry.level, entry.tag) for entry in entries)
    yield ""
    yield f"{'Level':<8} {'Count':>6}"
    for level in sorted(levels, reverse=True):
        yield f"{level.name:<8} {levels[level]:>6}"
    yield ""
    yield f"{'Level':<8} {'Count':>6} Tag"
    for (level, tag), count in sorted(tags.items(), key=lambda item: (-item[0][0], -item[1], item[0][1])):
        yield f"{level.name:<8} {count:>6} {tag}"


def verdict_lines(verdict: Verdict, *, locale: str) -> Iterator[str]:
    """Yield the lines of a verdict in text format: the sentence, and the advice about a name."""
    yield verdict.sentence(locale=locale)
    if verdict.is_of_the_tester:
        return
    yield verdict.advice(locale=locale)
    if zone := verdict.test_instead:
        yield f"  {PROGRAM} {zone}"


def score_lines(score: Score) -> Iterator[str]:
    """Yield the lines of a score in text format."""
    yield ""
    yield f"Score {score.score}, grade {score.grade}"
    if cap := score.cap:
        yield f"  at most {cap.score}, grade {cap.grade}: {cap.cause.title()}"
    for name, category in score.categories.items():
        tested = f"{category.entry_count} entries" if category.tested else "not tested"
        yield f"  {name:<20} {category.score:>6g}  penalties {category.penalties:g}, {tested}"
    words = {True: "yes", False: "no", None: "not applicable"}
    for name, met in score.criteria.items():
        yield f"  {name:<28} {words[met]}"
    for family in score.disabled_stacks:
        yield f"  partial: {family} is disabled"
