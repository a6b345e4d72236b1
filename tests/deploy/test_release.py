"""The release files: wheel and sdist, the bill of materials, the check for known vulnerabilities."""

from __future__ import annotations

import importlib.metadata
import io
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from gonemaster_engine.version import __version__
from tests.deploy.files import module, tools_python
from tests.support.sources import ROOT, SERVICE

pytestmark = pytest.mark.xdist_group("release")  # builds once


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=580)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with wheel and sdist, built from a copy of the committed and staged files."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in (*shipped(), "setup.cfg", "pyproject.toml", "README.md", "LICENSE", "tests/__init__.py"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    run(tools_python(), "-m", "build", "--no-isolation", "--outdir", target, source)
    return target


def wheel(folder: Path) -> Path:
    (found,) = folder.glob("*.whl")
    return found


def shipped() -> set[str]:
    """Return the files of the packages, with those in linked folders: the name servers of the demo and the units."""
    return {file for name in committed(*SERVICE) for file in members(name)}


def committed(*folders: str) -> list[str]:
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", *folders)
    return [name for name in listed.split() if (ROOT / name).exists()]


def members(name: str) -> list[str]:
    if not (ROOT / name).is_symlink():
        return [name]
    target = str((ROOT / name).resolve().relative_to(ROOT))
    return [f"{name}{file.removeprefix(target)}" for file in committed(target)]


@pytest.mark.thorough
def test_the_wheel_has_every_file_of_the_packages_and_nothing_else(built: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel(built)).namelist() if ".dist-info/" not in name}
    assert names == shipped()


