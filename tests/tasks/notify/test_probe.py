"""DSYNC records are looked up, and their endpoints get a NOTIFY message, which real receivers answer."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest

from gonemaster_db.core.session import Store
from gonemaster_engine.automation.observation import open_zone
from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.zone.notify import EndpointAnswer
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.notify.listener import receive
from gonemaster_tasks.notify.probe import DsyncReport, _ask, probe
from tests.engine.zone.test_dsync import FOR_CDS, TARGET, line, parent_with
from tests.support.dnsworld import World
from tests.support.engine import loopback_profile
from tests.tasks.notify.test_listener import ZONE

SILENT = "127.79.1.1"


def settings_of(world: World, directory: Path, **changes: object) -> Settings:
    return dataclasses.replace(
        Settings(
            root_hints_path=world.write_hints(directory / "root.hints"),
            dns_port=world.port,
            allow_non_global=True,
            timeout=2,
            retry=1,
            notify_listen="127.0.0.1:0",
            notify_target=TARGET,
        ),
        **changes,  # type: ignore[arg-type]
    )


def probed(store: Store, directory: Path, *, address: str = "127.0.0.1", domain: str = ZONE) -> DsyncReport:
    """Run a receiver, publish its port in the parent zone, and probe it."""

    async def whole() -> DsyncReport:
        stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
        with World() as unused:
            receiver = settings_of(unused, directory)
            serving = asyncio.create_task(receive(receiver, store, stop, ready=port.set_result))
            try:
                record = dataclasses.replace(FOR_CDS, port=await port)
                with parent_with(f"{line('*._dsync', record)}\n{TARGET}. A {address}") as world:
                    return await probe(domain, settings_of(world, directory))
            finally:
                stop.set()
                await serving

    return asyncio.run(whole())


def test_an_endpoint_that_answers_is_good(store: Store, tmp_path: Path) -> None:
    found = probed(store, tmp_path)
    (answer,) = found.answers
    assert (answer.address, answer.rcode, answer.problem) == ("127.0.0.1", "REFUSED", "")
    assert found.is_good  # it answers, but no watch of this receiver has the domain
    assert found.lines() == [f"{TARGET} port {answer.record.port}, 127.0.0.1: REFUSED"]


def test_an_endpoint_that_does_not_answer_is_named(store: Store, tmp_path: Path) -> None:
    found = probed(store, tmp_path, address=SILENT)
    assert not found.is_good
    (answer,) = found.answers
    assert (answer.address, answer.rcode) == (SILENT, "")
    assert answer.problem


@pytest.mark.parametrize(
    ("records", "text"),
    [
        ("", "publishes no DSYNC record for CDS"),
        (line("*._dsync", dataclasses.replace(FOR_CDS, rtype=62)), "publishes no DSYNC record for CDS"),
        (line("*._dsync", FOR_CDS), "the target has no address"),
    ],
    ids=["none", "for CSYNC", "without an address"],
)
def test_what_is_missing_is_named(tmp_path: Path, records: str, text: str) -> None:
    with parent_with(records) as world:
        found = asyncio.run(probe(ZONE, settings_of(world, tmp_path)))
    assert not found.is_good
    assert text in found.lines()[0]


def test_a_target_in_a_private_network_gets_no_message(tmp_path: Path) -> None:
    """The guard is on after the address is known, because the whole world is in a private network."""

    async def whole(settings: Settings) -> list[EndpointAnswer]:
        resources = Resources.open(root_hints=settings.root_hints_path, dns_port=settings.dns_port, hot_cache_ttl_s=0)
        try:
            async with open_zone(ZONE, loopback_profile(timeout_s=2.0, retry=1), resources) as zone:
                assert await zone.recursor.addresses(TARGET) == ["127.0.0.1"]
                zone.context.profile = default_profile()
                return [answer async for answer in _ask(zone, FOR_CDS)]
        finally:
            await resources.close()

    with parent_with(f"{line('*._dsync', FOR_CDS)}\n{TARGET}. A 127.0.0.1") as world:
        (answer,) = asyncio.run(whole(settings_of(world, tmp_path)))
    assert answer.problem == "the address is not globally reachable"


def test_a_name_that_is_no_domain_is_refused(tmp_path: Path) -> None:
    with parent_with("") as world, pytest.raises(InvalidDomain):
        asyncio.run(probe("a..b", settings_of(world, tmp_path)))
