"""Views in files: damaged files are named with a remedy, limits hold, and names from DNS are only data."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from pyarrow import parquet
from sqlalchemy import text

from gonemaster_db.analysis.capture import Capture, materialise
from gonemaster_db.analysis.column_views.capture import FileStorage
from gonemaster_db.analysis.column_views.engine import FilesUnreadable
from gonemaster_db.analysis.column_views.reading import FileViews
from gonemaster_db.analysis.column_views.statements import VERSION_KEY
from gonemaster_db.analysis.columns.files import orphans
from gonemaster_db.analysis.columns.schema import VERSION_KEY as FACTS_KEY
from gonemaster_db.analysis.facts import EndpointFact
from gonemaster_db.analysis.views import list_specs
from gonemaster_db.analysis.views.files.source import ViewFilesUnavailable, view_session
from gonemaster_db.analysis.views.list_specs import ViewFilter
from gonemaster_db.analysis.views.lists import list_rows
from gonemaster_db.analysis.views.view_cache import cached_value
from gonemaster_db.core.errors import TimeLimitExceeded
from gonemaster_db.core.session import Store
from gonemaster_db.models import CohortSnapshot
from tests.support.analysis.cohorts import made_facts, make_cohort, pending_snapshot, read_snapshot, snapshot_of
from tests.support.analysis.reference import stored_view
from tests.support.rows import NOON


@pytest.fixture
def shown(store: Store, storage: FileStorage) -> CohortSnapshot:
    """A captured snapshot in files."""
    endpoint = EndpointFact("ns1.example", "192.0.2.1", avg_ms=10.0, query_count=3)
    names = [f"d{number}.example" for number in range(50)]
    return snapshot_of(store, make_cohort(store), made_facts(store, names, endpoints=(endpoint,)), files=storage)


def file_of(storage: FileStorage, kind: str) -> Path:
    (found,) = Path(storage.location.root).glob(f"**/{kind}*.parquet")
    return found


def names_of(store: Store, snapshot: CohortSnapshot) -> list[str]:
    assert snapshot.view_id is not None
    with store.read_only() as session:
        return [row.name for row in list_rows(session, snapshot.view_id, list_specs.DOMAINS).items]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def overwrite(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4:200] = b"\xff" * 196
    path.write_bytes(content)


def of_another_version(path: Path) -> None:
    table = parquet.read_table(path)
    parquet.write_table(table.replace_schema_metadata({VERSION_KEY: "2", FACTS_KEY: "2"}), path)


DAMAGES = pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (Path.unlink, "No such file"),
        (cut, "bytes instead of"),
        (overwrite, "is damaged"),
        (of_another_version, "version"),
    ],
    ids=["missing", "cut", "overwritten", "version"],
)


@DAMAGES
def test_an_unreadable_file_of_a_view_is_named(
    store: Store, storage: FileStorage, shown: CohortSnapshot, damage: Callable[[Path], None], problem: str
) -> None:
    damage(file_of(storage, "snapshot_domains"))
    store.read_views_with(FileViews(storage))
    with pytest.raises(FilesUnreadable, match=problem) as caught:
        names_of(store, shown)
    assert caught.value.name == f"views/view={shown.view_id}/snapshot_domains.parquet"
    assert "rematerialize" in str(caught.value) or "restore" in str(caught.value)
    other = snapshot_of(store, make_cohort(store, "other"), made_facts(store, ["x.example"]), files=storage)
    assert names_of(store, other) == ["x.example"], "other snapshots are not affected"


@DAMAGES
def test_unreadable_facts_prevent_only_their_capture(
    store: Store, storage: FileStorage, damage: Callable[[Path], None], problem: str
) -> None:
    snapshot_id = pending_snapshot(store, make_cohort(store), made_facts(store, ["a.example"]), files=storage)
    path = file_of(storage, "facts")
    kept = shutil.copy(path, path.with_suffix(".kept"))
    damage(path)
    assert materialise(store, snapshot_id, now=lambda: NOON, files=storage) is Capture.FAILED
    found = read_snapshot(store, snapshot_id)
    assert path.name in found.last_materialization_error
    assert problem in found.last_materialization_error
    assert found.view_id is None
    shutil.copy(kept, path)
    assert materialise(store, snapshot_id, now=lambda: NOON, files=storage) is Capture.CAPTURED
    assert read_snapshot(store, snapshot_id).last_materialization_error == ""


def test_a_view_in_files_needs_the_location(store: Store, shown: CohortSnapshot) -> None:
    store.read_views_with(None)
    with pytest.raises(ViewFilesUnavailable, match=r"analytics\.location"):
        names_of(store, shown)
    assert materialise(store, shown.id, now=lambda: NOON) is Capture.FAILED


def test_a_deadline_interrupts_a_statement(store: Store, shown: CohortSnapshot) -> None:
    assert shown.view_id is not None
    endless = text("SELECT max(hash(a.range + b.range)) FROM range(10000000) AS a, range(10000000) AS b")

    def read(view_id: int) -> None:
        with store.read_only_within(timedelta(seconds=1)) as session:
            view_session(session, view_id).execute(endless)

    with pytest.raises(TimeLimitExceeded):
        read(shown.view_id)
    assert len(names_of(store, shown)) == 50


def test_statements_reach_no_other_files(store: Store, shown: CohortSnapshot, tmp_path: Path) -> None:
    assert shown.view_id is not None
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    for statement in (f"SELECT * FROM read_csv('{secret}')", f"COPY (SELECT 1) TO '{secret}'", "SET threads = 8"):
        with store.read_only() as session:
            reading = view_session(session, shown.view_id)
            with pytest.raises(Exception, match=r"Permission|locked|read-only|disabled"):
                reading.execute(text(statement))
    assert secret.read_text() == "a,b\n1,2\n"


def test_names_from_dns_are_only_data(store: Store, storage: FileStorage) -> None:
    hostile = ["a'; drop table x; --.example", 'b"\\039.example', "%_.example", "${x}{}.example", "c*[a]?.example"]
    facts = [
        made_facts(store, [f"d{at}.example"], endpoints=(EndpointFact(name, "192.0.2.1"),), profile_name="x'y")[0]
        for at, name in enumerate(hostile)
    ]
    snapshot = snapshot_of(store, make_cohort(store), facts, files=storage)
    with store.read_only() as session:
        assert [key[0] for key in stored_view(session, snapshot.view_id)["nameserver"]] == sorted(hostile)
        assert snapshot.view_id is not None
        for name in hostile:
            page = list_rows(session, snapshot.view_id, list_specs.NAMESERVERS, criteria=ViewFilter(search=name))
            assert [row.name for row in page.items] == [name]


def test_a_killed_capture_leaves_the_previous_view_and_its_successor_cleans_up(
    store: Store, storage: FileStorage, shown: CohortSnapshot, tmp_path: Path
) -> None:
    with store.transaction() as session:
        session.get_one(CohortSnapshot, shown.id).facts_revision += 1
    settings = store.settings
    for calls in (3, 10, 24):
        command = [sys.executable, "-m", "tests.support.analysis.killed_work", settings.driver, settings.dsn]
        ended = subprocess.run(
            [*command, "capture", str(shown.id), str(calls), str(tmp_path)], check=False, env=os.environ, timeout=120
        )
        assert ended.returncode == -9
        assert read_snapshot(store, shown.id).view_id == shown.view_id
        assert len(names_of(store, shown)) == 50
    later = NOON + timedelta(days=2)
    assert materialise(store, shown.id, now=lambda: later, files=storage) is Capture.CAPTURED
    found = read_snapshot(store, shown.id)
    assert found.view_id != shown.view_id
    assert len(names_of(store, found)) == 50
    assert list((tmp_path / "spill").glob("gonemaster-duckdb-*/stage.duckdb")) == []
    with store.read_only() as session:
        names = [file.name for file in storage.location.walk("views")]
        assert len(orphans(session, names)) <= 3, "a killed builder leaves at most the file that it was registering"


def test_files_of_a_view_are_read_from_the_table_once(store: Store, shown: CohortSnapshot) -> None:
    names_of(store, shown)
    with store.read_only() as session:
        cached = cached_value(session, (shown.view_id, "files"), lambda: pytest.fail("not cached"))
    assert {file.kind for file in cached} >= {"snapshot_domains", "members_tag_domain"}
