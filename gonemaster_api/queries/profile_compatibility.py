"""Compatibility of stored profiles with the engine of this server: open issues, and issues waived by a review."""

from collections.abc import Sequence
from dataclasses import dataclass

from gonemaster_db.models import Profile
from gonemaster_engine.profile.repair import INVALID_CONFIG, ProfileIssue, find_issues, find_unknown_tags
from gonemaster_engine.profile.tag_sets import find_replaced_tags
from gonemaster_engine.version import __version__


@dataclass(frozen=True, kw_only=True)
class Compatibility:
    """The issues of one profile. A review with this engine version waives them, except an invalid configuration."""

    id: int
    name: str
    reviewed: bool
    schema_version: str
    issues: Sequence[ProfileIssue]
    waived_issues: Sequence[ProfileIssue]
    warnings: Sequence[str]  # unknown tags, and tags that others replace
    current_version: str = __version__

    @property
    def compatible(self) -> bool:
        """Whether no issue is open."""
        return not self.issues

    @property
    def issue_count(self) -> int:
        """Number of issues that are not waived."""
        return len(self.issues)

    @property
    def waived_count(self) -> int:
        """Number of waived issues."""
        return len(self.waived_issues)


def compatibility_of(profile: Profile) -> Compatibility:
    """Compare a stored profile with the default profile of this engine."""
    found, reviewed = find_issues(profile.config), profile.schema_version == __version__
    waived = [issue for issue in found if reviewed and issue.type != INVALID_CONFIG]
    is_invalid = any(issue.type == INVALID_CONFIG for issue in found)
    return Compatibility(
        id=profile.id,
        name=profile.name,
        reviewed=reviewed,
        schema_version=profile.schema_version,
        issues=[issue for issue in found if issue not in waived],
        waived_issues=waived,
        warnings=[] if is_invalid else [*find_unknown_tags(profile.config), *find_replaced_tags(profile.config)],
    )
