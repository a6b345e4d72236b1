"""The reason why a name is not a zone, taken from the walk from the root."""

from __future__ import annotations

from gonemaster_engine import names
from gonemaster_engine.resolver.delegation_walk import EXISTS, ParentObservation, Seen, Walk
from gonemaster_engine.run_log import Log
from gonemaster_engine.zone.zone import Zone


def report_no_zone(zone: Zone, log: Log) -> None:
    """Report that the name is not a zone, if a test case needed the walk from the root and the walk shows it."""
    walk = None if zone.undelegated else zone.finished_walk
    if walk and (found := _why_no_zone(zone.name, walk)):
        tag, args = found
        log.system(tag, **args)


def _why_no_zone(name: str, walk: Walk) -> tuple[str, dict[str, str]] | None:
    """Return tag and arguments of the entry that explains why a name is not a zone; None if it is one, or if unknown.

    If the servers disagree, the name exists: one of them serves an outdated version of the zone.
    """
    observations = walk.observations
    if walk.stopped or not observations or any(observation.seen in EXISTS for observation in observations):
        return None
    informative = [observation for observation in observations if observation.seen is not Seen.NXDOMAIN]
    nearest = max(informative or observations, key=_depth)
    if informative:
        return "NAME_NOT_A_ZONE", {"domain": name, "zone": nearest.zone}
    if nearest.zone == names.ROOT:
        return "TLD_NOT_DELEGATED", {"domain": name, "tld": names.labels(name)[-1]}
    return "NAME_DOES_NOT_EXIST", {"domain": name, "query_name": nearest.query_name, "zone": nearest.zone}


def _depth(observation: ParentObservation) -> tuple[int, str, str]:
    return len(names.labels(observation.zone)), observation.zone, observation.query_name
