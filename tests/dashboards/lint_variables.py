"""Rules about the variables of a dashboard."""

import json

import dashboard_files
import expressions
import variables

DATASOURCE = "${datasource}"
REFRESH_ON_TIME_CHANGE = 2
SORT_ALPHABETICALLY = 1


def template_datasource(dashboard, _):
    found = dashboard_files.variables(dashboard).get("datasource")
    if not found or found["type"] != "datasource" or found["query"] != "prometheus" or found["label"] != "Data source":
        yield "variable datasource", "must be of type datasource, for prometheus, with the label Data source"


def template_job(dashboard, _):
    yield from _chosen_by_label(dashboard, "job", "Job")


def template_instance(dashboard, _):
    yield from _chosen_by_label(dashboard, "instance", "Instance")


def template_label_promql(dashboard, _):
    for name, variable in _queried(dashboard):
        query = variable["query"]
        if not isinstance(query, str) or not variables.FUNCTIONS.fullmatch(query):
            yield f"variable {name}", f"{query!r} is not label_values, label_names, metrics or query_result"
            continue
        match = variables.LABEL_VALUES.fullmatch(query)
        selector = match and match["selector"]
        if selector and expressions.tree(selector, dashboard) is None:
            yield f"variable {name}", f"{selector} is not PromQL"


def template_on_time_change_reload(dashboard, _):
    for name, variable in _queried(dashboard):
        if variable.get("refresh") != REFRESH_ON_TIME_CHANGE:
            yield f"variable {name}", f"refresh must be {REFRESH_ON_TIME_CHANGE}"


def template_all(dashboard, _):
    for name, variable in _queried(dashboard):
        if not variable.get("multi") or not variable.get("includeAll") or variable.get("allValue") != ".+":
            yield f"variable {name}", "must be multi, with All that means .+"
        if variable.get("sort") != SORT_ALPHABETICALLY:
            yield f"variable {name}", "must be sorted"


def template_chained(dashboard, _):
    before = []
    for name, variable in _queried(dashboard):
        for earlier in before:
            if f'{earlier}=~"${earlier}"' not in variable["query"]:
                yield f"variable {name}", f"does not depend on {earlier}, which comes before it"
        if name in ("job", "cluster", "instance"):
            before.append(name)


def variables_used(dashboard, _):
    declared = dashboard_files.variables(dashboard).keys()
    used = variables.names(json.dumps(dashboard, ensure_ascii=False)) - variables.BUILT_IN
    for name in declared - used:
        yield f"variable {name}", "is not used"
    for name in used - declared:
        yield f"variable {name}", "is used and not declared"


def _queried(dashboard):
    return [(name, variable) for name, variable in dashboard_files.variables(dashboard).items()
            if variable["type"] == "query"]


def _chosen_by_label(dashboard, name, label):
    found = dashboard_files.variables(dashboard).get(name)
    if not found or found["type"] != "query" or found.get("datasource", {}).get("uid") != DATASOURCE:
        yield f"variable {name}", f"must be a query of {DATASOURCE}"
    elif found["label"] != label or not found["multi"] or not found["includeAll"] or found["allValue"] != ".+":
        yield f"variable {name}", f"must have the label {label}, be multi, with All that means .+"


RULES = {
    "template-datasource": template_datasource,
    "template-job": template_job,
    "template-instance": template_instance,
    "template-label-promql": template_label_promql,
    "template-on-time-change-reload": template_on_time_change_reload,
    "template-all": template_all,          # ours
    "template-chained": template_chained,  # ours
    "variables-used": variables_used,      # ours
}
