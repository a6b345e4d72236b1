"""The list of top-level domains: bundled, fetched from a real server, and kept if the response is not valid."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from gonemaster_db.core.session import Store
from gonemaster_db.service.reference_lists import find_reference_list
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.reference_data.fetch import FetchFailed, fetch_tlds, refresh_external_data
from gonemaster_tasks.reference_data.tlds import IANA_TLDS, bundled_tlds, current_tlds, parse_tlds
from tests.support.documents import Source, open_source
from tests.support.rows import NOON

NAMES = [f"tld{number}" for number in range(600)]
LIST = "# Version 2026112600, Last Updated\n" + "".join(f"{name.upper()}\n" for name in NAMES)


@pytest.fixture
def source() -> Iterator[Source]:
    with open_source() as made:
        made.put("/tlds.txt", LIST)
        yield made


def settings_for(source: Source, *, enabled: bool = True, timeout: str = "10s") -> Settings:
    flags = {
        "external_data_source_iana_tlds": f"{source.url}/tlds.txt",
        "external_data_source_rdap_bootstrap": f"{source.url}/rdap.json",
        "external_data_enabled": enabled,
        "external_data_timeout": timeout,
    }
    return load_settings(flags, {})


def test_the_bundled_list_is_that_of_the_root() -> None:
    bundled = bundled_tlds()
    assert {"com", "se", "arpa", "xn--p1ai", "zuerich"} <= bundled.names
    assert not {"local", "example", "test"} & bundled.names
    assert bundled.fetched_at is None


def test_a_fetched_list_takes_the_place_of_the_bundled_one(store: Store, source: Source) -> None:
    with store.read_only() as session:
        assert current_tlds(session) == bundled_tlds()
    fetched = fetch_tlds(store, settings_for(source), now=NOON)
    assert (fetched.version, len(fetched.names)) == ("2026112600", 600)
    with store.read_only() as session:
        current = current_tlds(session)
    assert (current.version, current.names, current.fetched_at) == ("2026112600", frozenset(NAMES), NOON)


WRONG: dict[str, tuple[int, bytes, dict[str, str]]] = {
    "an error": (500, b"", {}),
    "a page": (200, b"<html>login</html>", {}),
    "no version": (200, LIST.partition("\n")[2].encode(), {}),
    "few names": (200, b"# Version 1\nCOM\n", {}),
    "no names": (200, LIST.encode() + b"not a name\n", {}),
    "other octets": (200, LIST.encode() + b"\xff\xfe\n", {}),
    "too much": (200, LIST.encode() + b"# \n" * 400_000, {}),
    "a file": (302, b"", {"Location": "file:///etc/passwd"}),
}


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_what_is_not_the_list_changes_nothing(
    store: Store, source: Source, answer: tuple[int, bytes, dict[str, str]]
) -> None:
    fetch_tlds(store, settings_for(source), now=NOON)
    source.answers["/tlds.txt"] = answer
    with pytest.raises(FetchFailed):
        fetch_tlds(store, settings_for(source), now=NOON + timedelta(days=1))
    with store.read_only() as session:
        assert current_tlds(session).names == frozenset(NAMES)
        row = find_reference_list(session, IANA_TLDS)
    assert row is not None
    assert row.last_error.startswith("http://127.0.0.1")
    assert (row.last_error_at, row.fetched_at) == (NOON + timedelta(days=1), NOON)


def test_it_is_fetched_regularly_only_where_that_is_enabled(store: Store, source: Source) -> None:
    assert not refresh_external_data(store, settings_for(source, enabled=False), now=NOON)
    settings, day = settings_for(source), timedelta(days=1)

    def refreshed(later: timedelta) -> bool:
        return IANA_TLDS in refresh_external_data(store, settings, now=NOON + later)

    assert [refreshed(later) for later in (0 * day, day / 2, day, day * 1.5, 2 * day)] == [
        True, False, True, False, True,
    ]  # fmt: skip
    source.answers["/tlds.txt"] = (500, b"", {})
    assert not refreshed(3 * day)
    source.put("/tlds.txt", LIST)
    assert not refreshed(3.5 * day), "a failure is not repeated at once either"
    assert refreshed(4 * day)
    assert source.asked.count("/tlds.txt") == 5


def test_an_unavailable_server_is_reported(store: Store) -> None:
    with pytest.raises(FetchFailed, match=r"127\.0\.0\.1:1/.*refused"):
        fetch_tlds(store, settings_for(Source("http://127.0.0.1:1")), now=NOON)


def test_names_come_in_lower_case() -> None:
    assert parse_tlds(LIST).names == frozenset(NAMES)
