"""A revision that claims compatibility with earlier releases removes nothing they need, on both databases."""

from pathlib import Path

import pytest
from sqlalchemy import text

from gonemaster_db.core.session import Store
from gonemaster_db.migrations.revisions import known_revisions
from gonemaster_db.migrations.runner import upgrade
from tests.support.next_release import CONTRACT, EXPAND, INDEX, following, head, revisions_of, write_revision
from tests.support.schema_changes import narrowed, read_schema

DOWN = "\ndef downgrade() -> None:\n    pass\n"
NARROWING = {
    "domains: run_count is gone": 'op.execute("ALTER TABLE domains DROP COLUMN run_count")',
    "settings: is gone": 'op.rename_table("settings", "options")',
    "jobs: next_text must be given": (
        'op.execute("ALTER TABLE jobs DROP COLUMN next_text");'
        ' op.add_column("jobs", sa.Column("next_text", sa.Text, nullable=False))'
    ),
    "runs: ('next_number', 'id') must be unique": (
        'op.create_index("uq_runs_next", "runs", ["next_number", "id"], unique=True)'
    ),
    "access_tokens: ('label',) is not unique any more, on which ON CONFLICT relies": (
        'op.drop_index("uq_access_tokens_label", "access_tokens")'
    ),
}


def test_compatible_revisions_remove_nothing_that_earlier_releases_need(empty_store: Store) -> None:
    revisions, schemas = known_revisions(), {}
    for number, revision in revisions.items():
        upgrade(empty_store, revision=number)
        schemas[number] = read_schema(empty_store.engine)
        assert narrowed(schemas[revision.compatible_from], schemas[number]) == [], number


def test_additions_are_compatible(store: Store, tmp_path: Path) -> None:
    write_revision(tmp_path, EXPAND, number=1)
    write_revision(tmp_path, INDEX, number=2)
    before = read_schema(store.engine)
    with revisions_of(tmp_path):
        upgrade(store)
    after = read_schema(store.engine)
    assert "next_table" in after
    assert narrowed(before, after) == []


@pytest.mark.parametrize("problem", [*NARROWING, "next_table: is gone"])
def test_breaking_changes_are_reported(store: Store, tmp_path: Path, problem: str) -> None:
    write_revision(tmp_path, EXPAND, number=1)
    body = f"def upgrade() -> None:\n    {NARROWING[problem]}\n{DOWN}" if problem in NARROWING else CONTRACT
    write_revision(tmp_path, body, number=2)
    with revisions_of(tmp_path):
        upgrade(store, revision=following(1))
        before = read_schema(store.engine)
        upgrade(store)
    assert narrowed(before, read_schema(store.engine)) == [problem]


def test_the_schema_records_its_compatibility(store: Store) -> None:
    with store.read_only() as session:
        rows = session.execute(text("SELECT revision, compatible_from FROM schema_compatibility")).all()
    assert [tuple(row) for row in rows] == [(head(), known_revisions()[head()].compatible_from)]
