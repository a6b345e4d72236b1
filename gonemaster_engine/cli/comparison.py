"""The command `gonemaster diff`: compare the findings in two files of results.

A tag of a test case counts once, with its worst level. Arguments do not count: they may change without a relevant
change, such as the remaining days of a signature.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from gonemaster_engine.cli.formats.markdown import escape_markdown, table_head
from gonemaster_engine.cli.options import EXIT_FINDINGS, PROGRAM, level
from gonemaster_engine.cli.parsing import Parser
from gonemaster_engine.entries import Level
from gonemaster_engine.errors import EngineError
from gonemaster_engine.findings.messages import phrase
from gonemaster_engine.findings.messages.formatting import printable
from gonemaster_engine.findings.messages.reports import LABELS, SUMMARIES


class ResultFileError(EngineError):
    """A file does not contain results of gonemaster."""


class WorstFinding(NamedTuple):
    """The worst level of a tag of a test case, with the message of its first finding of that level."""

    level: Level
    message: str


_Key: TypeAlias = tuple[str, str, str]  # module, test case, tag
_Findings: TypeAlias = dict[_Key, WorstFinding]


@dataclass(frozen=True, slots=True)
class FindingDifference:
    """A tag that is only in one file, or that has another level."""

    domain: str
    key: _Key
    before: WorstFinding | None
    after: WorstFinding | None

    def as_dict(self) -> dict[str, Any]:
        """Return the change as a document for JSON output."""
        module, testcase, tag = self.key
        found = self.after or self.before
        return {
            "domain": self.domain or None,
            "module": module,
            "testcase": testcase,
            "tag": tag,
            "before": self.before and self.before.level.name,
            "after": self.after and self.after.level.name,
            "message": found and found.message,
        }


@dataclass(slots=True)
class FileComparison:
    """The differences between two files."""

    appeared: list[FindingDifference] = field(default_factory=list)
    cleared: list[FindingDifference] = field(default_factory=list)
    level_changed: list[FindingDifference] = field(default_factory=list)
    only_in_first: list[str] = field(default_factory=list)
    only_in_second: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)

    def add(self, domain: str, before: _Findings, after: _Findings) -> None:
        """Add the changes of a domain that is in both files."""
        for key in sorted(before.keys() | after.keys()):
            old, new = before.get(key), after.get(key)
            change = FindingDifference(domain, key, old, new)
            if old is None:
                self.appeared.append(change)
            elif new is None:
                self.cleared.append(change)
            elif old.level is not new.level:
                self.level_changed.append(change)


def compare_files(words: Sequence[str]) -> int:
    """Run the command and return its exit code: 0 the findings are the same, 1 they differ.

    Raises:
      UsageError: the options are invalid.
      EngineError: a file cannot be read.
    """
    options = build_parser().parse_args(words)
    before, after = (read_results(path, options.min_level) for path in (options.first, options.second))
    if before.keys() != after.keys() and len(before) == len(after) == 1 and "" in {*before, *after}:
        before, after = ({"": found} for each in (before, after) for found in each.values())  # one has no name
    comparison = FileComparison(
        only_in_first=sorted(before.keys() - after.keys()), only_in_second=sorted(after.keys() - before.keys())
    )
    for domain in sorted(before.keys() & after.keys()):
        comparison.add(domain, before[domain], after[domain])
    for line in _WRITERS[options.shape](comparison, options.locale):
        print(line)
    return EXIT_FINDINGS if comparison else 0


def build_parser() -> Parser:
    """Return the parser of the command."""
    parser = Parser(
        prog=f"{PROGRAM} diff",
        description="Compare the findings in two files: which appeared, which cleared, and which have another level.",
        epilog="Exit status: 0 the findings are the same, 1 they differ, 2 a file cannot be compared.",
        allow_abbrev=False,
    )
    formats = "results in the format json, json-stream or json-lines"
    parser.add_argument("first", metavar="FILE", type=Path, help=formats)
    parser.add_argument("second", metavar="FILE", type=Path, help="later results")
    parser.add_argument(
        "--format",
        dest="shape",
        metavar="FORMAT",
        choices=list(_WRITERS),
        default="text",
        help="text, json or markdown",
    )
    parser.add_argument(
        "--min-level", metavar="LEVEL", type=level, default=Level.NOTICE, help="lowest level to compare (NOTICE)"
    )
    parser.add_argument("--locale", metavar="LOCALE", default="en", help="language of titles")
    return parser


def read_results(path: Path, min_level: Level) -> dict[str, _Findings]:
    """Return the findings of a file by domain; the formats json and json-stream do not contain the domain.

    Raises:
      ResultFileError: the file cannot be read, or does not contain results.
    """
    found: dict[str, _Findings] = {}
    try:
        for domain, entries in _domains(path):
            findings = found.setdefault(domain, {})
            for entry in entries:
                _keep_worst(findings, entry, min_level)
    except OSError as error:
        raise ResultFileError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ResultFileError(
            f"{path} does not contain results in the format json, json-stream or json-lines"
        ) from error
    return found


def _domains(path: Path) -> Iterator[tuple[str, Iterable[Mapping[str, Any]]]]:
    """Yield domains with their entries. JSON lines are read one by one; an empty file is a stream without entries."""
    with path.open(encoding="utf-8") as file:
        first = file.readline()
        if not first:
            yield "", ()
            return
        try:
            document = json.loads(first)
        except ValueError:  # one document in several lines
            document = json.loads(first + file.read())
        yield from _of_document(document)
        for line in file:
            if line.strip():
                yield from _of_document(json.loads(line))


def _of_document(document: Any) -> Iterator[tuple[str, Iterable[Mapping[str, Any]]]]:
    if isinstance(document, list):
        yield "", document
    elif "entries" in document:
        yield printable(str(document.get("domain", ""))), document["entries"]
    elif "tag" in document:
        yield "", [document]
    elif {"root_causes", "nameserver_timings"} & document.keys():
        yield "", ()  # the last line of json-stream
    else:
        raise ValueError("neither a result nor an entry")


def _keep_worst(findings: _Findings, entry: Mapping[str, Any], min_level: Level) -> None:
    entry_level = Level[entry["level"]]
    if entry_level < min_level:
        return
    key = str(entry["module"]), str(entry["testcase"]), str(entry["tag"])
    if key not in findings or findings[key].level < entry_level:
        findings[key] = WorstFinding(entry_level, printable(str(entry.get("message", ""))))


def _text_lines(comparison: FileComparison, locale: str) -> Iterator[str]:
    for title, changes in _parts(comparison, locale):
        yield f"{title}:"
        for change in changes:
            module, testcase, tag = change.key
            source = " ".join(filter(None, (change.domain, testcase or module.capitalize(), tag)))
            yield f"  {_levels(change):<19} {source}: {_message(change)}"
    yield from _rest(comparison, locale)


def _markdown_lines(comparison: FileComparison, locale: str) -> Iterator[str]:
    for title, changes in _parts(comparison, locale):
        yield f"### {title}"
        yield ""
        yield from table_head("domain", "level", "testcase", "message", locale=locale)
        for change in changes:
            source = change.key[1] or change.key[0].capitalize()
            cells = (change.domain, _levels(change), source, _message(change))
            yield f"| {' | '.join(map(escape_markdown, cells))} |"
        yield ""
    for line in _rest(comparison, locale):
        yield escape_markdown(line)
        yield ""


def _json_lines(comparison: FileComparison, _locale: str) -> Iterator[str]:
    changes = {name: [change.as_dict() for change in getattr(comparison, name)] for name in _CHANGES}
    only = {name: getattr(comparison, name) for name in _ONLY}
    yield json.dumps(changes | only, indent=2)


def _parts(comparison: FileComparison, locale: str) -> Iterator[tuple[str, list[FindingDifference]]]:
    for name in _CHANGES:
        if changes := getattr(comparison, name):
            yield phrase(LABELS[name], {}, locale=locale), changes


def _rest(comparison: FileComparison, locale: str) -> Iterator[str]:
    for name in _ONLY:
        for domain in getattr(comparison, name):
            yield phrase(SUMMARIES[name], {"domain": domain}, locale=locale)
    if not comparison:
        yield phrase(SUMMARIES["same"], {}, locale=locale)


def _levels(change: FindingDifference) -> str:
    return " > ".join(found.level.name for found in (change.before, change.after) if found)


def _message(change: FindingDifference) -> str:
    found = change.after or change.before
    return found.message if found else ""


_CHANGES = ("appeared", "cleared", "level_changed")
_ONLY = ("only_in_first", "only_in_second")
_WRITERS: Mapping[str, Callable[[FileComparison, str], Iterator[str]]] = {
    "text": _text_lines,
    "json": _json_lines,
    "markdown": _markdown_lines,
}
