"""BASIC: parent zone, zone and a working name server exist; the other modules depend on them."""

from __future__ import annotations

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases.basic._name import EMPTY_LABEL, LABEL_TOO_LONG, NAME_TOO_LONG, name_findings
from gonemaster_engine.testcases.basic.basic01 import basic01
from gonemaster_engine.testcases.basic.basic02 import basic02, is_working
from gonemaster_engine.testcases.basic.basic03 import basic03
from gonemaster_engine.testcases.registry import Condition, Emitted, Module, requires_any
from gonemaster_engine.zone.zone import Zone

__all__ = ["MODULE", "is_working", "name_findings"]

NO_WWW_TEST = Tag("HAS_NAMESERVER_NO_WWW_A_TEST", Level.INFO, ("zname",))

_ZONE_EXISTS = requires_any("basic01", "B01_CHILD_FOUND")


def _zone_exists_but_does_not_work(emitted: Emitted) -> bool:
    return _ZONE_EXISTS.is_met(emitted) and "B02_AUTH_RESPONSE_SOA" not in emitted.get("basic02", ())


def _no_www_test(zone: Zone, emitted: Emitted) -> Finding | None:
    working = "B02_AUTH_RESPONSE_SOA" in emitted.get("basic02", ())
    return NO_WWW_TEST(zname=zone.name) if working else None


MODULE = Module(
    "BASIC",
    (basic01, basic02, basic03),
    conditions={
        "basic02": _ZONE_EXISTS,
        "basic03": Condition(("basic01", "basic02"), _zone_exists_but_does_not_work, _no_www_test),
    },
    extra_tags=(NO_WWW_TEST, LABEL_TOO_LONG, NAME_TOO_LONG, EMPTY_LABEL),
)
