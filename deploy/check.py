"""Validate deploy/ with the programs that use its files: `make deploy-check`, or deploy/check.py [NAME...].

Each check prints one line: ok, FAILED with the output of the program, or NOT RUN with the reason. The exit status is 1
if a check failed, 3 if no check failed but some were not run, otherwise 0.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
UNITS = HERE / "systemd"
CHART = HERE / "helm" / "gonemaster"
SERVER = "/opt/gonemaster/bin/gonemaster-server"
# Exposure levels of `systemd-analyze security` range from 0.0 (safe) to 10.0 (exposed); the threshold is in tenths.
MAX_EXPOSURE = 14
KUBERNETES = ("1.27", "1.31", "1.34")  # the oldest that Chart.yaml allows, and two newer ones

# Together these sets of values cover each template and each branch.
_SECRET = {"existingSecret": "gonemaster"}
VALUES: Mapping[str, dict[str, Any]] = {
    "smallest": {**_SECRET, "api": {"replicas": 1}, "networkPolicy": {"enabled": False}, "migrate": {"enabled": False}},
    "default": dict(_SECRET),
    "everything": {
        **_SECRET,
        "publicUrl": "https://dns.example",
        "trustedProxyCidrs": ["10.0.0.0/8", "fd00::/8"],
        "imagePullSecrets": [{"name": "registry"}],
        "settings": {"NAMESERVER_QPS": "20"},
        "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "tls", "annotations": {"a.example/b": "c"}},
        "flower": {"enabled": True},
        "normalWorker": {"enabled": True},
        "serviceMonitor": {"enabled": True, "tokenSecret": "metrics"},
        "podMonitor": {"enabled": True},
        "networkPolicy": {"from": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}]},
        "worker": {"processes": 2, "autoscaling": {"enabled": True, "tokenSecret": "metrics"}},
    },
    "redis": {
        **_SECRET,
        "worker": {
            "autoscaling": {
                "enabled": True,
                "source": "redis",
                "redisAddress": "redis.internal:6379",
                "redisPasswordSecret": "redis",
            }
        },
    },
}
_CUSTOM_KINDS = ("ScaledObject", "TriggerAuthentication", "ServiceMonitor", "PodMonitor")  # tested in tests/deploy


class Failed(Exception):
    """A program rejected a file; the message contains its output."""


class NotRun(Exception):
    """A program is not installed; the message names the package."""


def systemd_verify() -> str:
    """Verify the units with systemd, using a substitute for the program that they start."""
    analyze = _program("systemd-analyze", "the package systemd")
    with tempfile.TemporaryDirectory() as folder:
        units = _units_in(Path(folder))
        names = [str(unit) for unit in units if "@." not in unit.name]
        environ = {"SYSTEMD_UNIT_PATH": f"{folder}:"}
        said = _run([analyze, "verify", "--man=no", *names], environ=environ)
        # systemd only warns about unknown keys. Ignore warnings about other units of the machine.
        ours = [line for line in said.splitlines() if folder in line or "gonemaster" in line]
        if ours:
            raise Failed("\n".join(ours))
    return f"{len(units)} units"


def systemd_security() -> str:
    """Check the exposure level of each service."""
    analyze = _program("systemd-analyze", "the package systemd")
    services = sorted(UNITS.glob("*.service"))
    for service in services:
        command = [analyze, "security", "--offline=true", f"--threshold={MAX_EXPOSURE}", "--no-pager", str(service)]
        try:
            _run(command)
        except Failed as error:
            open_points = [line.strip() for line in str(error).splitlines() if line.startswith(("✗", "→"))]
            raise Failed("\n".join(open_points)) from error
    return f"{len(services)} services, exposure at most {MAX_EXPOSURE / 10}"


def systemd_sysusers() -> str:
    """Validate the account with systemd-sysusers."""
    program = _program("systemd-sysusers", "the package systemd")
    _run([program, "--dry-run", str(UNITS / "gonemaster.sysusers")])
    return "the account"


def _units_in(folder: Path) -> list[Path]:
    """Copy the units with an existing server program and an instance of each template; return the copies."""
    server = folder / "gonemaster-server"
    server.write_text("#!/bin/sh\n")
    server.chmod(0o755)
    units = []
    for source in sorted([*UNITS.glob("*.service"), *UNITS.glob("*.socket"), *UNITS.glob("*.target")]):
        text = source.read_text(encoding="utf-8").replace(SERVER, str(server))
        for name in {source.name, source.name.replace("@.", "@1.")}:
            (folder / name).write_text(text, encoding="utf-8")
            units.append(folder / name)
    return units


def nginx() -> str:
    """Validate the nginx example with a temporary certificate."""
    program = _program("nginx", "the package nginx-light", path="/usr/sbin:/usr/local/sbin")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make_certificate(folder)
        text = (HERE / "nginx" / "gonemaster.conf").read_text(encoding="utf-8").replace("/etc/nginx/tls", name)
        (folder / "site.conf").write_text(text, encoding="utf-8")
        (folder / "nginx.conf").write_text(
            f"pid {folder}/pid; error_log stderr; events {{}} http {{ access_log off; include {folder}/site.conf; }}\n"
        )
        said = _run([program, "-t", "-e", "stderr", "-p", name, "-c", str(folder / "nginx.conf")])
        if "[warn]" in said:
            raise Failed(said)
    return "gonemaster.conf"


def _make_certificate(folder: Path) -> None:
    openssl = _program("openssl", "the package openssl")
    files = ["-keyout", str(folder / "dns.example.key"), "-out", str(folder / "dns.example.pem")]
    _run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=dns.example", *files])


def caddy() -> str:
    """Validate both Caddyfiles, and check their format with `caddy fmt`."""
    program = _program("caddy", "the package caddy")
    files = [HERE / "caddy" / "Caddyfile", HERE / "compose" / "Caddyfile"]
    with tempfile.TemporaryDirectory() as folder:
        environ = {"HOME": folder, "XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder}
        for file in files:
            _run([program, "validate", "--adapter", "caddyfile", "--config", str(file)], environ=environ)
            if _run([program, "fmt", str(file)], environ=environ) != file.read_text(encoding="utf-8"):
                raise Failed(f"{file}: caddy fmt --overwrite would change it")
    return f"{len(files)} files"


def compose() -> str:
    """Resolve the compose file with Docker Compose, without starting containers."""
    docker, alone = shutil.which("docker"), shutil.which("docker-compose")
    if alone:
        program = [alone]
    elif docker and not subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        program = [docker, "compose"]
    else:
        raise NotRun("no docker-compose: install the package docker-compose")
    file = HERE / "compose" / "compose.yaml"
    said = _run([*program, "--file", str(file), "config", "--quiet"], environ={"GONEMASTER_HOST": "localhost"})
    if "level=warning" in said:
        raise Failed(said)
    return file.name


def dockerfile() -> str:
    """Lint the Dockerfile."""
    beside = Path(sys.executable).with_name("hadolint")
    program = str(beside) if beside.exists() else _program("hadolint", "it with make .venv-tools/.ready")
    _run([program, "--no-color", "--failure-threshold", "style", str(HERE / "image" / "Dockerfile")])
    return "Dockerfile"


def helm() -> str:
    """Lint the chart with Helm, render it with several sets of values, and validate the objects with the schemas."""
    try:
        import helm_python
        import kubernetes_validate
    except ImportError as error:
        raise NotRun(f"no Python module {error.name}: run make .venv-tools/.ready") from error
    count = 0
    for name, values in VALUES.items():
        report = helm_python.lint(str(CHART), values, strict=True, kube_version=f"v{KUBERNETES[0]}.0")
        if report["errors"]:
            raise Failed(f"{name}: {report['errors']}")
        for manifest in rendered(values):
            count += 1
            if manifest["kind"] in _CUSTOM_KINDS:
                continue
            for version in KUBERNETES:
                try:
                    kubernetes_validate.validate(manifest, version, strict=True)
                except kubernetes_validate.ValidationError as error:
                    about = f"{name}, {manifest['kind']} {manifest['metadata']['name']}, Kubernetes {version}"
                    raise Failed(f"{about}: {error.message} at {'.'.join(map(str, error.path))}") from error
    return f"{len(VALUES)} sets of values, {count} objects"


def rendered(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the objects of the chart for these values. Requires helm_python and PyYAML."""
    import helm_python
    import yaml

    chart = helm_python.Chart.load(str(CHART))
    texts = chart.render(dict(values), name="check", namespace="dns")
    files = [text for name, text in sorted(texts.items()) if name.endswith(".yaml")]
    return [manifest for text in files for manifest in yaml.safe_load_all(text) if manifest]


