"""Conversion of command-line options to the settings of a run, and checks of the options."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gonemaster_engine import names
from gonemaster_engine.addresses import is_allowed_target
from gonemaster_engine.cli.chain_file import STANDARD_OUTPUT
from gonemaster_engine.cli.parsing import UsageError, with_file_name
from gonemaster_engine.errors import InvalidDelegation, ProfileError
from gonemaster_engine.net.ports import check_source
from gonemaster_engine.profile.documents import read_document
from gonemaster_engine.profile.profile import Profile, default_profile, load_profile
from gonemaster_engine.profile.repair import find_unknown_tags
from gonemaster_engine.profile.tag_sets import find_replaced_tags

if TYPE_CHECKING:
    from gonemaster_engine.policies.policy import Policy

_NO_POLICY: Mapping[str, Any] = {}


def selected(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the test cases and modules to run; "zone/zone01" means "zone01"."""
    cases = [name.rpartition("/")[2] for name in options.testcase]
    return (*([options.module] if options.module else []), *cases)


def excluded(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the test cases and modules to exclude."""
    return tuple(name.strip() for names_ in options.exclude for name in names_.split(",") if name.strip())


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


def profile_of(options: argparse.Namespace, policy: Mapping[str, Any] = _NO_POLICY) -> Profile:
    """Return the profile: the default, overridden by the file, the policy and the options; warn about the file's tags.

    Raises:
      ProfileError: the file or the value of an option is invalid.
    """
    with with_file_name(options.profile):
        base = load_profile(options.profile) if options.profile else default_profile()
        document = read_document(options.profile, ProfileError) if options.profile else {}
    for sentence in find_unknown_tags(base.as_dict()) if options.profile else ():
        print(f"warning: {options.profile}: {sentence}", file=sys.stderr)
    for sentence in find_replaced_tags(document):
        print(f"note: {options.profile}: {sentence}", file=sys.stderr)
    return base.merge(policy).merge(_overrides(options))


_RESOLVER_OPTIONS = (
    "timeout",
    "retry",
    "retrans",
    "fallback",
    "parallel",
    "unordered",
    "error_cache_ttl",
    "positive_cache_ttl",
    "negative_cache_ttl",
)


def _overrides(options: argparse.Namespace) -> dict[str, Any]:
    flags = {name: getattr(options, name, None) for name in _RESOLVER_OPTIONS}
    resolver: dict[str, Any] = {"defaults": {name: value for name, value in flags.items() if value is not None}}
    resolver |= {
        f"source{family}": value for family in (4, 6) if (value := getattr(options, f"sourceaddr{family}")) is not None
    }
    overrides: dict[str, Any] = {"resolver": resolver, "net": _net(options)}
    if getattr(options, "badkeys_path", None):
        overrides["badkeys"] = {"path": str(options.badkeys_path)}
    if getattr(options, "restore", None) and not options.restore_live:
        overrides["no_network"] = True
    return overrides


def _net(options: argparse.Namespace) -> dict[str, bool]:
    net = {}
    if options.no_ipv4:
        net["ipv4"] = False
    if options.no_ipv6 or options.ipv6:
        net["ipv6"] = bool(options.ipv6)
    if options.allow_non_global:
        net["allow_non_global_targets"] = True
    return net


_OF_ONE_DOMAIN = ("ns", "ds", "save", "restore", "chain_svg")


def domains_of(options: argparse.Namespace) -> list[str]:
    """Return the domains of the command line, without duplicates; there may be none if there is a file of domains.

    Raises:
      UsageError: none is given, `--domain` is another one, or an option is for a single domain.
      InvalidDomain: an argument is not a domain name.
    """
    typed = options.positional or ([] if options.domain is None else [options.domain])
    if not typed and options.file is None:
        raise UsageError("no domain name given")
    if options.domain not in (None, *typed):
        raise UsageError(f"two domain names given: {typed[0]!r} and {options.domain!r}")
    domains = list(dict.fromkeys(map(names.normalize_domain, typed)))
    if len(domains) > 1 or options.file is not None:
        _refuse_options_of_one_domain(options)
    return domains


def _refuse_options_of_one_domain(options: argparse.Namespace) -> None:
    if options.shape in {"json", "json-stream"}:
        raise UsageError(f"--{options.shape} takes a single domain; --format json-lines takes several")
    for name in _OF_ONE_DOMAIN:
        if getattr(options, name):
            raise UsageError(f"--{name.replace('_', '-')} takes a single domain")


def check_outputs(options: argparse.Namespace) -> None:
    """Reject two documents on standard output.

    Raises:
      UsageError: the picture of the chain would be mixed with the results.
    """
    if options.chain_svg == STANDARD_OUTPUT and options.output is None:
        raise UsageError("--chain-svg - needs --output FILE, because the results go to standard output")


def check_sources(profile: Profile) -> None:
    """Reject source addresses that this host does not have, before any query is sent.

    Raises:
      SourceAddressUnavailable: the host cannot send from one of them.
    """
    check_source(profile.source4)
    check_source(profile.source6)


def check_targets(nameservers: Iterable[tuple[str, str | None]], profile: Profile, *, option: str = "--ns ") -> None:
    """Reject supplied addresses that would not be queried; `option` is what supplied them.

    Raises:
      UsageError: the profile allows global addresses only, or the address cannot belong to a host.
    """
    guarded = not profile.allow_non_global_targets
    for name, address in nameservers:
        if address and not is_allowed_target(address, guarded=guarded):
            hint = "; --allow-non-global allows others" if guarded and is_allowed_target(address, guarded=False) else ""
            raise UsageError(
                f"{option}{name}/{address}: only globally reachable addresses of other hosts are queried{hint}"
            )


def check_ds_has_nameservers(nameservers: Sequence[object], ds: Sequence[object]) -> None:
    """Reject DS records without name servers.

    Raises:
      InvalidDelegation: there are DS records but no name servers.
    """
    if ds and not nameservers:
        raise InvalidDelegation("--ds needs --ns")
