"""Rules about a dashboard as a whole: what it says of itself, its identifiers, its layout."""

import collections
import itertools

import dashboard_files

COLUMNS = 24
MOST_VISIBLE_QUERIES = 20

# What every dashboard of the set has in common.
COMMON = {"schemaVersion": 42, "version": 1, "graphTooltip": 1, "tags": ["lvs"], "timezone": "browser",
          "refresh": "30s", "time": {"from": "now-6h", "to": "now"}}
FOREIGN_KEYS = {"id", "__inputs", "__requires", "__elements", "libraryPanels"}

# Panels that every Grafana has.
PANEL_TYPES = {"alertlist", "annolist", "barchart", "bargauge", "gauge", "heatmap", "histogram", "piechart", "row",
               "stat", "state-timeline", "status-history", "table", "text", "timeseries"}


def uneditable_dashboard(dashboard, _):
    if dashboard.get("editable") is not False:
        yield "dashboard", "editable must be false"


def dashboard_frame(dashboard, site):
    for key, value in COMMON.items():
        if dashboard.get(key) != value:
            yield key, f"is {dashboard.get(key)!r}, not {value!r}"
    for key in FOREIGN_KEYS & dashboard.keys():
        yield key, "must not be there"
    if site.get(dashboard.get("uid")) is not dashboard:
        yield "uid", f"{dashboard.get('uid')!r} is not the name of the file"
    for key in ("title", "description"):
        if not dashboard.get(key):
            yield key, "is empty"


def panel_type(dashboard, _):
    for panel in dashboard_files.all_panels(dashboard):
        if panel["type"] not in PANEL_TYPES:
            yield panel["title"], f"{panel['type']} is not a panel that every Grafana has"
        if "libraryPanel" in panel:
            yield panel["title"], "library panels do not work from files"


def unique_ids(dashboard, _):
    panels = list(dashboard_files.all_panels(dashboard))
    yield from _doubles("panels", [panel["id"] for panel in panels], "id")
    yield from _doubles("panels", [panel["title"] for panel in dashboard_files.panels(dashboard)], "title")
    for panel in panels:
        yield from _doubles(panel["title"], [target["refId"] for target in dashboard_files.targets(panel)], "refId")


def layout(dashboard, _):
    for panel in dashboard_files.all_panels(dashboard):
        box = panel["gridPos"]
        if box["x"] < 0 or box["w"] < 1 or box["h"] < 1 or box["x"] + box["w"] > COLUMNS:
            yield panel["title"], f"{box} is not inside of {COLUMNS} columns"
    for together in _shown_together(dashboard):
        for one, other in itertools.combinations(together, 2):
            if _overlap(one["gridPos"], other["gridPos"]):
                yield one["title"], f"overlaps {other['title']}"


def lower_rows_collapsed(dashboard, _):
    for panel in dashboard_files.all_panels(dashboard):
        if panel["type"] == "row" and not panel.get("collapsed"):
            yield panel["title"], "is open at load"


def visible_queries(dashboard, _):
    count = sum(len(dashboard_files.targets(panel)) for panel in dashboard_files.visible_panels(dashboard))
    if count > MOST_VISIBLE_QUERIES:
        yield "dashboard", f"{count} queries at load, more than {MOST_VISIBLE_QUERIES}"


def _doubles(place, values, what):
    for value, count in collections.Counter(values).items():
        if count > 1:
            yield place, f"{what} {value} is there {count} times"


def _shown_together(dashboard):
    """Panels that must not cover each other: those at load, and those inside of each row."""
    yield dashboard["panels"]
    for panel in dashboard["panels"]:
        yield panel.get("panels", [])


def _overlap(one, other):
    return (one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
            and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"])


RULES = {
    "uneditable-dashboard": uneditable_dashboard,
    "dashboard-frame": dashboard_frame,            # ours
    "panel-type": panel_type,                      # ours
    "unique-ids": unique_ids,                      # ours
    "layout": layout,                              # ours
    "lower-rows-collapsed": lower_rows_collapsed,  # ours
    "visible-queries": visible_queries,            # ours
}
