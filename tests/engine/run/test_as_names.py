"""AS names over DNS: from the first database that has one, within a time limit, with any content."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonemaster_engine.run import as_names
from gonemaster_engine.run.as_names import MAX_LABEL, AsName, look_up_as_names, read_as_name
from tests.engine.asn.test_asn import CYMRU_SERVER, SECOND_SERVER, databases
from tests.support.dnsworld import World, faults
from tests.support.engine import run_context

EXAMPLE = 'as64500 TXT "64500 | SE | ripencc | 2026-01-01 | EXAMPLE-AS - Example Networks, SE"'


def names_of(world: World, *asns: int, limit_s: float | None = None, **settings: Any) -> dict[int, AsName | None]:
    async def work() -> dict[int, AsName | None]:
        async with asyncio.timeout(30), run_context(world, **settings) as context:
            return await look_up_as_names(asns, context.profile, context.resources, limit_s=limit_s)

    with world:
        return asyncio.run(work())


def test_a_name_is_that_of_the_first_database_that_has_one() -> None:
    other = 'as64501 TXT "64501 | NO | ripencc | 2026-01-01 | SECOND, NO"'
    found = names_of(databases(EXAMPLE, second=(EXAMPLE.replace("Networks", "Elsewhere"), other)), 64500, 64501, 64502)
    assert found == {
        64500: AsName(64500, "EXAMPLE-AS", "Example Networks", "SE"),
        64501: AsName(64501, "SECOND", "", "NO"),
        64502: None,
    }
    assert [name.label for name in found.values() if name] == ["EXAMPLE-AS - Example Networks, SE", "SECOND, NO"]


def test_an_unanswered_query_leaves_no_value() -> None:
    world = databases(EXAMPLE)
    world.server(SECOND_SERVER).fault(faults.rcode("SERVFAIL"), qtype="TXT")
    assert names_of(world, 64500, 64502) == {
        64500: AsName(64500, "EXAMPLE-AS", "Example Networks", "SE"),
        64502: None,
    }
    world = databases(EXAMPLE)
    for address in (CYMRU_SERVER, SECOND_SERVER):
        world.server(address).fault(faults.rcode("SERVFAIL"), qtype="TXT")
    assert names_of(world, 64500) == {}


@pytest.mark.parametrize("whose", ["all", "each"])
def test_a_silent_database_is_left_when_the_time_is_over(whose: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = databases(EXAMPLE)
    for address in (CYMRU_SERVER, SECOND_SERVER):
        world.server(address).fault(faults.silence(), qtype="TXT")
    monkeypatch.setattr(as_names, "EACH_S", 0.2 if whose == "each" else 60.0)
    limit_s = 0.2 if whose == "all" else None
    assert names_of(world, *range(64500, 64520), limit_s=limit_s, timeout_s=60.0) == {}


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("64500 | SE | ripencc | 2026-01-01 | EXAMPLE - A, B - C, SE", "EXAMPLE - A, B - C, SE"),
        ("64500 | SE | ripencc | 2026-01-01 | EXAMPLE", "EXAMPLE, SE"),
        ("64500 | ZZ |  |  | EXAMPLE, ZZ", "EXAMPLE"),
        ("64500 | US | arin | | PIPE | INC, US", "PIPE | INC, US"),
        ("64500 | SE | x | y | a\x1b[31mb\u202e\n<script>", "a [31mb <script>, SE"),
        ("64500 | SE | x | y | " + "x" * 900, "x" * (MAX_LABEL - 4) + ", SE"),
        ("64501 | SE | x | y | of another", None),
        ("64500 | SE | x | y | ", None),
        ("64500 | SE", None),
    ],
)
def test_a_record_is_read(text: str, label: str | None) -> None:
    name = read_as_name(64500, text)
    assert (name.label if name else None) == label


@given(st.text(max_size=400))
def test_the_label_of_every_holder_is_one_short_line(text: str) -> None:
    name = read_as_name(64500, f"64500 | SE | x | y | {text}")
    if name is not None:
        assert len(name.label) <= MAX_LABEL
        assert name.label.isprintable()
