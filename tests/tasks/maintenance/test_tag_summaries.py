"""Workers count large tags, once a minute for all workers together."""

from functools import partial

import pytest

from gonemaster_db.core.clock import utcnow
from gonemaster_db.domains.domains import ensure_domains
from gonemaster_db.domains.tag_summaries import update_summaries
from gonemaster_db.domains.tags import tag_domains
from gonemaster_db.models import StoredTagSummary
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.maintenance import tag_summaries
from gonemaster_tasks.maintenance.tag_summaries import keep_tag_summaries


def test_one_worker_counts_in_a_minute(parts: QueueParts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_summaries, "update_summaries", partial(update_summaries, large=1))
    with parts.store.transaction() as session:
        names = ["a.example", "b.example"]
        tag_domains(session, ["gov"], ensure_domains(session, names, now=utcnow()).values(), now=utcnow())
    keep = partial(keep_tag_summaries, parts.store, parts.broker, now=utcnow)
    assert [keep(), keep()] == [1, 0]
    with parts.store.read_only() as session:
        kept = session.get(StoredTagSummary, "gov")
        assert kept is not None
        assert (kept.domain_count, kept.ok, kept.grades) == (2, 2, {})


def test_a_worker_that_stops_counts_no_more(parts: QueueParts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_summaries, "update_summaries", partial(update_summaries, large=0))
    with parts.store.transaction() as session:
        tag_domains(session, ["gov"], ensure_domains(session, ["a.example"], now=utcnow()).values(), now=utcnow())
    assert keep_tag_summaries(parts.store, parts.broker, now=utcnow, stopped=lambda: True) == 0
