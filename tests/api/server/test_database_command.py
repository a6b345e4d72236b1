"""`gonemaster-server db` and `backup`, on a separate database; the commands of the page about upgrades."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gonemaster_api.server.cli import main
from tests.support.next_release import CONTRACT, EXPAND, following, head, revisions_of, write_revision
from tests.support.sources import ROOT

OF_NO_TABLE = """
def upgrade() -> None:
    op.execute("DELETE FROM settings")

def downgrade() -> None:
    pass
"""
NEXT = following(1)


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory in which the commands find their database."""
    monkeypatch.setenv("GONEMASTER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def printed(capsys: pytest.CaptureFixture[str], *command: str, status: int = 0) -> str:
    assert main(command) == status
    written = capsys.readouterr()
    return written.out if status < 2 else written.err


def test_commands_of_the_page_about_upgrades(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = (ROOT / "docs/howto/upgrade.md").read_text()
    found = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    lines = [line for block in found for line in block.splitlines()]
    commands = [line.removeprefix("gonemaster-server ") for line in lines if line.startswith("gonemaster-server ")]
    assert commands == ["db current", "db plan", "db upgrade", "db check", "db downgrade 0029"]
    assert {line.partition(" ")[0] for line in lines} == {"gonemaster-server", "systemctl"}
    assert "`systemctl restart`" in page.partition("## Commands that no test runs")[2]
    printed(capsys, "db", "upgrade")
    write_revision(tmp_path, OF_NO_TABLE)
    with revisions_of(tmp_path):
        outputs = [printed(capsys, *command.split()) for command in commands]
        assert outputs[0] == f"{head()}\n"
        assert outputs[1] == (
            f"version {head()}, to be applied:\n{NEXT}  Next release 1\n"
            "The API, workers and beat can keep running; replace them one by one afterwards.\n"
        )
        assert outputs[3] == f"version {NEXT}: compatible with this release\n"
        assert printed(capsys, "db", "current") == "0029\n"


def test_sizes_show_the_growth_and_the_free_space(capsys: pytest.CaptureFixture[str]) -> None:
    printed(capsys, "db", "upgrade")
    text = printed(capsys, "db", "size")
    for part in ("MiB  database, 0 runs", "MiB  growth a day: 0 runs", "MiB  free on the disk"):
        assert part in text


def test_tables_that_differ_from_the_models_are_listed(capsys: pytest.CaptureFixture[str], data_dir: Path) -> None:
    printed(capsys, "db", "upgrade")
    assert printed(capsys, "db", "plan") == f"version {head()}, nothing to do\n"
    with closing(sqlite3.connect(data_dir / "gonemaster.db")) as connection:
        connection.execute("DROP INDEX ix_runs_by_finished_reversed")
    for command in ("plan", "check"):
        assert printed(capsys, "db", command, status=1) == (
            "the tables differ from those of this release:\n"
            "  index ix_runs_by_finished_reversed of table runs is missing\n"
        )


def test_a_plan_lists_what_the_upgrade_has_to_remove(
    capsys: pytest.CaptureFixture[str], data_dir: Path, tmp_path: Path
) -> None:
    printed(capsys, "db", "upgrade")
    with closing(sqlite3.connect(data_dir / "gonemaster.db")) as connection:
        connection.execute("ALTER TABLE jobs ADD COLUMN next_text TEXT")
    write_revision(tmp_path, EXPAND)
    with revisions_of(tmp_path):
        plan = printed(capsys, "db", "plan")
    assert "  column jobs.next_text is not part of this release\n" in plan


@pytest.mark.parametrize("command", [("db", "upgrade"), ("db", "plan"), ("db", "check"), ("all",)])
def test_a_database_from_before_the_first_release_is_refused(
    capsys: pytest.CaptureFixture[str], data_dir: Path, command: tuple[str, ...]
) -> None:
    printed(capsys, "db", "upgrade")
    with closing(sqlite3.connect(data_dir / "gonemaster.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0028'")
        connection.commit()
    text = printed(capsys, *command, status=1 if command[-1] == "check" else 2)
    assert text.count("\n") == 1
    assert "the last version that can upgrade it is gonemaster 0.1.0 at commit 2f6dad3" in text


def test_the_plan_shows_whether_the_older_release_works(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "not up to date" in printed(capsys, "db", "check", status=1)
    printed(capsys, "db", "upgrade")
    write_revision(tmp_path, EXPAND, number=1)
    last = write_revision(tmp_path, CONTRACT, number=2, compatible=False)
    with revisions_of(tmp_path):
        plan = printed(capsys, "db", "plan")
        printed(capsys, "db", "upgrade")
    assert plan.endswith(f"First stop the API, workers and beat on all machines: {last} would break them.\n")
    assert printed(capsys, "db", "check", status=1) == (
        f"the database belongs to a later release, version {last}: it works with releases from {last}, and this one has"
        f" {head()}; install a later release\n"
    )
    for command in (["db", "upgrade"], ["db", "plan"]):
        assert "belongs to a later release" in printed(capsys, *command, status=2)


def test_a_backup_has_what_the_database_has(capsys: pytest.CaptureFixture[str], data_dir: Path) -> None:
    printed(capsys, "db", "upgrade")
    with closing(sqlite3.connect(data_dir / "gonemaster.db")) as connection:  # open: all data is in the log
        connection.execute("INSERT INTO settings (key, value, updated_at) VALUES ('k', '1', '2026-01-01 00:00:00')")
        connection.commit()
        assert printed(capsys, "backup", "copy.db").startswith("copy.db: ")
    with closing(sqlite3.connect("copy.db")) as connection:
        assert connection.execute("SELECT key FROM settings").fetchall() == [("k",)]
    assert Path("copy.db").stat().st_mode & 0o777 == 0o600


def test_a_backup_is_refused_where_it_would_overwrite_or_cannot_be_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    printed(capsys, "db", "upgrade")
    Path("there.db").write_text("precious")
    assert "already exists; choose a new file" in printed(capsys, "backup", "there.db", status=2)
    assert Path("there.db").read_text() == "precious"
    assert "No such file or directory" in printed(capsys, "backup", "nowhere/copy.db", status=2)
    monkeypatch.setenv("GONEMASTER_DB_DRIVER", "postgres")
    monkeypatch.setenv("GONEMASTER_DB_DSN", "postgresql://nobody@127.0.0.1:1/none")
    assert "pg_dump" in printed(capsys, "backup", "copy.db", status=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "there.db"]
