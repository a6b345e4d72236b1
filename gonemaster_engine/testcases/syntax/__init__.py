"""SYNTAX: the names of the zone, its name servers and its mail hosts, and the mailbox of its SOA record."""

from gonemaster_engine.testcases.registry import Condition, Emitted, Module, requires_any, requires_none
from gonemaster_engine.testcases.syntax.syntax01 import syntax01
from gonemaster_engine.testcases.syntax.syntax02 import syntax02
from gonemaster_engine.testcases.syntax.syntax03 import syntax03
from gonemaster_engine.testcases.syntax.syntax04 import syntax04
from gonemaster_engine.testcases.syntax.syntax05 import syntax05
from gonemaster_engine.testcases.syntax.syntax06 import syntax06
from gonemaster_engine.testcases.syntax.syntax07 import syntax07
from gonemaster_engine.testcases.syntax.syntax08 import syntax08

_NAME_IS_GOOD = requires_any("syntax01", "ONLY_ALLOWED_CHARS")
_HAS_SOA = requires_none("syntax05", "NO_RESPONSE_SOA_QUERY")


def _is_valid_with_soa(emitted: Emitted) -> bool:
    return _NAME_IS_GOOD.is_met(emitted) and _HAS_SOA.is_met(emitted)


_BOTH = Condition((*_NAME_IS_GOOD.after, *_HAS_SOA.after), _is_valid_with_soa)

MODULE = Module(
    "SYNTAX",
    (syntax01, syntax02, syntax03, syntax04, syntax05, syntax06, syntax07, syntax08),
    conditions={
        "syntax04": _NAME_IS_GOOD,
        "syntax05": _NAME_IS_GOOD,
        "syntax06": _BOTH,
        "syntax07": _BOTH,
        "syntax08": _NAME_IS_GOOD,
    },
)
