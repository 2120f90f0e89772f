"""Rules about links and annotations: where they lead, and what they take along."""

import json
import re

import dashboard_files
import expressions
import lint_panels

DASHBOARD = re.compile(r"/d/([\w-]+)")
PASSED_ON = re.compile(r"\$\{(\w+):queryparam\}|var-(\w+)=")
COLUMN = re.compile(r'\$\{__data\.fields(?:\.(\w+)|\["([^"]+)"\])')
LABEL = re.compile(r"\$\{__field\.labels\.(\w+)")
TAKEN_ALONG = ("${datasource:queryparam}", "${__url_time_range}")
STEP = "10s"


def link_target(dashboard, site):
    for panel, link in _links(dashboard):
        match = DASHBOARD.search(link["url"])
        if not match or match[1] not in site:
            yield panel["title"], f"{link['url']}: no such dashboard"
            continue
        declared = dashboard_files.variables(site[match[1]])
        for names in PASSED_ON.findall(link["url"]):
            for name in filter(None, names):
                if name not in declared:
                    yield panel["title"], f"{match[1]} has no variable {name}"


def link_keeps(dashboard, _):
    for panel, link in _links(dashboard):
        for part in TAKEN_ALONG:
            if part not in link["url"]:
                yield panel["title"], f"{link['url']}: does not take {part} along"


def link_values(dashboard, _):
    for panel, link in _links(dashboard):
        brought = set()
        for target in dashboard_files.targets(panel):
            tree = expressions.tree(target["expr"], dashboard)
            brought |= (expressions.labels_of_result(tree) or set()) if tree is not None else set()
        for label in LABEL.findall(link["url"]):
            if label not in brought:
                yield panel["title"], f"{link['url']}: the series have no label {label}"
        for names in COLUMN.findall(link["url"]):
            if not set(filter(None, names)) <= lint_panels.headings(panel):
                yield panel["title"], f"{link['url']}: no such column"


def dashboard_links(dashboard, _):
    for link in dashboard.get("links", []):
        if link["type"] == "dashboards" and link["tags"] == ["lvs"] and link["keepTime"] and link["includeVars"]:
            return
    yield "links", "there is none to all dashboards with the tag lvs that keeps time and variables"


def annotation_time(dashboard, _):
    for annotation in dashboard_files.annotations(dashboard):
        place = f"annotation {annotation['name']}"
        if annotation.get("step") != STEP:
            yield place, f"step must be {STEP}: Grafana's own are 60 s, and closer events become one"
        if annotation.get("useValueForTime") and not annotation["expr"].startswith("1000 * "):
            yield place, "a value that is a time must be in milliseconds"


def no_host(dashboard, _):
    text = json.dumps(dashboard)
    for match in re.findall(r"https?://[\w.]+", text):
        yield "dashboard", f"{match}: every site has its own hosts"


def _links(dashboard):
    for panel in dashboard_files.all_panels(dashboard):
        for link in dashboard_files.links(panel):
            yield panel, link


RULES = {
    "link-target": link_target,          # these are all ours
    "link-keeps": link_keeps,
    "link-values": link_values,
    "dashboard-links": dashboard_links,
    "annotation-time": annotation_time,
    "no-host": no_host,
}
