"""Metrics in the text format of Prometheus, for the textfile collector of node_exporter.

The collector reads a file at any time, so that `--output` replaces the file in one step.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

from gonemaster_engine.cli.formats.model import EndedRun, Format
from gonemaster_engine.entries import Level

MAX_DOMAINS = 1000  # each is a label value in seven time series or more; Prometheus keeps them in memory
_LEVELS = (Level.NOTICE, Level.WARNING, Level.ERROR, Level.CRITICAL)
_HELP = {
    "findings": "Findings of the last test by level.",
    "score": "Score of the last test, 0 to 100; missing if the test could not judge the domain.",
    "duration_seconds": "Duration of the last test.",
    "timestamp_seconds": "Start of the last test.",
    "queries": "Queries sent in the last test.",
    "verdict": "1 for the result of the last test by the policy: pass, fail or undecided.",
    "complete": "1 if all test cases of the last test finished, else 0.",
}


class PrometheusFormat(Format):
    """Writes the metrics after the last run, because the format keeps the samples of a metric together."""

    writes = frozenset({"policy", "score"})
    _samples: dict[str, list[str]]
    _domains = 0

    def start(self) -> Iterator[str]:
        """Yield nothing."""
        self._samples = {name: [] for name in _HELP}
        yield from ()

    def run(self, ended: EndedRun) -> Iterator[str]:
        """Collect the metrics of a domain."""
        self._domains += 1
        if self._domains > MAX_DOMAINS:
            return
        result = ended.result
        label = f'domain="{_escaped(result.domain)}"'
        counts = Counter(entry.level for entry in result.entries)
        for level in _LEVELS:
            self._add("findings", f'{label},level="{level.name.lower()}"', counts[level])
        if ended.score:
            self._add("score", label, ended.score.score)
        self._add("duration_seconds", label, round(result.duration_s, 3))
        self._add("timestamp_seconds", label, round(result.started_at.timestamp()))
        self._add("queries", label, result.queries)
        if verdict := ended.by_policy:
            policy = f'{label},policy="{_escaped(verdict.policy)}"'
            self._add("verdict", f'{policy},result="{verdict.result.value}"', 1)
        self._add("complete", label, int(not result.unfinished))
        yield from ()

    def _add(self, name: str, labels: str, value: float) -> None:
        self._samples[name].append(f"gonemaster_test_{name}{{{labels}}} {value}")

    def end(self) -> Iterator[str]:
        """Yield the metrics."""
        for name, samples in self._samples.items():
            if samples:
                yield f"# HELP gonemaster_test_{name} {_HELP[name]}"
                yield f"# TYPE gonemaster_test_{name} gauge"
                yield from samples
        if self._domains > MAX_DOMAINS:
            print(f"only the first {MAX_DOMAINS} of {self._domains} domains have metrics", file=sys.stderr)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
