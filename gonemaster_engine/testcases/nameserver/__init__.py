"""NAMESERVER: the behaviour of the name servers, mainly regarding EDNS."""

from gonemaster_engine.testcases.nameserver.nameserver01 import nameserver01
from gonemaster_engine.testcases.nameserver.nameserver02 import nameserver02
from gonemaster_engine.testcases.nameserver.nameserver03 import nameserver03
from gonemaster_engine.testcases.nameserver.nameserver04 import nameserver04
from gonemaster_engine.testcases.nameserver.nameserver05 import nameserver05
from gonemaster_engine.testcases.nameserver.nameserver06 import nameserver06
from gonemaster_engine.testcases.nameserver.nameserver07 import nameserver07
from gonemaster_engine.testcases.nameserver.nameserver08 import nameserver08
from gonemaster_engine.testcases.nameserver.nameserver09 import nameserver09
from gonemaster_engine.testcases.nameserver.nameserver10 import nameserver10
from gonemaster_engine.testcases.nameserver.nameserver11 import nameserver11
from gonemaster_engine.testcases.nameserver.nameserver12 import nameserver12
from gonemaster_engine.testcases.nameserver.nameserver13 import nameserver13
from gonemaster_engine.testcases.nameserver.nameserver15 import nameserver15
from gonemaster_engine.testcases.nameserver.nameserver16 import nameserver16
from gonemaster_engine.testcases.nameserver.nameserver17 import nameserver17
from gonemaster_engine.testcases.nameserver.nameserver18 import nameserver18
from gonemaster_engine.testcases.registry import Module

MODULE = Module(
    "NAMESERVER",
    (
        nameserver01,
        nameserver02,
        nameserver03,
        nameserver04,
        nameserver05,
        nameserver06,
        nameserver07,
        nameserver08,
        nameserver09,
        nameserver10,
        nameserver11,
        nameserver12,
        nameserver13,
        nameserver15,
        nameserver16,
        nameserver17,
        nameserver18,
    ),
)
