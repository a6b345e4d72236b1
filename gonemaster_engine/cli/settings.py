"""What the options of the command line mean for a run: domain, profile, test cases; and what of them is refused."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gonemaster_engine import names
from gonemaster_engine.addresses import may_be_target
from gonemaster_engine.cli.chain_file import STANDARD_OUTPUT
from gonemaster_engine.cli.options import UsageError
from gonemaster_engine.errors import DocumentError, EngineError, InvalidDelegation
from gonemaster_engine.net.ports import check_source
from gonemaster_engine.profile.profile import Profile, default_profile, load_profile


def selected(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the test cases and modules to run; "zone/zone01" means "zone01"."""
    cases = [name.rpartition("/")[2] for name in options.testcase]
    return (*([options.module] if options.module else []), *cases)


def excluded(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the test cases and modules to leave out."""
    return tuple(name.strip() for names_ in options.exclude for name in names_.split(",") if name.strip())


def profile_of(options: argparse.Namespace) -> Profile:
    """Return the profile: the default, the file over it, the options over both.

    Raises:
        ProfileError: the file or the value of an option is not valid.
    """
    with naming(options.profile):
        base = load_profile(options.profile) if options.profile else default_profile()
    return base.merge(_overrides(options))


@contextmanager
def naming(file: Path | None) -> Iterator[None]:
    """Say in the text of an error in which file of an option it is: a key alone could be that of another one.

    Raises:
        EngineError: the file is not valid.
    """
    try:
        yield
    except DocumentError as error:
        if file is None or isinstance(
            error.__cause__, OSError | UnicodeDecodeError
        ):  # it could not be read: the text names the file
            raise
        raise EngineError(f"{file}: {error}") from error


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
    given = {name: getattr(options, name, None) for name in _RESOLVER_OPTIONS}
    resolver: dict[str, Any] = {"defaults": {name: value for name, value in given.items() if value is not None}}
    resolver |= {
        f"source{family}": value for family in (4, 6) if (value := getattr(options, f"sourceaddr{family}")) is not None
    }
    overrides: dict[str, Any] = {"resolver": resolver, "net": _net(options)}
    if getattr(options, "badkeys_path", None):
        overrides["badkeys"] = {"path": str(options.badkeys_path)}
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


def domain_of(options: argparse.Namespace) -> str:
    """Return the domain to test.

    Raises:
        UsageError: none is given, or two.
        InvalidDomain: it cannot be a domain name.
    """
    given = {name for name in (options.positional, options.domain) if name is not None}
    if not given:
        raise UsageError("no domain name given")
    if len(given) > 1:
        raise UsageError(f"two domain names given: {options.positional!r} and {options.domain!r}")
    return names.normalize_domain(given.pop())


def check_outputs(options: argparse.Namespace) -> None:
    """Refuse two documents on standard output.

    Raises:
        UsageError: the picture of the chain would stand between the results.
    """
    if options.chain_svg == STANDARD_OUTPUT and options.output is None:
        raise UsageError("--chain-svg - needs --output FILE: the results are on standard output")


def check_sources(profile: Profile) -> None:
    """Refuse source addresses that this host does not have, before anything is asked.

    Raises:
        NotAnAddressOfThisHost: it cannot send from one of them.
    """
    check_source(profile.source4)
    check_source(profile.source6)


def check_targets(nameservers: Iterable[tuple[str, str | None]], profile: Profile) -> None:
    """Refuse supplied addresses that would not be queried.

    Raises:
        UsageError: the profile allows global addresses only, or no host can have the address.
    """
    guarded = not profile.allow_non_global_targets
    for name, address in nameservers:
        if address and not may_be_target(address, guarded=guarded):
            hint = "; --allow-non-global allows others" if guarded and may_be_target(address, guarded=False) else ""
            raise UsageError(
                f"--ns {name}/{address}: only globally reachable addresses of other hosts are queried{hint}"
            )


def check_ds_has_nameservers(nameservers: Sequence[object], ds: Sequence[object]) -> None:
    """Refuse DS records without the name servers that they belong to.

    Raises:
        InvalidDelegation: there are DS records but no name servers.
    """
    if ds and not nameservers:
        raise InvalidDelegation("--ds needs --ns")
