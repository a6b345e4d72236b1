"""Only the owner may access the data directory: wider permissions are narrowed, or the start is refused."""

import os
import stat
from pathlib import Path

import pytest

from gonemaster_api.server.supervisor.datadir import DataDirRefused, lock, prepare
from gonemaster_db.core.session import open_store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.migrations.runner import upgrade
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.support.stores import opened

WIDE = (0o777, 0o755, 0o750, 0o701)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_a_new_directory_is_private_with_every_umask(data_dir: Path) -> None:
    before = os.umask(0)
    try:
        prepare(data_dir)
        lock(data_dir).close()
        with opened(StoreSettings(dsn=str(data_dir / "gonemaster.db"))) as store:
            upgrade(store)
            files = {path.name: mode(path) for path in data_dir.iterdir()}
    finally:
        os.umask(before)
    assert mode(data_dir) == 0o700
    assert files == dict.fromkeys(("server.lock", "gonemaster.db", "gonemaster.db-wal", "gonemaster.db-shm"), 0o600)


@pytest.mark.parametrize("wide", WIDE, ids=oct)
def test_an_existing_one_of_this_service_is_narrowed_with_its_files(data_dir: Path, wide: int) -> None:
    (data_dir / "redis").mkdir(parents=True)
    (data_dir / "gonemaster.db").touch()
    (data_dir / "other").touch(0o644)
    for path in (data_dir, data_dir / "redis", data_dir / "gonemaster.db"):
        path.chmod(wide)
    prepare(data_dir)
    assert [mode(data_dir), mode(data_dir / "redis"), mode(data_dir / "gonemaster.db")] == [0o700, 0o700, 0o600]
    assert mode(data_dir / "other") == 0o644


@pytest.mark.parametrize("wide", WIDE, ids=oct)
def test_a_directory_of_others_is_refused_and_left_as_it_is(data_dir: Path, wide: int) -> None:
    data_dir.mkdir()
    (data_dir / "letter.txt").touch()
    data_dir.chmod(wide)
    with pytest.raises(DataDirRefused, match="mode to 0700"):
        prepare(data_dir)
    assert mode(data_dir) == wide


def test_a_shared_directory_for_temporary_files_is_always_refused(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "gonemaster.db").touch()
    data_dir.chmod(0o1777)
    with pytest.raises(DataDirRefused):
        prepare(data_dir)
    assert mode(data_dir) == 0o1777


def test_a_link_in_it_is_not_followed(data_dir: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.touch(0o644)
    target.chmod(0o644)
    data_dir.mkdir(0o700)
    (data_dir / "gonemaster.db").symlink_to(target)
    prepare(data_dir)
    assert mode(target) == 0o644


def test_the_socket_of_the_embedded_broker_is_private(own_redis: EmbeddedRedis) -> None:
    assert mode(own_redis.directory) == 0o700
    assert mode(own_redis.socket) == 0o700


def test_a_database_that_cannot_be_made_is_reported_by_sqlite(tmp_path: Path) -> None:
    store = open_store(StoreSettings(dsn=str(tmp_path / "missing" / "gonemaster.db")))
    with pytest.raises(Exception, match="unable to open"):
        store.ping()
    store.close()
