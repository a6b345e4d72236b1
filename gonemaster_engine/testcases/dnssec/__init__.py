"""DNSSEC: keys, signatures, DS records and denial of existence."""

from gonemaster_engine.testcases.dnssec.dnssec01 import dnssec01
from gonemaster_engine.testcases.dnssec.dnssec02 import dnssec02
from gonemaster_engine.testcases.dnssec.dnssec03 import dnssec03
from gonemaster_engine.testcases.dnssec.dnssec04 import dnssec04
from gonemaster_engine.testcases.dnssec.dnssec05 import dnssec05
from gonemaster_engine.testcases.dnssec.dnssec06 import dnssec06
from gonemaster_engine.testcases.dnssec.dnssec07 import dnssec07
from gonemaster_engine.testcases.dnssec.dnssec08 import dnssec08
from gonemaster_engine.testcases.dnssec.dnssec09 import dnssec09
from gonemaster_engine.testcases.dnssec.dnssec10 import dnssec10
from gonemaster_engine.testcases.dnssec.dnssec11 import dnssec11
from gonemaster_engine.testcases.dnssec.dnssec13 import dnssec13
from gonemaster_engine.testcases.dnssec.dnssec14 import dnssec14
from gonemaster_engine.testcases.dnssec.dnssec15 import dnssec15
from gonemaster_engine.testcases.dnssec.dnssec16 import dnssec16
from gonemaster_engine.testcases.dnssec.dnssec17 import dnssec17
from gonemaster_engine.testcases.dnssec.dnssec18 import dnssec18
from gonemaster_engine.testcases.dnssec.dnssec19 import dnssec19
from gonemaster_engine.testcases.dnssec.dnssec20 import dnssec20
from gonemaster_engine.testcases.dnssec.dnssec21 import dnssec21
from gonemaster_engine.testcases.dnssec.dnssec22 import dnssec22
from gonemaster_engine.testcases.dnssec.dnssec23 import dnssec23
from gonemaster_engine.testcases.dnssec.dnssec24 import dnssec24
from gonemaster_engine.testcases.registry import Module, requires_none

_SIGNED_ONLY = (
    dnssec01,
    dnssec02,
    dnssec03,
    dnssec04,
    dnssec05,
    dnssec06,
    dnssec08,
    dnssec09,
    dnssec10,
    dnssec13,
    dnssec14,
    dnssec15,
    dnssec16,
    dnssec17,
    dnssec18,
    dnssec19,
    dnssec20,
    dnssec21,
    dnssec22,
    dnssec23,
    dnssec24,
)


MODULE = Module(
    "DNSSEC",
    (dnssec07, dnssec11, *_SIGNED_ONLY),
    conditions={case.id: requires_none("dnssec07", "DS07_NOT_SIGNED") for case in _SIGNED_ONLY},
)