def prometheus() -> str:
    """Check the Prometheus configuration and the rules with promtool, and run the tests of the rules."""
    program = _program("promtool", "the package prometheus")
    _run([program, "check", "config", "--syntax-only", str(HERE / "compose" / "prometheus.yml")])
    rules = sorted((HERE / "prometheus" / "rules").glob("*.yml"))
    _run([program, "check", "rules", "--lint=none", *map(str, rules)])
    for series in sorted((HERE / "prometheus" / "tests").glob("*.yml")):
        _run([program, "test", "rules", str(series)])
    return f"prometheus.yml, {len(rules)} file of rules"


CHECKS: Mapping[str, Callable[[], str]] = {
    "systemd-verify": systemd_verify,
    "systemd-security": systemd_security,
    "systemd-sysusers": systemd_sysusers,
    "nginx": nginx,
    "caddy": caddy,
    "compose": compose,
    "dockerfile": dockerfile,
    "helm": helm,
    "prometheus": prometheus,
}


def _program(name: str, provided_by: str, *, path: str = "") -> str:
    """Return the path of a program. Raises NotRun."""
    found = shutil.which(name, path=os.pathsep.join(part for part in (os.environ.get("PATH", ""), path) if part))
    if not found:
        raise NotRun(f"no {name}: install {provided_by}")
    return found


def _run(command: list[str], *, environ: Mapping[str, str] | None = None) -> str:
    """Run a program and return its output. Raises Failed."""
    done = subprocess.run(
        command,
        env={**os.environ, "LC_ALL": "C.UTF-8", **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        raise Failed(f"{' '.join(command)}\n{done.stdout.strip()}")
    return done.stdout


def main(names: list[str]) -> int:
    """Run the named checks, or all, and return the exit status."""
    if unknown := set(names) - set(CHECKS):
        print(f"check.py: unknown check {', '.join(sorted(unknown))}; use {', '.join(CHECKS)}", file=sys.stderr)
        return 2
    failed = missing = 0
    for name in names or CHECKS:
        try:
            print(f"ok       {name}: {CHECKS[name]()}", flush=True)
        except Failed as error:
            failed += 1
            print(f"FAILED   {name}: {error}", flush=True)
        except NotRun as reason:
            missing += 1
            print(f"NOT RUN  {name}: {reason}", flush=True)
    return 1 if failed else 3 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
