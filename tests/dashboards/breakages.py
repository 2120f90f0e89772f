"""One way, or several, to break each rule of the linter: (rule, a function that spoils the example)."""


def _good(site):
    return site["good"]


def _panel(site, title):
    panels = _good(site)["panels"]
    return next(panel for panel in panels + panels[-1]["panels"] if panel["title"] == title)


def _target(site, title="Graph"):
    return _panel(site, title)["targets"][0]


def _variable(site, name):
    return next(variable for variable in _good(site)["templating"]["list"] if variable["name"] == name)


def _replace(site, title, old, new):
    target = _target(site, title)
    assert old in target["expr"]
    target["expr"] = target["expr"].replace(old, new)


# The dashboard as a whole.

def editable(site):
    _good(site)["editable"] = True


def other_refresh(site):
    _good(site)["refresh"] = "5s"


def export_with_inputs(site):
    _good(site)["__inputs"] = []


def file_of_another_name(site):
    _good(site)["uid"] = "better"


def no_description_of_the_dashboard(site):
    _good(site)["description"] = ""


def plugin_panel(site):
    _panel(site, "Graph")["type"] = "some-plugin-panel"


def library_panel(site):
    _panel(site, "Graph")["libraryPanel"] = {"uid": "x"}


def same_id(site):
    _panel(site, "Inside")["id"] = 1


def same_title(site):
    _panel(site, "Inside")["title"] = "Graph"


def same_ref_id(site):
    panel = _panel(site, "Graph")
    panel["targets"] = panel["targets"] * 2


def outside_of_the_columns(site):
    _panel(site, "Inside")["gridPos"]["x"] = 1


def overlap(site):
    _panel(site, "Table")["gridPos"]["y"] = 7


def open_row(site):
    _good(site)["panels"][-1]["collapsed"] = False


def many_queries(site):
    panel = _panel(site, "Graph")
    panel["targets"] = [{**panel["targets"][0], "refId": f"Q{number}"} for number in range(20)]


# Variables.

def data_source_without_label(site):
    _variable(site, "datasource")["label"] = "Source"


def job_of_another_label(site):
    _variable(site, "job")["label"] = "job"


def instance_of_another_label(site):
    _variable(site, "instance")["label"] = "Host"


def variable_without_promql(site):
    _variable(site, "cluster")["query"] = 'label_values(ipvs_up{job=~"$job"}}, cluster)'


def variable_of_another_function(site):
    _variable(site, "cluster")["query"] = 'tag_values(ipvs_up{job=~"$job"}, cluster)'


def read_once(site):
    _variable(site, "instance")["refresh"] = 1


def all_is_anything(site):
    _variable(site, "cluster")["allValue"] = ".*"


def unsorted_variable(site):
    _variable(site, "instance")["sort"] = 0


def variable_that_depends_on_nothing(site):
    _variable(site, "instance")["query"] = 'label_values(ipvs_up{job=~"$job"}, instance)'


def unused_variable(site):
    _good(site)["templating"]["list"].append({"name": "colour", "type": "custom", "query": "red,green"})


def undeclared_variable(site):
    _panel(site, "Graph")["title"] = "Connections of $service"


# Panels.

def fixed_data_source(site):
    _panel(site, "Graph")["datasource"] = {"type": "prometheus", "uid": "abc"}


def target_of_a_fixed_data_source(site):
    _target(site)["datasource"] = "Prometheus"


def annotation_of_a_fixed_data_source(site):
    _good(site)["annotations"]["list"][0]["datasource"] = "Prometheus"


def no_target(site):
    _panel(site, "Inside")["targets"] = []


def no_description(site):
    _panel(site, "Graph")["description"] = ""


def no_title(site):
    _panel(site, "Graph")["title"] = ""


def not_told_what_is_normal(site):
    _panel(site, "Graph")["description"] = "Connections a second. Situation 1."


def normal_and_nothing_else(site):
    _panel(site, "Graph")["description"] = "Connections a second. Normal: some."


