"""The compiled engine: with GONEMASTER_COMPILED=1, mypyc compiles the modules listed here into the wheel.

The rest of the package's description is in setup.cfg. Only wheels have compiled modules: in a source tree, they would
hide later changes to the source. docs/explanation/performance.md has the rules for these modules.
"""

import os
import sys

from setuptools import setup

MODULES = [
    "addresses",
    "budget",
    "dnssec/algorithms",
    "dnssec/denial",
    "dnssec/digests",
    "dnssec/records",
    "entries",
    "findings/tags",
    "limits",
    "names",
    "net/cache",
    "net/figures",
    "net/pace",
    "net/pacing/address",
    "net/ports",
    "net/query",
    "net/randomness",
    "net/server/admission",
    "net/server/answers",
    "net/server/paths",
    "net/server/pending",
    "net/server/repeats",
    "net/server/run_state",
    "net/server/server",
    "net/server/trace",
    "net/timings",
    "net/udp",
    "net/wire/messages",
    "net/wire/octets",
    "net/wire/rdata",
    "net/wire/rrtypes",
    "net/wire/txt",
    "normal_runs",
    "run_log",
    "zone/families",
]
PATHS = [f"gonemaster_engine/{module}.py" for module in MODULES]
# The settings of mypy in setup.cfg need packages that only the linters have.
MYPY = ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent"]
IS_WANTED = os.environ.get("GONEMASTER_COMPILED") == "1"

extensions = []
if IS_WANTED and "bdist_wheel" in sys.argv:
    from mypyc.build import mypycify

    extensions = mypycify([*MYPY, *PATHS], opt_level="2", debug_level="0", group_name="gonemaster_engine")

setup(ext_modules=extensions, setup_requires=["mypy>=1.18,<3"] if IS_WANTED else [])
