"""Checks the used parts of grafana.json against Grafana's schema, and rules that no schema has."""

import json
import pathlib
import sys

import jsonschema

FOLDER = pathlib.Path(__file__).parent


def main():
    found = complaints(json.loads((FOLDER / "grafana.json").read_text()))
    if found:
        sys.exit("infra/dashboards/grafana.json:\n" + "\n".join(found))
    print("      grafana.json: as Grafana's schema has it")


def complaints(dashboard):
    schema = json.loads((FOLDER / "grafana.schema.json").read_text())
    errors = jsonschema.Draft202012Validator(schema).iter_errors(dashboard)
    found = [f"{error.json_path}: {error.message}" for error in errors]
    return found or double(dashboard)


def double(dashboard):
    """Numbers and names that must be unique."""
    found = repeated("panel", [panel["id"] for panel in dashboard["panels"]])
    for panel in dashboard["panels"]:
        targets = panel.get("targets", [])
        found += repeated(f"query of {panel['title']}", [target["refId"] for target in targets])
        found += repeated(f"operand of {panel['title']}", [target["id"] for target in targets if target["id"]])
    return found


def repeated(what, names):
    return [f"{what}: {name} is there twice" for name in sorted(set(names)) if names.count(name) > 1]


if __name__ == "__main__":
    main()
