"""CONSISTENCY: all servers of the zone and its parent return the same data."""

from gonemaster_engine.testcases.consistency.consistency01 import consistency01
from gonemaster_engine.testcases.consistency.consistency02 import consistency02
from gonemaster_engine.testcases.consistency.consistency03 import consistency03
from gonemaster_engine.testcases.consistency.consistency04 import consistency04
from gonemaster_engine.testcases.consistency.consistency05 import consistency05
from gonemaster_engine.testcases.consistency.consistency06 import consistency06
from gonemaster_engine.testcases.registry import Module

MODULE = Module(
    "CONSISTENCY",
    (consistency01, consistency02, consistency03, consistency04, consistency05, consistency06),
)
