"""Write config/crds and config/schemas from the kinds in headwater.apis; with --check only say what differs.

The files are for people and for other control planes: Headwater itself serves the kinds directly.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

import headwater.apis
from headwater.apis.kind import Kind, api_resource_schema_of, by_resource, crd_of
from headwater.base import yamlio

CONFIG = Path(__file__).resolve().parent.parent / "config"


def all_kinds() -> list[Kind]:
    """Every Kind defined by a module below headwater.apis, in a fixed order."""
    kinds: list[Kind] = []
    for module in pkgutil.walk_packages(headwater.apis.__path__, "headwater.apis."):
        if not module.name.startswith("headwater.apis.kube"):
            defined = vars(importlib.import_module(module.name)).values()
            kinds.extend(value for value in defined if isinstance(value, Kind) and value not in kinds)
    return sorted(kinds, key=lambda kind: (kind.group, kind.plural, not kind.storage, kind.version))


def documents() -> dict[Path, str]:
    """Path to content of every generated file."""
    files: dict[Path, str] = {}
    for versions in by_resource(all_kinds()):
        name = f"{versions[0].group}_{versions[0].plural}.yaml"
        files[CONFIG / "crds" / name] = yamlio.dump(crd_of(versions))
        files[CONFIG / "schemas" / name] = yamlio.dump(api_resource_schema_of(versions))
    return files


def main() -> int:
    wanted = documents()
    present = {path for folder in ("crds", "schemas") for path in (CONFIG / folder).glob("*.yaml")}
    stale = sorted(present - wanted.keys())
    changed = sorted(path for path, text in wanted.items() if not path.exists() or path.read_text() != text)
    if "--check" in sys.argv[1:]:
        for path in [*changed, *stale]:
            print(f"{path} differs from headwater.apis: run `make gen`")
        return 1 if changed or stale else 0
    for path in stale:
        path.unlink()
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path])
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