def no_unit(site):
    del _panel(site, "Graph")["fieldConfig"]["defaults"]["unit"]


def unknown_unit(site):
    _panel(site, "Graph")["fieldConfig"]["defaults"]["unit"] = "connections"


def column_without_unit(site):
    _panel(site, "Table")["fieldConfig"]["overrides"].pop()


def unknown_transformation(site):
    _panel(site, "Graph")["transformations"] = [{"id": "organise", "options": {}}]


def _organize(site):
    return _panel(site, "Table")["transformations"][0]["options"]


def column_that_nothing_brings(site):
    _organize(site)["excludeByName"]["colour"] = True


def stray_column(site):
    del _organize(site)["excludeByName"]["job"]


def table_of_labels(site):
    panel = _panel(site, "Table")
    panel["transformations"] = [step for step in panel["transformations"] if step["id"] != "organize"]
    panel["fieldConfig"]["overrides"] = []  # they name columns


def sorted_by_no_column(site):
    _panel(site, "Table")["options"]["sortBy"][0]["displayName"] = "Value"


def settings_for_no_column(site):
    override = {"matcher": {"id": "byName", "options": "Value"}, "properties": []}
    _panel(site, "Table")["fieldConfig"]["overrides"].append(override)


def no_data(site):
    del _panel(site, "Stat")["fieldConfig"]["defaults"]["noValue"]


def stat_over_time(site):
    _target(site, "Stat").update(instant=False, range=True)


def table_of_series(site):
    _target(site, "Table")["format"] = "time_series"


def timeline_that_spans_gaps(site):
    del _panel(site, "Timeline")["fieldConfig"]["defaults"]["custom"]["insertNulls"]


def timeline_of_numbers(site):
    defaults = _panel(site, "Timeline")["fieldConfig"]["defaults"]
    defaults["mappings"], defaults["unit"] = [], "short"


def situation_in_the_middle(site):
    _panel(site, "Graph")["description"] = "Situation 1. Normal: this. Otherwise: do that."


# Expressions.

def broken_promql(site):
    _replace(site, "Graph", "sum by", "sum bye")


def fixed_window(site):
    _replace(site, "Graph", "$__rate_interval", "5m")


def any_job(site):
    _replace(site, "Graph", 'job=~"$job", ', "")


def any_instance(site):
    _replace(site, "Graph", ', instance=~"$instance"', "")


def any_cluster(site):
    _replace(site, "Graph", 'cluster=~"$cluster", ', "")


def raw_counter(site):
    _replace(site, "Stat", "ipvs_checker_in_flight", "ipvs_connections_total")


def counter_in_a_maximum(site):
    _replace(site, "Graph", "rate(", "max_over_time(")


def unknown_metric(site):
    _replace(site, "Graph", "ipvs_connections_total", "lvs_connections_total")


def matched_by_an_unknown_label(site):
    _replace(site, "Graph", "{", '{colour="red", ')


def summed_by_an_unknown_label(site):
    _replace(site, "Graph", "by (instance)", "by (instance, colour)")


def joined_on_a_label_that_is_gone(site):
    target = _target(site)
    target["expr"] = f"{target['expr']} * on (job, instance) {target['expr']}"


def legend_of_a_label_that_is_gone(site):
    _target(site)["legendFormat"] = "{{cluster}}"


def annotation_of_a_label_that_is_gone(site):
    _good(site)["annotations"]["list"][0]["textFormat"] = "{{remote_address}}"


def no_legend(site):
    _target(site)["legendFormat"] = ""


# Links.

def _stat_link(site):
    return _panel(site, "Stat")["fieldConfig"]["defaults"]["links"][0]


def link_to_nowhere(site):
    _stat_link(site)["url"] = _stat_link(site)["url"].replace("/d/good", "/d/better")


def link_with_an_unknown_variable(site):
    _stat_link(site)["url"] += "&var-backend=x"


def link_that_forgets_the_time(site):
    _stat_link(site)["url"] = _stat_link(site)["url"].replace("&${__url_time_range}", "")


