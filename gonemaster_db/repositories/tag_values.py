"""Values of one argument of a message tag over the runs of a batch."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.chunks import chunks
from gonemaster_db.documents.registry import matching_kinds
from gonemaster_db.json_text import dump_json
from gonemaster_db.models import Run
from gonemaster_db.repositories.batches import of_batch
from gonemaster_db.repositories.matching_outcomes import find_outcomes, has_outcome
from gonemaster_db.repositories.run_documents import read_stored_runs

_SAMPLES = 10
_MAX_SCORE = 100
_SLICE = 500


@dataclass(frozen=True, slots=True)
class TagValue:
    """One value, the number of domains that have it, their average score and some of their names."""

    value: str
    count: int
    avg_score: float | None
    sample_domains: Sequence[str]


@dataclass(slots=True)
class _Value:
    """The domains with one value, and the lowest score of each."""

    scores: dict[str, int | None] = field(default_factory=dict)

    def add(self, domain: str, score: int | None) -> None:
        known = [one for one in (self.scores.get(domain), score) if one is not None]
        self.scores[domain] = min(known, default=None)

    @property
    def lacking(self) -> int:
        return sum(_MAX_SCORE - score for score in self.scores.values() if score is not None)


def list_tag_values(
    session: Session,
    batch_id: str,
    *,
    message_tag: str,
    argument: str,
    min_count: int = 1,
    limit: int = 50,
    weight_by_score: bool = False,
) -> list[TagValue]:
    """Group the values by the number of domains, most first.

    With `weight_by_score` a domain counts 100 minus its score, so that values of bad domains come first.
    A value that is not a string is returned as JSON text.

    Raises:
        DocumentDamaged: the document of a run cannot be read.
    """
    found: dict[str, _Value] = {}
    for value, domain, score in _found(session, batch_id, message_tag, argument):
        found.setdefault(value, _Value()).add(domain, score)
    enough = [(text, value) for text, value in found.items() if len(value.scores) >= min_count]
    enough.sort(key=lambda one: (-one[1].lacking if weight_by_score else 0, -len(one[1].scores), one[0]))
    return [_tag_value(text, value.scores) for text, value in enough[:limit]]


def _found(session: Session, batch_id: str, message_tag: str, argument: str) -> Iterator[tuple[str, str, int | None]]:
    """Yield values as JSON text with domain and score, run by run."""
    kinds = set(matching_kinds(session, tag=message_tag))
    matching = has_outcome(find_outcomes(session, kinds))
    query = select(Run.id, Run.score).where(of_batch(session, batch_id), matching)
    for rows in chunks(session.execute(query).all(), _SLICE):
        scores: Mapping[str, int | None] = {row.id: row.score for row in rows}
        for run in read_stored_runs(session, list(scores)).values():
            for place, kind in enumerate(run.kinds):
                if kind in kinds:
                    args = run.whole_document.arguments(place)
                    if argument in args:
                        yield _spelled(args[argument]), run.domain, scores[run.id]


def _spelled(value: Any) -> str:
    """Return a value as JSON text that is equal for equal values."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _tag_value(text: str, scores: Mapping[str, int | None]) -> TagValue:
    known = [score for score in scores.values() if score is not None]
    average = round(sum(known) / len(known), 1) if known else None
    return TagValue(_readable(text), len(scores), average, sorted(scores)[:_SAMPLES])


def _readable(text: str) -> str:
    value = json.loads(text)
    return value if isinstance(value, str) else dump_json(value)
