"""The profile of a run, from settings, stored profiles and job options."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cachetools import LRUCache

from gonemaster_db.core.json_text import dump_json
from gonemaster_engine.profile.callers import restricted_to_caller
from gonemaster_engine.profile.profile import Profile
from gonemaster_tasks.worker.execute.runner import TestOrder

_MAX_PROFILES = 100


def job_overrides(order: TestOrder, *, guard_forced: bool) -> list[Mapping[str, Any]]:
    """Return the overrides of the base profile: the stored profile, the policy, the job's overrides, its switches."""
    net = {family: False for family in ("ipv4", "ipv6") if order.config.get(f"{family}_disabled")}
    if guard_forced:
        net["allow_non_global_targets"] = False
    of_policy = order.policy["profile"] if order.policy else None
    documents = (order.profile, of_policy, order.config.get("overrides"), {"net": net} if net else None)
    return [document for document in documents if document]


@dataclass(frozen=True)
class RunProfile:
    """A profile for the engine, and the JSON text stored with its runs."""

    profile: Profile

    @cached_property
    def text(self) -> str:
        """The JSON text, serialized once for all runs because it is large."""
        return dump_json(self.profile.as_dict())


class Profiles:
    """Profiles built from a base and overrides; recently used ones are cached, because most jobs share one."""

    def __init__(self, base: Profile) -> None:
        self._base = base
        # The guard is applied last: see job_overrides.
        self._limits = base.merge({"net": {"allow_non_global_targets": True}})
        self._run_profiles: LRUCache[str, RunProfile] = LRUCache(_MAX_PROFILES)

    def get(self, overrides: list[Mapping[str, Any]]) -> RunProfile:
        """Return the base with overrides, within the limits for callers. Raises ProfileError."""
        key = json.dumps(overrides, sort_keys=True)
        run_profile = self._run_profiles.get(key)
        if run_profile is None:
            profile = self._base
            for document in overrides:
                profile = profile.merge(restricted_to_caller(document, self._limits))
            run_profile = self._run_profiles[key] = RunProfile(profile)
        return run_profile