def link_with_an_unknown_label(site):
    _stat_link(site)["url"] += "&var-job=${__field.labels.name}"


def link_with_an_unknown_column(site):
    link = _panel(site, "Table")["fieldConfig"]["overrides"][0]["properties"][0]["value"][0]
    link["url"] = link["url"].replace("Director", "Host")


def no_way_to_the_other_dashboards(site):
    _good(site)["links"] = []


def annotations_that_merge(site):
    del _good(site)["annotations"]["list"][0]["step"]


def annotation_in_seconds(site):
    annotation = _good(site)["annotations"]["list"][0]
    annotation["expr"] = annotation["expr"].removeprefix("1000 * ")


def link_to_a_host(site):
    _good(site)["description"] = "See http://grafana.example.org."


ALL = (
    ("uneditable-dashboard", editable),
    ("dashboard-frame", other_refresh),
    ("dashboard-frame", export_with_inputs),
    ("dashboard-frame", file_of_another_name),
    ("dashboard-frame", no_description_of_the_dashboard),
    ("panel-type", plugin_panel),
    ("panel-type", library_panel),
    ("unique-ids", same_id),
    ("unique-ids", same_title),
    ("unique-ids", same_ref_id),
    ("layout", outside_of_the_columns),
    ("layout", overlap),
    ("lower-rows-collapsed", open_row),
    ("visible-queries", many_queries),
    ("template-datasource", data_source_without_label),
    ("template-job", job_of_another_label),
    ("template-instance", instance_of_another_label),
    ("template-label-promql", variable_without_promql),
    ("template-label-promql", variable_of_another_function),
    ("template-on-time-change-reload", read_once),
    ("template-all", all_is_anything),
    ("template-all", unsorted_variable),
    ("template-chained", variable_that_depends_on_nothing),
    ("variables-used", unused_variable),
    ("variables-used", undeclared_variable),
    ("panel-datasource", fixed_data_source),
    ("panel-datasource", target_of_a_fixed_data_source),
    ("panel-datasource", annotation_of_a_fixed_data_source),
    ("panel-no-targets", no_target),
    ("panel-title-description", no_description),
    ("panel-title-description", no_title),
    ("description-normal", not_told_what_is_normal),
    ("description-normal", normal_and_nothing_else),
    ("panel-units", no_unit),
    ("panel-units", unknown_unit),
    ("panel-units", column_without_unit),
    ("known-transformations", unknown_transformation),
    ("table-columns", column_that_nothing_brings),
    ("table-columns", stray_column),
    ("table-columns", table_of_labels),
    ("table-columns", sorted_by_no_column),
    ("overrides-match", settings_for_no_column),
    ("stat-no-value", no_data),
    ("query-kind", stat_over_time),
    ("query-kind", table_of_series),
    ("state-timeline", timeline_that_spans_gaps),
    ("state-timeline", timeline_of_numbers),
    ("situation-form", situation_in_the_middle),
    ("target-promql", broken_promql),
    ("target-rate-interval", fixed_window),
    ("target-job", any_job),
    ("target-instance", any_instance),
    ("target-cluster", any_cluster),
    ("target-counter-agg", raw_counter),
    ("target-counter-agg", counter_in_a_maximum),
    ("target-metrics", unknown_metric),
    ("target-labels", matched_by_an_unknown_label),
    ("target-labels", summed_by_an_unknown_label),
    ("target-labels", joined_on_a_label_that_is_gone),
    ("legend-labels", legend_of_a_label_that_is_gone),
    ("legend-labels", annotation_of_a_label_that_is_gone),
    ("legend-given", no_legend),
    ("link-target", link_to_nowhere),
    ("link-target", link_with_an_unknown_variable),
    ("link-keeps", link_that_forgets_the_time),
    ("link-values", link_with_an_unknown_label),
    ("link-values", link_with_an_unknown_column),
    ("dashboard-links", no_way_to_the_other_dashboards),
    ("annotation-time", annotations_that_merge),
    ("annotation-time", annotation_in_seconds),
    ("no-host", link_to_a_host),
)