@pytest.mark.thorough
def test_the_sdist_has_them_too(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    prefix = f"gonemaster-{__version__}/"
    with tarfile.open(archive) as files:
        names = {name.removeprefix(prefix) for name in files.getnames()}
    assert shipped() | {"setup.cfg", "pyproject.toml", "LICENSE", "README.md"} <= names
    assert not [name for name in names if name.startswith("tests/")]


@pytest.mark.slow
@pytest.mark.timeout(300)  # all code is compiled and started for the first time
def test_the_wheel_runs_in_an_empty_environment(built: Path, tmp_path: Path) -> None:
    """Only the dependencies are external: they come from the environment of the tests, without its editable package."""
    environment = tmp_path / "empty"
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    python = environment / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--quiet", "--no-index", "--no-deps", wheel(built))
    packages = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    (Path(packages) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    output = run(python, ROOT / ".ci" / "check_installed.py", cwd=tmp_path)
    assert output.startswith(f"packages in {packages}")
    assert output.endswith("installed package: ok\n")


def dependencies(name: str, extras: tuple[str, ...] = ("",)) -> Iterator[str]:
    """Return the names of a package's dependencies on this platform, recursively."""
    seen: set[str] = set()
    queue = [(name, extras)]
    while queue:
        package, wanted = queue.pop()
        for text in importlib.metadata.requires(package) or []:
            needed = Requirement(text)
            applies = not needed.marker or any(needed.marker.evaluate({"extra": extra}) for extra in wanted)
            if applies and canonicalize_name(needed.name) not in seen:
                seen.add(canonicalize_name(needed.name))
                queue.append((needed.name, ("", *needed.extras)))
    yield from seen


def bill(python: str, target: Path) -> dict[str, Any]:
    # The schema check takes ten seconds; `make sbom` runs it.
    output = run(python, ROOT / ".ci" / "sbom.py", Path(sys.executable).parent.parent, target, "--no-validate")
    assert re.search(r"\d+ components", output)
    document: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    return document


def test_the_bill_of_materials_names_every_dependency_and_is_repeatable(tmp_path: Path) -> None:
    """Checks the installed environment of the tests, which has more packages than `make sbom` checks."""
    python = tools_python()
    document = bill(python, tmp_path / "one.json")
    assert (document["bomFormat"], document["metadata"]["component"]["name"]) == ("CycloneDX", "gonemaster")
    assert document["metadata"]["component"]["version"] == __version__
    versions: dict[str, Any] = {
        canonicalize_name(component["name"]): component["version"] for component in document["components"]
    }
    for name in dependencies("gonemaster"):
        assert versions[name] == importlib.metadata.version(name)
    unlicensed = {canonicalize_name(part["name"]) for part in document["components"] if not part.get("licenses")}
    assert set(dependencies("gonemaster")) & unlicensed == set()
    assert str(ROOT) not in json.dumps(document)
    bill(python, tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


FINE = {"name": "flask", "version": "3.1.0", "vulns": []}
SKIPPED = {"name": "idna", "version": "3.10", "skip_reason": "not found"}
BAD = {"name": "redis", "version": "6.0", "vulns": [{"id": "A-1", "aliases": ["B-2"], "fix_versions": ["6.4"]}]}


@pytest.mark.parametrize(
    ("packages", "status", "text"),
    [
        ([FINE], 0, "1 packages looked up, 0 known vulnerabilities"),
        ([FINE, BAD], 1, "VULNERABLE: redis 6.0: A-1 B-2; fixed in: 6.4"),
        ([FINE, SKIPPED], 3, "NOT AUDITED: 1 of 2 packages, the first because: not found"),
        ([BAD, SKIPPED], 1, "NOT AUDITED: 1 of 2 packages"),
        ([FINE, {"name": "gonemaster", "skip_reason": "not found"}], 0, "1 packages looked up"),
    ],
)
def test_an_audit_that_looked_nothing_up_is_no_success(packages: list[dict[str, Any]], status: int, text: str) -> None:
    found, lines = module(".ci/audit.py").verdict({"dependencies": packages})
    assert found == status
    assert text in "\n".join(lines)


def test_an_audit_without_the_network_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the discard port has no listener
    empty = tmp_path / "lib" / "python3" / "site-packages"
    known = empty / "six-1.17.0.dist-info"
    known.mkdir(parents=True)
    (known / "METADATA").write_text("Metadata-Version: 2.1\nName: six\nVersion: 1.17.0\n")
    command = [tools_python(), str(ROOT / ".ci" / "audit.py"), str(tmp_path), f"--cache-dir={tmp_path / 'cache'}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "NOT AUDITED: pip-audit cannot reach its database" in done.stdout


def clone_of(
    tmp_path: Path, *, version: str = "9.8.7", changelog: str = "## [9.8.7] - 2026-11-30\n\n- A change.\n"
) -> Path:
    """Create a clone with one commit that could be released as 9.8.7."""
    clone = tmp_path / "clone"
    for package in ("gonemaster_engine", "gonemaster_client"):
        (clone / package).mkdir(parents=True)
        (clone / package / "version.py").write_text(f'__version__ = "{version}"\n')
    (clone / "CHANGELOG.md").write_text(f"# Changelog\n\n## [Unreleased]\n\n{changelog}")
    author = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    for command in (("init", "--quiet"), ("add", "."), (*author, "commit", "--quiet", "--message", "x")):
        run("git", *command, cwd=clone)
    return clone


def test_a_clone_that_is_ready_has_no_problems(tmp_path: Path) -> None:
    assert list(module(".ci/release.py").problems_of(clone_of(tmp_path), "9.8.7")) == []


@pytest.mark.parametrize(
    ("fields", "version", "text"),
    [
        ({}, "9.8", "9.8 is not a version such as 0.1.0"),
        ({"version": "9.8.6"}, "9.8.7", "version.py has another version"),
        ({"changelog": "## [9.8.7]\n\n- A change.\n"}, "9.8.7", "CHANGELOG.md has no section"),
        ({"changelog": "## [9.8.7] - 2026-11-30\n\n## [9.8.6] - 2026-11-01\n\n- x\n"}, "9.8.7", "with entries"),
    ],
)
def test_a_release_that_is_not_ready_is_refused(
    tmp_path: Path, fields: dict[str, str], version: str, text: str
) -> None:
    assert text in "\n".join(module(".ci/release.py").problems_of(clone_of(tmp_path, **fields), version))


def test_a_changed_tree_and_an_existing_tag_are_refused(tmp_path: Path) -> None:
    clone = clone_of(tmp_path)
    (clone / "new").touch()
    run("git", "tag", "v9.8.7", cwd=clone)
    text = "\n".join(module(".ci/release.py").problems_of(clone, "9.8.7"))
    assert "the tree is not clean: commit or remove\n?? new" in text
    assert "the tag v9.8.7 exists" in text


def test_an_sdist_has_the_same_bytes_whenever_it_is_built(tmp_path: Path) -> None:
    results = []
    for mtime in (1, 2):
        file = tmp_path / f"{mtime}.tar.gz"
        with tarfile.open(file, "w:gz") as files:
            member = tarfile.TarInfo("a/b")
            member.mtime, member.uid, member.uname, member.size = mtime, mtime, str(mtime), 3
            files.addfile(member, io.BytesIO(b"abc"))
        module(".ci/release.py").normalize(file, 99)
        results.append(file.read_bytes())
    assert results[0] == results[1]


def test_checksums_can_be_checked(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    module(".ci/release.py").write_checksums(tmp_path)
    assert run("sha256sum", "--check", "SHA256SUMS", cwd=tmp_path) == "file: OK\n"


def test_every_dependency_is_named_with_a_licence() -> None:
    rows = dict(re.findall(r"^\| (\S+) \| (.+) \|$", (ROOT / "THIRD-PARTY.md").read_text(), re.MULTILINE))
    installed = {*dependencies("gonemaster", ("", "flower")), *dependencies("gonemaster-client", ("", "axfr"))}
    assert installed <= set(rows), "run make notices"


@pytest.mark.nightly
@pytest.mark.timeout(600)
def test_two_builds_of_the_last_commit_have_the_same_bytes(tmp_path: Path) -> None:
    build = f"release.build_twice(release.ROOT, pathlib.Path({str(tmp_path / 'dist')!r}))"
    run(tools_python(), "-c", f"import pathlib, sys; sys.path.insert(0, '.ci'); import release; {build}")
    assert {file.suffix for file in (tmp_path / "dist").iterdir()} == {".whl", ".gz"}
