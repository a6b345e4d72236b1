"""JSON Lines: one object for each domain, with its findings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from gonemaster_engine.cli.formats.model import EndedRun, Format
from gonemaster_engine.cli.output import json_entries
from gonemaster_engine.cli.policies import add_verdict


class JsonLinesFormat(Format):
    """Writes one line for each domain."""

    writes = frozenset({"causes", "nstimes", "policy", "score"})

    def run(self, ended: EndedRun) -> Iterator[str]:
        """Yield the line of a domain."""
        yield json.dumps(self._document(ended))

    def _document(self, ended: EndedRun) -> dict[str, Any]:
        result, locale = ended.result, self.view.locale
        entries: list[dict[str, Any]] = []
        places: dict[int, range] = {}  # positions in `entries`, by the position in the run
        for number, entry in enumerate(result.entries):
            if self.view.shows(entry):
                start = len(entries)
                entries += json_entries(entry, self.view)
                places[number] = range(start, len(entries))
        document: dict[str, Any] = {
            "domain": result.domain,
            "started_at": result.started_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "duration_s": round(result.duration_s, 3),
            "queries": result.queries,
            "worst_level": ended.worst.name,
            "no_zone": ended.verdict and ended.verdict.as_dict(locale=locale),
            "unfinished": result.unfinished,
            "entries": entries,
        }
        if ended.score is not None:
            document["score"] = ended.score.as_dict()
        if ended.causes is not None:
            from gonemaster_engine.cli.causes_output import cause_documents

            document |= cause_documents(ended.causes, places, locale=locale)
        if ended.by_policy:
            add_verdict(document, ended.by_policy, locale=locale)
        if ended.timings is not None:
            document["nameserver_timings"] = [asdict(timing) for timing in ended.timings]
        return document
