"""Asks the linter about dashboards from standard input, {name: dashboard}; prints {name: what it finds}."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import dashboard_files  # noqa: E402
import lint             # noqa: E402

site = dashboard_files.load()
json.dump({name: [str(finding) for finding in lint.findings(site | {dashboard["uid"]: dashboard})]
           for name, dashboard in json.load(sys.stdin).items()}, sys.stdout)
