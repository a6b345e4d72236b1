"""CONNECTIVITY: whether the name servers answer over UDP and TCP, and how their networks are distributed."""

from gonemaster_engine.testcases.connectivity.connectivity01 import connectivity01
from gonemaster_engine.testcases.connectivity.connectivity02 import connectivity02
from gonemaster_engine.testcases.connectivity.connectivity03 import connectivity03
from gonemaster_engine.testcases.connectivity.connectivity04 import connectivity04
from gonemaster_engine.testcases.connectivity.connectivity05 import connectivity05
from gonemaster_engine.testcases.registry import Module

MODULE = Module("CONNECTIVITY", (connectivity01, connectivity02, connectivity03, connectivity04, connectivity05))
