"""The policy that the options name; its modules are loaded only with a policy."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gonemaster_engine.cli.parsing import UsageError

if TYPE_CHECKING:
    from gonemaster_engine.policies.policy import Policy


def policy_of(options: argparse.Namespace) -> Policy | None:
    """Return the policy that the options name, None without one.

    Raises:
      UsageError: the options conflict.
      PolicyError: the policy or a suite is unknown, or its document is invalid.
    """
    if options.policy is None:
        if options.suite:
            raise UsageError("--suite needs --policy")
        return None
    for name in ("zone_file", "stop_level"):
        if getattr(options, name) is not None:
            raise UsageError(f"--policy cannot be combined with --{name.replace('_', '-')}")
    from gonemaster_engine.cli.policies import named_policy  # of no use to a run without a policy

    return named_policy(options.policy, options.suite)
