"""Ways to break each rule of the linter, one or several: (rule, file of the example, text, what to put there)."""

A, M, R = "lvs-availability.yml", "lvs-meta.yml", "alertmanager.yml"
P, T = "prometheus.yml", "example_test.yml"
EVERY = "*"  # file

RATE = "rate(ipvs_connections_total[20s]) > 2"
FILTER = "unless on (cluster) sum by (cluster) ("
HOST_RULE = "expr: min by (cluster, remote_address) (cluster_backend:ipvs_backend_down:active) == 1"
CRITICAL = '''    labels: {severity: critical}
    annotations: &'''
EXPORTER = 'max_over_time(up{job="ipvs"}[30s]) == 0'
FIRST_INHIBIT = '''['alertname = "LVSRealServerHostDown"']
  target_matchers: ['alertname =~ "LVSRealServerDown"']'''
FIRST_INHIBIT_TURNED = '''['alertname = "LVSRealServerDown"']
  target_matchers: ['alertname =~ "LVSRealServerHostDown"']'''
DEBOUNCED_WARNING = '''for: 0s  # debounced
    keep_firing_for: 1m
    labels: {severity: warning}'''
TWICE = '''  - {eval_time: 10s, alertname: LVSRealServerHostDown}
'''

BREAKAGES = (
    # lint_rules.py
    ("severity", M, CRITICAL, CRITICAL.replace("critical", "urgent")),
    ("severity", M, CRITICAL, "    annotations: &"),
    ("label-is-constant", A, "labels: {severity: critical}", "labels: {severity: critical, value: '{{ $value }}'}"),
    ("wait-is-written", A, f"{HOST_RULE}\n    for: 0s  # debounced\n", f"{HOST_RULE}\n"),
    ("wait-is-written", A, "for: 1m  # a burst", "for: 1m"),
    ("alerts/absent", M, "for: 5m  # a new", "for: 5s  # a new"),
    ("keeps-firing", A, "    for: 0s  # debounced\n    keep_firing_for: 1m\n    labels: {severity: critical}",
     "    for: 0s  # debounced\n    labels: {severity: critical}"),
    ("promql/fragile", A, "for: 1m  # a burst", "for: 0s  # a burst"),
    ("alerts/comparison", A, "cluster_backend:ipvs_backend_down:active == 1\n    for: 0s  # debounced\n"
     "    keep_firing_for: 1m\n    labels: {severity: warning}",
     "cluster_backend:ipvs_backend_down:active\n    for: 0s  # debounced\n"
     "    keep_firing_for: 1m\n    labels: {severity: warning}"),
    ("group/interval", A, "interval: 5s", "interval: 15s"),
    ("group/interval", A, "  interval: 5s\n", ""),
    ("group/interval", M, "name: lvs.meta", "name: lvs.watchers"),
    # lint_order.py
    ("name", EVERY, "LVSServerSkew", "LVS_server_skew"),
    ("name", A, "cluster_backend:ipvs_backend_down:active", "ipvs_backend_down"),
    ("rule/duplicate", M, 'absent(up{job="ipvs"})', f'{EXPORTER} # again'),
    ("most-serious-first", M, CRITICAL, CRITICAL.replace("critical", "warning")),
    ("inhibitor-first", R, FIRST_INHIBIT, FIRST_INHIBIT_TURNED),
    ("record-above-users", A, "  - record: ", "  - {record: 'cluster:lvs_backend_down:max', "
     "expr: max by (cluster) (cluster_backend:ipvs_backend_down:active)}\n  - record: "),
    ("record-is-used", A, "  - alert: LVSRealServerHostDown",
     "  - {record: 'instance:ipvs_up:max', expr: max by (instance) (ipvs_up)}\n  - alert: LVSRealServerHostDown"),
    # lint_annotations.py
    ("alerts/annotation", A, "      description: At {{ $labels.instance }}.\n", ""),
    ("alerts/annotation", A, "description: At {{ $labels.instance }}.", "description: ''"),
    ("summary", A, "A host is down.", "A host is down"),
    ("summary", A, "A host is down.", "a host is down."),
    ("summary", A, "A host is down.", "Host {{ $labels.remote_address }} is down."),
    ("summary", A, "A host is down.", "A host is down. Look at it."),
    ("description", A, "description: At {{ $labels.instance }}.", "description: At {{ $labels.instance }}"),
    ("service-words", A, "{{ with $labels.local_mark }}mark {{ . }} ", "{{ with $labels.local_mark }}{{ . }} "),
    ("service-words", A, ":{{ $labels.remote_port }} of", " of"),
    ("runbook", A, "runbooks/LVSRealServerDown.md", "runbooks/LVSServerDown.md"),
    ("runbook", "runbooks", "LVSExporterDown.md", ""),
    ("runbook", "runbooks", "LVSExporterDown.md", "LVSExporterDown.md LVSForgotten.md"),
    ("runbook-headings", "runbook", "# {}\n", "# {}Alert\n"),
    ("runbook-headings", "runbook", "# {}\n", "# {}\n\nIt is so.\n"),
    ("runbook-headings", "runbook", "## Impact\n\nNone.\n\n", ""),
    ("runbook-headings", "runbook", "## Impact", "### Impact"),
    ("runbook-headings", "runbook", "## Impact", "## Mitigation"),
    ("runbook-headings", "runbook", "## Mitigation\n\nNone.", "## Mitigation"),
    ("runbook-headings", "runbook", "Cannot be provoked in the lab.\n",
     "Cannot be provoked in the lab.\n\n## Links\n\nNone.\n"),
    ("dashboard", "dashboards", "lvs-realserver", "lvs-server"),
    ("dashboard", "dashboards", " backend", ""),
    ("dashboard", M, "dashboard_url: /d/", "dashboard_url: https://grafana.example.org/d/"),
    ("alerts/template", A, "Host {{ $labels.remote_address }}", "Host {{ $labels.local_address }}"),
    ("template-queries", A, "$labels.local_mark | query", "$labels.proto | query"),
    ("template-queries", A, "        $labels.local_mark | query", "        | query"),
    ("template-queries", A, '"ipvs_backend_down_reason{', '"ipvs_backend_reason{'),
    ("template-queries", A, "local_mark='%s'}\"", "local_mark='%s',mark='1'}\""),
    ("template-queries", A, "local_mark='%s'}\"", "local_mark='%s'\""),
    ("template-queries", A, ".Labels.reason", ".Labels.why"),
    ("template-queries", A, "description: At", "description: At {{ query \"up\" | first | value }}"),
    # lint_expressions.py
    ("promql/counter", A, RATE, "ipvs_connections_total > 2"),
    ("promql/counter", A, RATE, "max_over_time(ipvs_connections_total[20s]) > 2"),
    ("promql/rate", A, RATE, "rate(ipvs_estimation_enabled[20s]) > 2"),
    ("rate-window", A, RATE, "rate(ipvs_connections_total[15s]) > 2"),
    ("no-topk", A, RATE, f"topk(3, {RATE})"),
    ("one-scrape", M, EXPORTER, 'up{job="ipvs"} == 0'),
    ("one-scrape", M, EXPORTER, "ipvs_up != 1"),
    ("promql/nan", A, "/ (ipvs_backend_weight > 0)", "/ ipvs_backend_weight"),
    ("promql/regexp", A, 'role=~"real|backup"', 'role=~"^real|backup$"'),
    ("promql/regexp", A, 'role=~"real|backup"', 'role=~"real"'),
    ("functions", A, RATE, "deriv(ipvs_estimation_enabled[20s]) > 2"),
    # lint_labels.py
    ("promql/series", A, "ipvs_backend_weight > 0", "ipvs_backend_heaviness > 0"),
    ("promql/series", A, 'ipvs_backend_role{role=~"real|backup"}', 'ipvs_backend_role{kind=~"real|backup"}'),
    ("job-exists", P, "job_name: ipvs", "job_name: lvs"),
    ("grouping", A, FILTER, "unless on (cluster) sum by (cluster, scheduler) ("),
    ("promql/impossible", A, FILTER, "unless on (cluster, job) sum by (cluster) ("),
    ("same-labels", A, FILTER, "unless sum by (cluster) ("),
    # lint_alertmanager.py
    ("route-matchers", R, "- matchers: ['severity = ",
     "- matchers: ['alertname =~ \"LVSRealServerHostDown|LVSGone\"', 'severity = "),
    ("receivers", R, "- name: page", "- name: pager"),
    ("group-by", R, "group_by: [alertname, cluster]\n", "group_by: [cluster]\n"),
    ("group-by", R, "group_by: [alertname, cluster, remote_address]", "group_by: [alertname, cluster, remote_port]"),
    ("prompt-routes-wait", R, "group_wait: 5s", "group_wait: 1s"),
    ("inhibit-names", R, 'alertname =~ "LVSRealServerDown"', 'alertname =~ "LVSRealServerDown|LVSVIPNotBound"'),
    ("inhibit-labels", R, "equal: [cluster, remote_address]", "equal: [cluster, remote_port]"),
    ("inhibit-labels", R, "  equal: [cluster]\n", ""),
    ("inhibit-delays", A, DEBOUNCED_WARNING, DEBOUNCED_WARNING.replace("0s", "2m")),
    # lint_unit_tests.py
    ("test-fires", T, ", exp_alerts: &host [{exp_labels: {remote_address: \"10.0.0.1\"}}]", ""),
    ("test-does-not-fire", T, TWICE, ""),
    ("test-resolves", T, "  - {eval_time: 2m, alertname: LVSRealServerHostDown}\n", ""),
    ("test-alerts-exist", T, TWICE, TWICE + TWICE.replace("HostDown", "HostLost")),
    ("test-labels", T, 'remote_address: "10.0.0.1"', 'remote_port: "80"'),
    ("test-series", T, "ipvs_backend_health_state{", "ipvs_backend_health{"),
    ("test-series", T, 'state="down"}', 'condition="down"}'),
    ("test-series", T, 'instance="lb1"', 'local_mark="",instance="lb1"'),
    ("test-series", T, 'ipvs_backend_health_state{instance="lb1",state="down"}',
     'cluster_backend:ipvs_backend_down:active{cluster="c"}'),
)
