"""Policies: which test cases count, which levels and tags fail, and the profile with which a run is judged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from gonemaster_engine.entries import Level
from gonemaster_engine.errors import PolicyError
from gonemaster_engine.policies.checking import check_policy
from gonemaster_engine.profile.documents import parse_document, read_document
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.profile.schema import Document
from gonemaster_engine.profile.tag_sets import OLDEST, with_levels_of_successors
from gonemaster_engine.replaced_tags import predecessor, same_tags
from gonemaster_engine.spelling import meant
from gonemaster_engine.texts import Text
from gonemaster_engine.zonemaster.names import zonemaster_tag

__all__ = ["Policy", "PolicyError", "Suite", "load", "load_file", "names", "parse_policy"]

BUNDLED = ("default", "registration", "rst-v2")
_FOLDER = Path(__file__).parent.parent / "data" / "policies"


@dataclass(frozen=True, slots=True)
class Suite:
    """A part of a policy with its own verdict: test cases, and which of their findings fail."""

    name: str
    description: str
    cases: tuple[str, ...]  # IDs, in report order
    fail_level: Level | None  # findings of this level or above fail; None: only `fail_tags`
    fail_tags: frozenset[str]  # fail at any level
    ignore_tags: frozenset[str]  # never fail
    unless_tags: frozenset[str] = frozenset()  # the suite does not apply to a run that reported one of them

    def fails(self, tag: str, level: Level) -> bool:
        """Return whether a finding fails; its tag can be of a newer or older release of Zonemaster than the policy."""
        tags = same_tags(tag)
        if not self.fail_tags.isdisjoint(tags):
            return True
        return self.fail_level is not None and level >= self.fail_level and self.ignore_tags.isdisjoint(tags)

    def as_dict(self) -> Document:
        """Return the suite as a document."""
        return {
            "name": self.name,
            "description": self.description,
            "cases": list(self.cases),
            "fail_level": self.fail_level and self.fail_level.name,
            "fail_tags": sorted(self.fail_tags),
            "ignore_tags": sorted(self.ignore_tags),
            "unless_tags": sorted(self.unless_tags),
        }


@dataclass(frozen=True)
class Policy:
    """A profile and what makes a run fail."""

    name: str
    version: str
    description: str
    profile: Document  # sparse, in normal form
    suites: tuple[Suite, ...]
    needs: tuple[str, ...] = ()  # address families without which there is no verdict: "ipv4", "ipv6"
    code_prefix: str = ""  # an error code is this prefix with Zonemaster's name of the tag; empty: no codes
    notes: tuple[str, ...] = field(default=(), compare=False)  # tags of Zonemaster that the document names

    @property
    def cases(self) -> tuple[str, ...]:
        """IDs of all test cases that count, each once."""
        return tuple(dict.fromkeys(case_id for suite in self.suites for case_id in suite.cases))

    def applied_to(self, base: Profile) -> Profile:
        """Return a profile with the settings of this policy."""
        return base.merge(self.profile)

    def level(self, module: str, tag: str, reported: Level) -> Level:
        """Return the level of an entry for this policy: the one that it sets, or the level that the run reported."""
        return self._levels.get((module, tag), reported)

    def code(self, tag: str) -> str | None:
        """Return the error code of a tag, None if the policy has no codes."""
        if not self.code_prefix:
            return None
        older = predecessor(tag) if self.profile.get("zonemaster", {}).get("tags") == OLDEST else None
        return f"{self.code_prefix}{zonemaster_tag(older or tag)}"

    def only(self, suite_names: Iterable[str]) -> Policy:
        """Return the policy with some of its suites.

        Raises:
          PolicyError: a suite is unknown.
        """
        by_name = {suite.name.casefold(): suite for suite in self.suites}
        known = [suite.name for suite in self.suites]
        chosen = []
        for name in suite_names:
            if name.casefold() not in by_name:
                raise PolicyError(
                    "",
                    Text(
                        "{name} is not a suite of the policy {policy}; its suites are {known}{meant}",
                        name=repr(name),
                        policy=self.name,
                        known=", ".join(known),
                        meant=meant(name, known),
                    ),
                )
            chosen.append(by_name[name.casefold()])
        return replace(self, suites=tuple(dict.fromkeys(chosen)))

    def as_dict(self) -> Document:
        """Return the policy as a document in normal form, which `load` takes."""
        return {
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "needs": list(self.needs),
            "code_prefix": self.code_prefix,
            "profile": self.profile,
            "suites": [suite.as_dict() for suite in self.suites],
        }

    @cached_property
    def _levels(self) -> Mapping[tuple[str, str], Level]:
        levels = with_levels_of_successors(self.profile.get("test_levels", {}))
        return {(module, tag): Level[name] for module, tags in levels.items() for tag, name in tags.items()}


def names() -> tuple[str, ...]:
    """Return the names of the bundled policies."""
    return BUNDLED


def load(source: str | Mapping[str, Any]) -> Policy:
    """Return the bundled policy of a name, or the policy in a document.

    Raises:
      PolicyError: the name is unknown, or the document is invalid; the error has the path of each problem.
    """
    if isinstance(source, str):
        if source not in BUNDLED:
            raise unknown_policy(source, BUNDLED)
        return _bundled(source)
    return _policy(check_policy(source))


def load_file(path: str | Path) -> Policy:
    """Return the policy in a JSON or YAML file.

    Raises:
      PolicyError: the file cannot be read, or is not a policy.
    """
    return load(read_document(path, PolicyError))


def parse_policy(text: str) -> Document:
    """Return the document in a JSON or YAML text, without validation.

    Raises:
      PolicyError: the text is neither JSON nor YAML.
    """
    return parse_document(text, PolicyError)


def unknown_policy(name: str, known: Iterable[str]) -> PolicyError:
    """Return the error for a name that is no policy."""
    known = sorted(known)
    return PolicyError(
        "",
        Text(
            "{name} is not a policy; policies are {known}{meant}",
            name=repr(name[:100]),
            known=", ".join(known),
            meant=meant(name[:100], known),
        ),
    )


@cache
def _bundled(name: str) -> Policy:
    document: Document = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return _policy(check_policy(document))


def _policy(checked: Document) -> Policy:
    return Policy(
        name=checked["name"],
        version=checked["version"],
        description=checked["description"],
        profile=checked["profile"],
        suites=tuple(_suite(suite) for suite in checked["suites"]),
        needs=tuple(checked["needs"]),
        code_prefix=checked["code_prefix"],
        notes=tuple(checked["notes"]),
    )


def _suite(checked: Document) -> Suite:
    level = checked["fail_level"]
    return Suite(
        name=checked["name"],
        description=checked["description"],
        cases=tuple(checked["cases"]),
        fail_level=level and Level[level],
        fail_tags=frozenset(checked["fail_tags"]),
        ignore_tags=frozenset(checked["ignore_tags"]),
        unless_tags=frozenset(checked["unless_tags"]),
    )
