#!/usr/bin/env python3
"""Build and tag a release: release.py VERSION [--key KEY] [--target DIR] [--tagged]; see docs/howto/release.md.

The steps are: check the tree, build wheels and sdists of service and client twice and compare them, install each into
an empty environment and run what it contains, write the bill of materials and the checksums, sign the checksums if a
key is given, and tag.
Run it with the Python of .venv-tools.
"""

import argparse
import gzip
import hashlib
import io
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSION_FILES = ("gonemaster_engine/version.py", "gonemaster_client/version.py")
CI = Path(__file__).parent


class NotReady(Exception):
    """The release cannot be made; the message says why."""


def main(arguments: list[str] | None = None) -> int:
    """Make the release, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version")
    parser.add_argument("--key", default="", help="key of gpg for the checksums and the tag")
    parser.add_argument("--target", type=Path, default=ROOT / "dist", help="folder for the files")
    parser.add_argument("--tagged", action="store_true", help="the tag exists, as in the release workflow: do not tag")
    parser.add_argument("--notes", action="store_true", help="only print the notes of the version from CHANGELOG.md")
    given = parser.parse_args(arguments)
    if given.notes:
        print(notes_of((ROOT / "CHANGELOG.md").read_text(), given.version))
        return 0
    try:
        problems = list(problems_of(ROOT, given.version, is_tagged=given.tagged))
        if problems:
            raise NotReady("\n".join(problems))
        files = build_twice(ROOT, given.target)
        for file in files:
            is_bill_subject = file.suffix == ".whl" and not is_client(file)
            check_installed(file, given.target / "sbom.cdx.json" if is_bill_subject else None)
        write_checksums(given.target)
        if given.key:
            sums = given.target / "SHA256SUMS"
            run("gpg", "--armor", "--yes", "--local-user", given.key, "--detach-sign", str(sums))
        if not given.tagged:
            signing = ("--sign", f"--local-user={given.key}") if given.key else ("--annotate",)
            run("git", "tag", *signing, "--message", f"gonemaster {given.version}", f"v{given.version}")
    except NotReady as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    print((given.target / "SHA256SUMS").read_text(), end="")
    return 0


def run(*command: str, cwd: Path = ROOT, environ: dict[str, str] | None = None) -> str:
    """Run a command and return its output. Raises NotReady with the output if it fails."""
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReady(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def problems_of(root: Path, version: str, *, is_tagged: bool = False) -> Iterator[str]:
    """Yield the reasons why a version cannot be released from a clone."""
    if not re.fullmatch(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?", version):
        yield f"{version} is not a version such as 0.1.0 or 0.2.0rc1"
    if changed := run("git", "status", "--porcelain", cwd=root):
        yield f"the tree is not clean: commit or remove\n{changed.rstrip()}"
    if not is_tagged and run("git", "tag", "--list", f"v{version}", cwd=root):
        yield f"the tag v{version} exists"
    for file in VERSION_FILES:
        if f'"{version}"' not in (root / file).read_text():
            yield f"{file} has another version than {version}"
    if not notes_of((root / "CHANGELOG.md").read_text(), version):
        yield f"CHANGELOG.md has no section '## [{version}] - YYYY-MM-DD' with entries"


def notes_of(changelog: str, version: str) -> str:
    """Return the section of a version."""
    heading = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d\n"
    found = re.search(heading + r"(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def build_twice(root: Path, target: Path) -> list[Path]:
    """Build wheels and sdists of service and client twice from the last commit. Raises NotReady if the bytes differ."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    commit, epoch = run("git", "log", "-1", "--format=%H %ct", cwd=root).split()  # both builds are of this commit
    hashes = []
    for _ in range(2):
        with tempfile.TemporaryDirectory(prefix="gm-release-") as folder:
            source, built = Path(folder) / "source", Path(folder) / "dist"
            archive = subprocess.run(["git", "archive", commit], cwd=root, capture_output=True, check=True).stdout
            with tarfile.open(fileobj=io.BytesIO(archive)) as files:
                files.extractall(source, filter="data")
            environ = {"PATH": "/usr/bin:/bin", "SOURCE_DATE_EPOCH": epoch, "HOME": folder, "LC_ALL": "C.UTF-8"}
            for folder_of_package in (source, source / "client"):
                build = (
                    sys.executable,
                    "-m",
                    "build",
                    "--no-isolation",
                    "--outdir",
                    str(built),
                    str(folder_of_package),
                )
                run(*build, environ=environ)
            for sdist in built.glob("*.tar.gz"):
                normalize(sdist, int(epoch))
            hashes.append({file.name: digest(file) for file in built.iterdir()})
            for file in built.iterdir():
                shutil.copy(file, target)
    if hashes[0] != hashes[1]:
        raise NotReady(f"two builds differ: {hashes}")
    return sorted(target.iterdir())


def normalize(sdist: Path, epoch: int) -> None:
    """Rewrite a tar file with the time of the commit and without users, since setuptools uses the current time."""
    packed = io.BytesIO()
    with tarfile.open(sdist) as old, tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new:
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = epoch, 0, 0, "", ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    sdist.write_bytes(gzip.compress(packed.getvalue(), mtime=epoch))


def digest(file: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def is_client(package: Path) -> bool:
    """Return whether a file is a package of the client."""
    return package.name.startswith("gonemaster_client-")


def check_installed(package: Path, bill: Path | None) -> None:
    """Install a package into an empty environment, run what it contains, and write the bill of materials."""
    with tempfile.TemporaryDirectory(prefix="gm-installed-") as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(package))
        script = "check_client.py" if is_client(package) else "check_installed.py"
        print(run(python, str(CI / script), cwd=Path(folder)), end="")
        if bill:
            run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "pip")
            print(run(sys.executable, str(CI / "sbom.py"), folder, str(bill)), end="")


def write_checksums(target: Path) -> None:
    """Write SHA256SUMS, which `sha256sum --check` reads."""
    files = sorted(file for file in target.iterdir() if not file.name.startswith("SHA256SUMS"))
    (target / "SHA256SUMS").write_text("".join(f"{digest(file)}  {file.name}\n" for file in files))


if __name__ == "__main__":
    raise SystemExit(main())
