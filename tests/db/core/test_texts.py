"""A sentence is stored with its template, so that pages can translate it; one without a template is read as it is."""

from typing import Any

import pytest
from sqlalchemy import String, select, type_coerce

from gonemaster_db.core.session import Store
from gonemaster_db.core.texts import Text
from gonemaster_db.models import Operation, OperationKind
from gonemaster_db.service import operations
from tests.support.rows import LEASE, NOON


def stored(store: Store, error: str) -> tuple[str, Any]:
    """Store an error; return the column as a person sees it, and as programs read it."""
    with store.transaction() as session:
        made = operations.create_operation(
            session, OperationKind.CANCEL_BATCH, target="batch_1", total=5, who="ops", now=NOON, parameters={}
        )
        operations.claim_next_operation(session, worker="w", now=NOON, lease=LEASE)
        operations.finish_operation(session, made.id, worker="w", now=NOON, error=error)
    with store.read_only() as session:
        raw = session.scalar(select(type_coerce(Operation.error, String)).where(Operation.id == made.id))
        return str(raw), session.scalar(select(Operation.error).where(Operation.id == made.id))


def test_a_text_is_stored_with_its_template_and_values(store: Store) -> None:
    why = Text("it is {name}", name="{å}\x00")
    raw, read = stored(store, Text("{n} failed: {why}", n=2, why=why))
    assert raw.startswith("2 failed: it is {å}")
    assert read == "2 failed: it is {å}\N{REPLACEMENT CHARACTER}"
    assert (read.template, read.values["n"], read.values["why"].template) == ("{n} failed: {why}", "2", "it is {name}")


@pytest.mark.parametrize("sentence", ["", "it is {full}", 'it is\x1e["{", {}]'])
def test_any_other_sentence_is_read_as_it_was_written(store: Store, sentence: str) -> None:
    _, read = stored(store, sentence)
    assert read == sentence.replace("\x1e", " ")
    assert type(read) is str
