"""Write the bill of materials of an environment in CycloneDX: sbom.py ENVIRONMENT FILE [OPTION...].

cyclonedx-py lists the installed packages. The output is reproducible: it contains no serial number, no time and no
paths of the environment.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

NAME = "gonemaster"


def main(environment: str, target: str, *options: str) -> int:
    """Write the file, and print the number of components."""
    command = [
        str(Path(sys.executable).with_name("cyclonedx-py")),
        "environment",
        "--output-reproducible",
        "--spec-version=1.6",
        "--output-format=JSON",
        *options,
        str(Path(environment) / "bin" / "python"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return 1
    document = json.loads(done.stdout)
    _name_subject(document)
    _remove_local_references(document)
    file = Path(target)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{file}: {len(document['components'])} components")
    return 0


def _name_subject(document: dict[str, Any]) -> None:
    """Move gonemaster from the components to the subject of the document; references to it remain valid."""
    (subject,) = [component for component in document["components"] if component["name"] == NAME]
    document["components"].remove(subject)
    document["metadata"]["component"] = {**subject, "type": "application"}


def _remove_local_references(document: dict[str, Any]) -> None:
    """Remove references to local folders from which packages were installed."""
    for component in (document["metadata"]["component"], *document["components"]):
        references = component.get("externalReferences", [])
        kept = [reference for reference in references if not reference["url"].startswith("file:")]
        if kept:
            component["externalReferences"] = kept
        else:
            component.pop("externalReferences", None)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
