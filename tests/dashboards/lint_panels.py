"""Rules about what a panel says of itself and how it shows what it asks for."""

import pathlib
import re

import dashboard_files
import expressions

HERE = pathlib.Path(__file__).resolve().parent
# The identifiers of @grafana/data 13.2.3. Grafana shows a value of an unknown unit bare, and leaves out a
# transformation that it does not know, both without a word.
UNITS = frozenset((HERE / "grafana_units.txt").read_text(encoding="utf-8").split())
TRANSFORMATIONS = frozenset((HERE / "grafana_transformations.txt").read_text(encoding="utf-8").split())

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
WITHOUT_DATA = {"row", "text", "annolist", "alertlist"}
NORMAL = re.compile(r"\bNormal: .+\. ?.+\.$")
SITUATIONS = re.compile(r" Situations? ([0-9, and]+)\.$")
TIMELINE = {"mergeValues": True, "showValue": "never", "rowHeight": 0.8, "perPage": 20, "insertNulls": 15000,
            "interval": "5s"}


def panel_datasource(dashboard, _):
    for panel in dashboard_files.panels(dashboard):
        if panel["type"] not in WITHOUT_DATA and panel.get("datasource") != DATASOURCE:
            yield panel["title"], f"must ask {DATASOURCE}"
        for target in dashboard_files.targets(panel):
            if target.get("datasource") != DATASOURCE:
                yield f"{panel['title']}: {target['refId']}", f"must ask {DATASOURCE}"
    for annotation in dashboard_files.annotations(dashboard):
        if annotation.get("datasource") != DATASOURCE:
            yield f"annotation {annotation['name']}", f"must ask {DATASOURCE}"


def panel_no_targets(dashboard, _):
    for panel in dashboard_files.panels(dashboard):
        if panel["type"] not in WITHOUT_DATA and not dashboard_files.targets(panel):
            yield panel["title"], "asks nothing"


def panel_title_description(dashboard, _):
    for panel in dashboard_files.all_panels(dashboard):
        if not panel.get("title"):
            yield f"panel {panel['id']}", "has no title"
        elif panel["type"] != "row" and not panel.get("description"):
            yield panel["title"], "has no description"


def description_normal(dashboard, _):
    for panel in dashboard_files.panels(dashboard):
        if panel.get("description") and not NORMAL.search(panel["description"]):
            yield panel["title"], "the description does not say what is normal, and then what else there may be"


def panel_units(dashboard, _):
    for panel in dashboard_files.panels(dashboard):
        for field in _fields(panel):
            if field["number"] and field.get("unit") is None and not field.get("mappings"):
                yield panel["title"], f"{field['name']}: neither a unit nor value mappings"
            if field.get("unit") is not None and field["unit"] not in UNITS:
                yield panel["title"], f"{field['name']}: {field['unit']} is no unit of Grafana"


def known_transformations(dashboard, _):
    for panel in dashboard_files.panels(dashboard):
        for transformation in panel.get("transformations", []):
            if transformation["id"] not in TRANSFORMATIONS:
                yield panel["title"], f"{transformation['id']} is no transformation of Grafana"


def table_columns(dashboard, _):
    for panel in dashboard_files.panels(dashboard):
        options = _transformation(panel, "organize")
        if panel["type"] != "table" or _transformation(panel, "groupingToMatrix"):
            continue
        if not options:
            yield panel["title"], "a table without organize shows every label"
            continue
        shown, hidden = set(options["indexByName"]), set(options["excludeByName"])
        there = table_fields(panel, dashboard)
        chosen = set(_transformation(panel, "filterFieldsByName").get("include", {}).get("names", there))
        for name in (shown | hidden | chosen | options["renameByName"].keys()) - there:
            yield panel["title"], f"nothing brings the column {name}"
        for name in (there & chosen) - shown - hidden:
            yield panel["title"], f"the column {name} is neither placed nor hidden"
        if panel["options"].get("sortBy"):
            for order in panel["options"]["sortBy"]:
                if order["displayName"] not in headings(panel):
                    yield panel["title"], f"sorted by {order['displayName']}, which is no column"


def overrides_match(dashboard, _):
    for panel in dashboard_files.panels(dashboard):
        if panel["type"] != "table":
            continue
        for override in panel["fieldConfig"]["overrides"]:
            if override["matcher"]["id"] == "byName" and override["matcher"]["options"] not in headings(panel):
                yield panel["title"], f"settings for {override['matcher']['options']}, which is no column"


