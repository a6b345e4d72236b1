"""ADDRESS: whether the addresses of the name servers are public and have PTR records."""

from gonemaster_engine.testcases.address.address01 import address01
from gonemaster_engine.testcases.address.address02 import address02
from gonemaster_engine.testcases.address.address03 import address03
from gonemaster_engine.testcases.registry import Module, requires_any

MODULE = Module(
    "ADDRESS",
    (address01, address02, address03),
    conditions={"address03": requires_any("address02", "NAMESERVERS_IP_WITH_REVERSE")},
)
