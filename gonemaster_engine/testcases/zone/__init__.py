"""ZONE: the contents of the zone's apex: SOA, mail, SPF, CSYNC, ZONEMD and CAA."""

from gonemaster_engine.testcases.registry import Condition, Emitted, Module, requires_any, requires_none
from gonemaster_engine.testcases.zone.zone01 import zone01
from gonemaster_engine.testcases.zone.zone02 import zone02
from gonemaster_engine.testcases.zone.zone03 import zone03
from gonemaster_engine.testcases.zone.zone04 import zone04
from gonemaster_engine.testcases.zone.zone05 import zone05
from gonemaster_engine.testcases.zone.zone06 import zone06
from gonemaster_engine.testcases.zone.zone07 import zone07
from gonemaster_engine.testcases.zone.zone08 import zone08
from gonemaster_engine.testcases.zone.zone09 import zone09
from gonemaster_engine.testcases.zone.zone10 import zone10
from gonemaster_engine.testcases.zone.zone11 import zone11
from gonemaster_engine.testcases.zone.zone12 import zone12
from gonemaster_engine.testcases.zone.zone13 import zone13
from gonemaster_engine.testcases.zone.zone14 import zone14
from gonemaster_engine.testcases.zone.zone15 import zone15

_SOA_CASES = ("zone02", "zone03", "zone04", "zone05", "zone06", "zone07")
_POLICY_IS_ACCEPTED = requires_any(
    "zone11", "Z11_SPF_SYNTAX_OK", "Z11_NULL_SPF_NON_MAIL_DOMAIN", "Z11_NON_NULL_SPF_NON_MAIL_DOMAIN"
)


def _has_soa(emitted: Emitted) -> bool:
    return not any("NO_RESPONSE_SOA_QUERY" in emitted.get(case_id, ()) for case_id in _SOA_CASES)


def _has_soa_and_policy(emitted: Emitted) -> bool:
    return _has_soa(emitted) and _POLICY_IS_ACCEPTED.is_met(emitted)


_HAS_SOA = Condition(_SOA_CASES, _has_soa)

MODULE = Module(
    "ZONE",
    (
        zone01,
        zone02,
        zone03,
        zone04,
        zone05,
        zone06,
        zone07,
        zone08,
        zone09,
        zone10,
        zone11,
        zone12,
        zone13,
        zone14,
        zone15,
    ),
    conditions={
        "zone09": requires_none("zone08", "NO_RESPONSE_MX_QUERY"),
        **dict.fromkeys(("zone10", "zone11", "zone12", "zone14", "zone15"), _HAS_SOA),
        "zone13": Condition((*_SOA_CASES, "zone11"), _has_soa_and_policy),
    },
)
