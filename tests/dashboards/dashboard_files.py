"""The shipped dashboards as their tests see them: where they are, their panels, and their queries.

    site = dashboard_files.load()                         {uid: dashboard}
    for query in dashboard_files.queries(site["lvs-service"]):
        expression = variables.fill(query.expression, values)
"""

import dataclasses
import json
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent.parent.parent / "dashboards"


@dataclasses.dataclass(frozen=True)
class Query:
    """One expression of a dashboard; place says where it stands, legend what its results are called."""
    place: str
    expression: str
    legend: str
    instant: bool


def load():
    """{name of the file without .json: what it holds} of all dashboards."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def text(dashboard):
    """How a dashboard is written to its file, so that a change shows as the lines that changed."""
    return json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"


def all_panels(dashboard):
    """Every panel in the order of the file, rows and what is inside of them as well."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def panels(dashboard):
    """Every panel that shows something."""
    return [panel for panel in all_panels(dashboard) if panel["type"] != "row"]


def visible_panels(dashboard):
    """Those that ask as soon as the dashboard is opened."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def targets(panel):
    return panel.get("targets", [])


def annotations(dashboard):
    return dashboard["annotations"]["list"]


def variables(dashboard):
    """{name: variable}"""
    return {variable["name"]: variable for variable in dashboard["templating"]["list"]}


def links(panel):
    """Every link of a panel: its own, those of its values and those of single columns."""
    field_config = panel.get("fieldConfig", {})
    yield from panel.get("links", [])
    yield from field_config.get("defaults", {}).get("links", [])
    for override in field_config.get("overrides", []):
        for setting in override["properties"]:
            if setting["id"] == "links":
                yield from setting["value"]


def queries(dashboard):
    """Every expression of a dashboard: of panels and of annotations."""
    for panel in panels(dashboard):
        for target in targets(panel):
            yield Query(f"{dashboard['uid']}: {panel['title']}: {target['refId']}", target["expr"],
                        target.get("legendFormat", ""), target.get("instant", False))
    for annotation in annotations(dashboard):
        yield Query(f"{dashboard['uid']}: annotation {annotation['name']}", annotation["expr"],
                    annotation["titleFormat"] + annotation.get("textFormat", ""), False)
