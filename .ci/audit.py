"""Check the packages of an environment for known vulnerabilities: audit.py ENVIRONMENT [PIP-AUDIT-OPTION...].

pip-audit queries an online database and skips packages that it cannot look up; this program treats skipped packages as
a failure. Exit status: 0 all packages were checked and none is vulnerable; 1 a package is vulnerable; 3 a package was
not checked.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OURS = ("gonemaster", "gonemaster-client")  # in no database


def main(environment: str, *options: str) -> int:
    """Run pip-audit, print its findings, and return the exit status."""
    (packages,) = Path(environment).glob("lib/python3*/site-packages")
    program = str(Path(sys.executable).with_name("pip-audit"))
    command = [program, f"--path={packages}", "--format=json", "--progress-spinner=off", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        document = json.loads(done.stdout)
    except ValueError:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        print(f"audit: NOT AUDITED: pip-audit cannot reach its database: {lines[-1] if lines else 'no error message'}")
        return 3
    status, lines = verdict(document)
    print("\n".join(lines))
    return status


def verdict(document: dict[str, Any]) -> tuple[int, list[str]]:
    """Return the exit status and the output lines for a pip-audit document."""
    packages = [package for package in document["dependencies"] if package["name"] not in OURS]
    vulnerable = list(_vulnerable(packages))
    skipped = [package for package in packages if "skip_reason" in package]
    lines = list(vulnerable)
    if skipped:
        reason = skipped[0]["skip_reason"]
        lines.append(f"audit: NOT AUDITED: {len(skipped)} of {len(packages)} packages, the first because: {reason}")
    lines.append(f"audit: {len(packages) - len(skipped)} packages looked up, {len(vulnerable)} known vulnerabilities")
    return (1 if vulnerable else 3 if skipped else 0), lines


def _vulnerable(packages: list[dict[str, Any]]) -> Iterator[str]:
    for package in packages:
        for found in package.get("vulns", []):
            fixed = ", ".join(found["fix_versions"]) or "none"
            names = " ".join([found["id"], *found.get("aliases", [])])
            yield f"audit: VULNERABLE: {package['name']} {package['version']}: {names}; fixed in: {fixed}"


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
