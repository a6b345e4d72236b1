"""`make release` in a clone: built twice, installed, signed with a throw-away key, tagged; then its Debian package.

These are the commands of docs/howto/release.md and of the workflow `release`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gonemaster_engine.version import __version__
from tests.deploy.files import UNITS, tools_python
from tests.support.sources import ROOT

MAINTAINER = "maintainer@dns.example"
PROGRAMS = ("gpg", "git", "make", "dpkg-deb", "mmdebstrap", "unshare")
MISSING = [program for program in PROGRAMS if not shutil.which(program)]
pytestmark = [
    pytest.mark.nightly,
    pytest.mark.timeout(1800),  # two builds and four environments
    pytest.mark.xdist_group("release"),
    pytest.mark.skipif(bool(MISSING), reason=f"NOT RUN: not on this machine: {', '.join(MISSING)}"),
]


class Clone:
    """A clone of the last commit, with a changelog that has the version, and a key in an empty key ring."""

    def __init__(self, folder: Path) -> None:
        self.root, keys = folder / "clone", folder / "keys"
        keys.mkdir(mode=0o700)
        self.environ = {**os.environ, "GNUPGHOME": str(keys)}
        self.run(
            "gpg", "--batch", "--passphrase", "", "--quick-generate-key", MAINTAINER, "ed25519", "sign", cwd=folder
        )
        self.run("git", "clone", "--quiet", "--no-local", str(ROOT), str(self.root), cwd=folder)
        (self.root / ".venv-tools").symlink_to(ROOT / ".venv-tools")
        (self.root / ".git/info/exclude").write_text(".venv-tools\n")
        changelog = self.root / "CHANGELOG.md"
        heading = f"## [{__version__}] - 2026-12-01"
        changelog.write_text(
            re.sub(r"^## \[Unreleased\].*$", heading, changelog.read_text(), count=1, flags=re.MULTILINE)
        )
        for name, value in (("user.name", "A Maintainer"), ("user.email", MAINTAINER)):
            self.run("git", "config", name, value)
        self.run("git", "commit", "--quiet", "--all", "--message", "chore: release")
        self.output = self.make("release", f"VERSION={__version__}", f"KEY={MAINTAINER}")

    def make(self, *words: str) -> str:
        """Run make with the tools of this repository."""
        return self.run("make", "--old-file=.venv-tools/.ready", *words)

    def run(self, *command: str | Path, cwd: Path | None = None) -> str:
        done = subprocess.run(
            command, cwd=cwd or self.root, env=self.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    tools_python()
    return Clone(tmp_path_factory.mktemp("release"))


def test_the_release_has_all_files_with_good_signatures(clone: Clone) -> None:
    names = {path.name for path in (clone.root / "dist").iterdir()}
    packages = {
        f"{name}-{__version__}{suffix}"
        for name in ("gonemaster", "gonemaster_client")
        for suffix in ("-py3-none-any.whl", ".tar.gz")
    }
    assert names == packages | {"sbom.cdx.json", "SHA256SUMS", "SHA256SUMS.asc"}
    assert clone.output.count("installed package: ok") == clone.output.count("installed client: ok") == 2
    assert clone.run("sha256sum", "--check", "SHA256SUMS", cwd=clone.root / "dist").count(": OK") == 5
    assert "Good signature" in clone.run("gpg", "--verify", "dist/SHA256SUMS.asc", "dist/SHA256SUMS")
    assert "Good signature" in clone.run("git", "verify-tag", f"v{__version__}")


def test_the_workflow_prints_the_notes_of_the_version(clone: Clone) -> None:
    notes = clone.run(tools_python(), ".ci/release.py", __version__, "--notes")
    assert notes.startswith("### Testing\n- ")


def test_the_wheel_passes_the_check_of_continuous_integration(clone: Clone) -> None:
    (clone.root / "check").mkdir()
    copy = clone.root / "check" / "clone"
    clone.run("git", "clone", "--quiet", str(clone.root), str(copy))
    (copy / ".venv-tools").symlink_to(ROOT / ".venv-tools")
    output = clone.run("make", "--old-file=.venv-tools/.ready", "dist-check", cwd=copy)
    assert output.endswith("installed package: ok\n")


def test_a_second_release_of_the_version_is_refused(clone: Clone) -> None:
    with pytest.raises(AssertionError, match=f"the tag v{__version__} exists"):
        clone.make("release", f"VERSION={__version__}")


@pytest.fixture(scope="module")
def package(clone: Clone) -> Path:
    """The Debian package of the released wheel."""
    (wheel,) = (clone.root / "dist").glob("gonemaster-*.whl")
    clone.run("deploy/debian/build", str(wheel), str(clone.root))
    (found,) = clone.root.glob("*.deb")
    return found


def test_the_debian_package_has_units_and_commands(clone: Clone, package: Path) -> None:
    listed = clone.run("dpkg-deb", "--contents", str(package))
    units = {path.name for path in UNITS.iterdir() if path.suffix not in {".sysusers", ".tmpfiles"}}
    assert set(re.findall(r"\./usr/lib/systemd/system/(\S+)", listed)) == units
    for path in (
        "usr/lib/sysusers.d/gonemaster.conf",
        "usr/lib/tmpfiles.d/gonemaster.conf",
        "usr/bin/gonemaster-server",
    ):
        assert f" ./{path}" in listed
    assert {line.split()[1] for line in listed.splitlines()} == {"root/root"}
    assert clone.run("dpkg-deb", "--field", str(package), "Version") == f"{__version__}\n"


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Path]:
    """A minimal Debian of this machine's release."""
    if os.geteuid() != 0:
        pytest.skip("NOT RUN: needs root")
    root = tmp_path / "system"
    needed = "--include=python3,systemd-standalone-sysusers,systemd-standalone-tmpfiles"
    release = re.search(r"^VERSION_CODENAME=(\w+)$", Path("/etc/os-release").read_text(), re.MULTILINE)
    assert release
    subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", needed, release[1], root], check=True)
    yield root
    shutil.rmtree(root)


def test_the_debian_package_is_installed_run_and_purged(clone: Clone, package: Path, system: Path) -> None:
    def inside(*command: str) -> str:
        # systemd-tmpfiles needs /proc.
        return clone.run(
            "unshare", "--mount", "--pid", "--fork", f"--mount-proc={system}/proc", "chroot", system, *command
        )

    shutil.copy(package, system / "gonemaster.deb")
    inside("dpkg", "--install", "/gonemaster.deb")
    assert inside("gonemaster-server", "--version").strip().endswith(__version__)
    assert "usage: gonemaster" in inside("gonemaster", "--help")
    assert inside("stat", "-c", "%U %a", "/var/lib/gonemaster", "/etc/gonemaster") == "gonemaster 700\nroot 700\n"
    inside("dpkg", "--purge", "gonemaster")
    left = [path for path in ("opt/gonemaster", "etc/gonemaster", "var/lib/gonemaster") if (system / path).exists()]
    assert left == []
