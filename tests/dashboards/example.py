"""A small dashboard that breaks no rule of the linter, to break in one way at a time."""

import copy

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
CHOSEN = 'cluster=~"$cluster", job=~"$job", instance=~"$instance"'
LINK = {"title": "Open", "url": "/d/good?${datasource:queryparam}&${job:queryparam}&${__url_time_range}"
                                "&var-instance=${__field.labels.instance:percentencode}"}
ROW_LINK = {"title": "Open", "url": "/d/good?${datasource:queryparam}&${__url_time_range}"
                                    "&var-instance=${__data.fields.Director:percentencode}"}
UP_OR_DOWN = [{"type": "value", "options": {"0": {"text": "DOWN", "color": "red", "index": 0}}}]


def site():
    """{uid: dashboard} with a panel of every kind that has rules of its own."""
    return copy.deepcopy({"good": {
        "uid": "good", "title": "Good", "description": "An example.", "tags": ["lvs"], "schemaVersion": 42,
        "version": 1, "editable": False, "graphTooltip": 1, "refresh": "30s", "timezone": "browser",
        "time": {"from": "now-6h", "to": "now"},
        "links": [{"type": "dashboards", "title": "LVS", "tags": ["lvs"], "keepTime": True, "includeVars": True}],
        "templating": {"list": [
            {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
            _variable("job", "Job", "label_values(ipvs_up, job)"),
            _variable("cluster", "Cluster", 'label_values(ipvs_up{job=~"$job"}, cluster)'),
            _variable("instance", "Instance", 'label_values(ipvs_up{job=~"$job", cluster=~"$cluster"}, instance)')]},
        "annotations": {"list": [
            {"name": "Restarts", "datasource": DATASOURCE, "enable": True, "iconColor": "blue", "step": "10s",
             "titleFormat": "{{instance}}", "useValueForTime": True,
             "expr": f"1000 * process_start_time_seconds{{{CHOSEN}}}"}]},
        "panels": [_stat(), _graph(), _table(), _timeline(), _row()]}})


def _variable(name, label, query):
    return {"name": name, "label": label, "type": "query", "datasource": DATASOURCE, "query": query, "refresh": 2,
            "sort": 1, "multi": True, "includeAll": True, "allValue": ".+"}


def _panel(number, panel_type, title, row, **more):
    return {"id": number, "type": panel_type, "title": title, "datasource": DATASOURCE,
            "description": "What it shows. Normal: this. Otherwise: do that. Situation 1.",
            "gridPos": {"h": 4, "w": 24, "x": 0, "y": row}, **more}


def _target(expression, instant=True, form="time_series", legend="{{instance}}"):
    return {"refId": "A", "datasource": DATASOURCE, "expr": expression, "instant": instant, "range": not instant,
            "format": form, "legendFormat": legend}


def _stat():
    defaults = {"unit": "short", "noValue": "none", "links": [LINK]}
    return _panel(1, "stat", "Stat", 0, targets=[_target(f"ipvs_checker_in_flight{{{CHOSEN}}}")],
                  fieldConfig={"defaults": defaults, "overrides": []}, options={})


def _graph():
    rate = f"sum by (instance) (rate(ipvs_connections_total{{{CHOSEN}}}[$__rate_interval]))"
    return _panel(2, "timeseries", "Graph", 4, targets=[_target(rate, instant=False)],
                  fieldConfig={"defaults": {"unit": "cps"}, "overrides": []}, options={})


def _table():
    links = {"matcher": {"id": "byName", "options": "Director"}, "properties": [{"id": "links", "value": [ROW_LINK]}]}
    unit = {"matcher": {"id": "byName", "options": "Runs"}, "properties": [{"id": "unit", "value": "short"}]}
    organize = {"excludeByName": {"Time": True, "job": True, "cluster": True},
                "indexByName": {"instance": 0, "Value": 1},
                "renameByName": {"instance": "Director", "Value": "Runs"}}
    return _panel(3, "table", "Table", 8, targets=[_target(f"ipvs_checker_in_flight{{{CHOSEN}}}", form="table")],
                  transformations=[{"id": "organize", "options": organize}],
                  fieldConfig={"defaults": {}, "overrides": [links, unit]},
                  options={"sortBy": [{"displayName": "Runs", "desc": True}]})


def _timeline():
    return _panel(4, "state-timeline", "Timeline", 12, interval="5s",
                  targets=[_target(f"ipvs_up{{{CHOSEN}}}", instant=False)],
                  fieldConfig={"defaults": {"mappings": UP_OR_DOWN, "custom": {"insertNulls": 15000}}, "overrides": []},
                  options={"mergeValues": True, "showValue": "never", "rowHeight": 0.8, "perPage": 20})


def _row():
    inside = _panel(6, "timeseries", "Inside", 17,
                    targets=[_target(f"ipvs_checker_in_flight{{{CHOSEN}}}", instant=False)],
                    fieldConfig={"defaults": {"unit": "short"}, "overrides": []}, options={})
    return {"id": 5, "type": "row", "title": "More", "collapsed": True, "gridPos": {"h": 1, "w": 24, "x": 0, "y": 16},
            "panels": [inside]}
