"""The list of all modules and test cases, and selections from it.

It imports each module by name, so that the import contracts cover the dependencies of a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from gonemaster_engine.errors import UnknownTestCase
from gonemaster_engine.testcases import (
    address,
    basic,
    connectivity,
    consistency,
    delegation,
    dnssec,
    nameserver,
    syntax,
    zone,
)
from gonemaster_engine.testcases.registry import Case, Module

_PACKAGES = (basic, address, connectivity, consistency, dnssec, delegation, nameserver, syntax, zone)


@cache
def modules() -> Mapping[str, Module]:
    """Return all modules by name, in report order."""
    return {package.MODULE.name: package.MODULE for package in _PACKAGES}


@cache
def cases() -> Mapping[str, Case]:
    """Return all test cases by ID, in report order."""
    return {case.id: case for module in modules().values() for case in module.cases}


def select(tests: Iterable[str] = (), exclude: Iterable[str] = ()) -> list[Case]:
    """Return the selected cases in report order: all cases if `tests` is empty, without the excluded ones.

    Both arguments take case IDs and module names, ignoring case.

    Raises:
      UnknownTestCase: a name is neither.
    """
    chosen = _expand(tests) or set(cases())
    left_out = _expand(exclude)
    return [case for case in cases().values() if case.id in chosen and case.id not in left_out]


def _expand(names: Iterable[str]) -> set[str]:
    ids: set[str] = set()
    for name in names:
        if name.upper() in modules():
            ids.update(case.id for case in modules()[name.upper()].cases)
        elif name.lower() in cases():
            ids.add(name.lower())
        else:
            raise UnknownTestCase(name)
    return ids
