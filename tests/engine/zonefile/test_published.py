"""The comparison of a zone file with what is published now."""

from __future__ import annotations

import asyncio

from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.zonefile.published import compare_with_delegation
from gonemaster_engine.zonefile.reading import FileLimits, read_zone_file
from gonemaster_engine.zonefile.world import domain_name
from tests.engine.zonefile.zones import zone_text
from tests.support.dnsworld import World, faults
from tests.support.dnsworld.spec import Signing
from tests.support.dnsworld.zonedata import ZoneData
from tests.support.engine import loopback_profile, run_context

OLD = {"ns1.a.xa": "127.9.5.1", "ns2.a.xa": "127.9.5.2"}
KEYS = Signing(combined_key=True)
NOW = 2**31  # of no importance for an unsigned zone


def world(**fields: object) -> World:
    made = World()
    made.zone("xa", ns={"ns.nic.xa": "127.9.3.1"})
    made.zone("a.xa", ns=OLD, **fields)
    return made


def text_of(made: World, **changes: object) -> str:
    """Return the published zone with changes, as a file."""
    return zone_text(ZoneData(made.zone_of("a.xa").spec.changed(**changes)))


def compared(made: World, text: str, *, now: int = NOW, domain: str = "a.xa") -> list[Entry]:
    contents = read_zone_file(text, domain_name(domain), FileLimits()).contents

    async def work() -> list[Entry]:
        async with run_context(made) as context:
            profile = loopback_profile(timeout_s=2.0, retry=1)
            return await compare_with_delegation(contents, profile, context.resources, limit_s=30, now=now)

    with made:
        return asyncio.run(work())


def tags(entries: list[Entry]) -> set[str]:
    return {entry.tag for entry in entries}


def test_the_same_zone_with_a_higher_serial_breaks_nothing() -> None:
    made = world()
    assert compared(made, text_of(made, serial=2026112502)) == []


def test_the_serial_must_be_higher() -> None:
    made = world()
    (entry,) = compared(made, text_of(made))
    assert (entry.tag, entry.level) == ("ZF_SERIAL_NOT_HIGHER", Level.WARNING)
    assert entry.args == {"serial": 2026112501, "published_serial": 2026112501}


def test_name_servers_that_are_added_and_removed() -> None:
    made = world()
    made.zone("other.xa", ns={"ns.other.xa": "127.9.6.1"})
    text = text_of(made, serial=2026112502, ns={"ns1.a.xa": "127.9.5.9", "ns3.a.xa": "127.9.6.1", "ns.gone.xa": ()})
    found = compared(made, text)
    args = {entry.tag: entry.args for entry in found}
    assert args.pop("ZF_GLUE_DIFFERS") == {
        "ns": "ns1.a.xa", "addresses": ["127.9.5.1"], "file_addresses": ["127.9.5.9"]
    }  # fmt: skip
    assert args["ZF_GLUE_MISSING"] == {"ns": "ns3.a.xa"}
    assert args["ZF_NS_REMOVED"] == {"ns": "ns2.a.xa"}
    assert args["ZF_NS_NOT_SERVING"] == {"ns": "ns3.a.xa", "address": "127.9.6.1"}
    assert args["ZF_NS_NO_RESPONSE"] == {"ns": "ns1.a.xa", "address": "127.9.5.9"}
    assert args["ZF_NS_NO_ADDRESS"] == {"ns": "ns.gone.xa"}
    assert {"ZF_NS_ADDED"} <= args.keys()
    assert [entry.level for entry in found] == sorted((entry.level for entry in found), reverse=True)


def test_a_silent_server() -> None:
    made = world()
    made.server("127.9.5.2").fault(faults.silence())
    (entry,) = compared(made, text_of(made, serial=2026112502))
    assert (entry.tag, entry.args) == ("ZF_NS_NO_RESPONSE", {"ns": "ns2.a.xa", "address": "127.9.5.2"})


def test_signatures_and_ds_records() -> None:
    import time

    now = int(time.time())
    made = world(signed=KEYS)
    same = text_of(made, serial=2026112502)
    assert compared(made, same, now=now) == []
    made = world(signed=KEYS)
    other = text_of(made, serial=2026112502, signed=Signing(combined_key=True, key_seed="other"))
    found = compared(made, other, now=now)
    assert tags(found) == {"ZF_DS_WITHOUT_KEY", "ZF_DS_NO_LONGER_VALIDATES"}
    assert found[0].level is Level.CRITICAL
    made = world(signed=KEYS)
    assert "ZF_DS_NO_LONGER_VALIDATES" in tags(compared(made, text_of(made, serial=2026112502, signed=None), now=now))
    made = world(signed=KEYS)
    assert "ZF_DS_NO_LONGER_VALIDATES" in tags(compared(made, same, now=now + 90 * 86400))


def test_a_zone_that_becomes_signed_or_delegated() -> None:
    made = world()
    assert tags(compared(made, text_of(made, serial=2026112502, signed=KEYS))) == {"ZF_NO_DS_YET"}
    made = World()
    made.zone("xa", ns={"ns.nic.xa": "127.9.3.1"})
    made.zone("a.xa", ns=OLD, delegation=None)
    found = compared(made, text_of(made))
    assert tags(found) == {"ZF_NOT_DELEGATED"}
