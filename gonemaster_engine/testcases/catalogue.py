"""The list of all modules and test cases, and what a selection takes of them.

It imports each module by name, so that the contracts of imports see what a run depends on.
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
    """Return all modules by name, in the order in which they are reported."""
    return {package.MODULE.name: package.MODULE for package in _PACKAGES}


@cache
def cases() -> Mapping[str, Case]:
    """Return all test cases by id, in the order in which they are reported."""
    return {case.id: case for module in modules().values() for case in module.cases}


def select(tests: Iterable[str] = (), exclude: Iterable[str] = ()) -> list[Case]:
    """Return the cases that a selection names, in their order: all of them without `tests`, less the excluded.

    Both take ids of cases and names of modules, in any case.

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
