"""ADDRESS: whether the addresses of the name servers are public and have reverse names."""

from gonemaster_engine.registry import Module, unless_selected_and_missing
from gonemaster_engine.testcases.address.address01 import address01
from gonemaster_engine.testcases.address.address02 import address02
from gonemaster_engine.testcases.address.address03 import address03

MODULE = Module(
    "ADDRESS",
    (address01, address02, address03),
    conditions={"address03": unless_selected_and_missing("address02", "NAMESERVERS_IP_WITH_REVERSE")},
)