def stat_no_value(dashboard, _):
    for panel in dashboard_files.panels(dashboard):
        if panel["type"] == "stat" and panel["fieldConfig"]["defaults"].get("noValue") != "none":
            yield panel["title"], "without data it must read none, not No data"


def query_kind(dashboard, _):
    for panel in dashboard_files.panels(dashboard):
        instant = panel["type"] in ("stat", "table", "bargauge")
        for target in dashboard_files.targets(panel):
            if bool(target.get("instant")) != instant or bool(target.get("range")) == instant:
                yield f"{panel['title']}: {target['refId']}", f"must be {'an instant' if instant else 'a range'} query"
            if (target.get("format") == "table") != (panel["type"] == "table"):
                yield f"{panel['title']}: {target['refId']}", f"format {target.get('format')} for a {panel['type']}"


def state_timeline(dashboard, _):
    for panel in dashboard_files.panels(dashboard):
        if panel["type"] == "state-timeline":
            defaults = panel["fieldConfig"]["defaults"]
            said = {**panel["options"], **defaults.get("custom", {}), "interval": panel.get("interval")}
            for name, value in TIMELINE.items():
                if said.get(name) != value:
                    yield panel["title"], f"{name} is {said.get(name)!r}, not {value!r}"
            if not defaults.get("mappings"):
                yield panel["title"], "states without mappings"


def situation_form(dashboard, _):
    for panel in dashboard_files.panels(dashboard):
        if "ituation" in panel.get("description", "") and not situations(panel):
            yield panel["title"], "the situations must be the end: Situation 1. or Situations 1, 2 and 3."


def situations(panel):
    """The numbers of the set-ups that a panel shows."""
    match = SITUATIONS.search(panel.get("description", ""))
    return {int(number) for number in re.findall(r"\d+", match[1])} if match else set()


def table_fields(panel, dashboard):
    """The columns that a table's queries bring."""
    targets = dashboard_files.targets(panel)
    found = {"Time", *(value_field(panel, target) for target in targets)}
    for target in targets:
        tree = expressions.tree(target["expr"], dashboard)
        found |= (expressions.labels_of_result(tree) or set()) if tree is not None else set()
    return found


def value_field(panel, target):
    """What Grafana calls the values of a query in a table."""
    return "Value" if len(dashboard_files.targets(panel)) == 1 else f"Value #{target['refId']}"


def headings(panel):
    """The columns of a table as a person reads them, without hidden ones."""
    options = _transformation(panel, "organize")
    return {options["renameByName"].get(name, name) for name in options.get("indexByName", {})}


def _transformation(panel, name):
    """The options of the first transformation with that name; empty without one."""
    return next((step["options"] for step in panel.get("transformations", []) if step["id"] == name), {})


def _fields(panel):
    """What a panel shows with settings of its own: all values, in a table each column of values."""
    defaults = panel["fieldConfig"]["defaults"]
    overrides = {override["matcher"]["options"]: {setting["id"]: setting["value"] for setting in override["properties"]}
                 for override in panel["fieldConfig"]["overrides"] if override["matcher"]["id"] == "byName"}
    organize = _transformation(panel, "organize")
    if panel["type"] != "table" or _transformation(panel, "groupingToMatrix"):
        yield {"name": "values", "number": panel["type"] not in WITHOUT_DATA, **defaults}
        return
    numbers = {value_field(panel, target) for target in dashboard_files.targets(panel)}
    for field in organize.get("indexByName", ()):
        name = organize["renameByName"].get(field, field)
        yield {"name": name, "number": field in numbers, **defaults, **overrides.get(name, {})}


RULES = {
    "panel-datasource": panel_datasource,
    "panel-no-targets": panel_no_targets,
    "panel-title-description": panel_title_description,
    "panel-units": panel_units,
    "description-normal": description_normal,        # ours
    "known-transformations": known_transformations,  # ours
    "table-columns": table_columns,                  # ours
    "overrides-match": overrides_match,              # ours
    "stat-no-value": stat_no_value,                  # ours
    "query-kind": query_kind,                        # ours
    "state-timeline": state_timeline,                # ours
    "situation-form": situation_form,                # ours
}
