"""DELEGATION: the delegation of the zone and the name servers in it."""

from gonemaster_engine.testcases.delegation.delegation01 import delegation01
from gonemaster_engine.testcases.delegation.delegation02 import delegation02
from gonemaster_engine.testcases.delegation.delegation03 import delegation03
from gonemaster_engine.testcases.delegation.delegation04 import delegation04
from gonemaster_engine.testcases.delegation.delegation05 import delegation05
from gonemaster_engine.testcases.delegation.delegation06 import delegation06
from gonemaster_engine.testcases.delegation.delegation07 import delegation07
from gonemaster_engine.testcases.delegation.delegation08 import delegation08
from gonemaster_engine.testcases.registry import Module

MODULE = Module(
    "DELEGATION",
    (
        delegation01,
        delegation02,
        delegation03,
        delegation04,
        delegation05,
        delegation06,
        delegation07,
        delegation08,
    ),
)
