"""A small repository that keeps every rule of the linter, as texts that a test can spoil."""

import yaml

import repository
import rule_files

AVAILABILITY = """
groups:
- name: lvs.availability
  interval: 5s
  rules:
  - record: cluster_backend:ipvs_backend_down:active
    expr: |
      max by (cluster, local_address, local_port, proto, local_mark, address_family, remote_address, remote_port) (
        ipvs_backend_health_state{state="down"}
        and on (cluster, job, instance, local_address, local_port, proto, local_mark, address_family, remote_address,
          remote_port) ipvs_backend_role{role=~"real|backup"}
      )
  - alert: LVSRealServerHostDown
    expr: min by (cluster, remote_address) (cluster_backend:ipvs_backend_down:active) == 1
    for: 0s  # debounced
    keep_firing_for: 1m
    labels: {severity: critical}
    annotations:
      summary: A host is down.
      description: Host {{ $labels.remote_address }} is down.
      runbook_url: /alerts/runbooks/LVSRealServerHostDown.md
      dashboard_url: /d/lvs-realserver?var-cluster={{ $labels.cluster }}&var-backend={{ $labels.remote_address }}
  - alert: LVSRealServerDown
    expr: cluster_backend:ipvs_backend_down:active == 1
    for: 0s  # debounced
    keep_firing_for: 1m
    labels: {severity: warning}
    annotations:
      summary: A real server is down.
      description: >-
        {{ reReplaceAll "(.*:.*)" "[$1]" $labels.remote_address }}:{{ $labels.remote_port }} of
        {{ with $labels.local_mark }}mark {{ . }} {{ $labels.address_family }}{{ else
        }}{{ reReplaceAll "(.*:.*)" "[$1]" $labels.local_address }}:{{ $labels.local_port }}/{{ $labels.proto }}{{ end
        }} is down{{ range printf "ipvs_backend_down_reason{remote_address='%s',local_mark='%s'}" $labels.remote_address
        $labels.local_mark | query }}, {{ .Labels.reason }}{{ end }}.
      runbook_url: /alerts/runbooks/LVSRealServerDown.md
      dashboard_url: /d/lvs-realserver?var-cluster={{ $labels.cluster }}
  - alert: LVSServerSkew
    expr: |
      rate(ipvs_connections_total[20s]) > 2
      unless on (cluster) sum by (cluster) (
        ipvs_backend_connections_active / (ipvs_backend_weight > 0)
      ) > 5
    for: 1m  # a burst
    labels: {severity: warning}
    annotations:
      summary: One server is liked better.
      description: At {{ $labels.instance }}.
      runbook_url: /alerts/runbooks/LVSServerSkew.md
      dashboard_url: /d/lvs-realserver
"""

META = """
groups:
- name: lvs.meta
  interval: 5s
  rules:
  - alert: LVSExporterDown
    expr: max_over_time(up{job="ipvs"}[30s]) == 0
    for: 15s  # a restart
    labels: {severity: critical}
    annotations: &texts
      summary: An exporter is gone.
      description: Nothing is known.
      runbook_url: /alerts/runbooks/LVSExporterDown.md
      dashboard_url: /d/lvs-realserver
  - alert: LVSExporterAbsent
    expr: absent(up{job="ipvs"})
    for: 5m  # a new configuration
    labels: {severity: critical}
    annotations: {<<: *texts, runbook_url: /alerts/runbooks/LVSExporterAbsent.md}
"""

ALERTMANAGER = """
route:
  receiver: ticket
  group_by: [alertname, cluster]
  routes:
  - matchers: ['severity = "critical"']
    receiver: page
    group_by: [alertname, cluster, remote_address]
    group_wait: 5s
receivers:
- name: page
- name: ticket
inhibit_rules:
- source_matchers: ['alertname = "LVSRealServerHostDown"']
  target_matchers: ['alertname =~ "LVSRealServerDown"']
  equal: [cluster, remote_address]
- source_matchers: ['alertname = "LVSRealServerDown"']
  target_matchers: ['alertname = "LVSServerSkew"']
  equal: [cluster]
"""

PROMETHEUS = """
scrape_configs:
- job_name: ipvs
"""

UNIT_TESTS = """
tests:
- name: down and up
  input_series:
  - {series: 'ipvs_backend_health_state{instance="lb1",state="down"}', values: "0x5 1x5 0x5"}
  alert_rule_test:
  - {eval_time: 10s, alertname: LVSRealServerHostDown}
  - {eval_time: 1m, alertname: LVSRealServerHostDown, exp_alerts: &host [{exp_labels: {remote_address: "10.0.0.1"}}]}
  - {eval_time: 2m, alertname: LVSRealServerHostDown}
"""

# The other alerts of the example are tested in the same way.
for _name in ("LVSRealServerDown", "LVSServerSkew", "LVSExporterDown", "LVSExporterAbsent"):
    UNIT_TESTS += f"""
- name: {_name}
  alert_rule_test:
  - {{eval_time: 10s, alertname: {_name}}}
  - {{eval_time: 1m, alertname: {_name}, exp_alerts: [{{exp_labels: {{}}}}]}}
  - {{eval_time: 2m, alertname: {_name}}}
"""

RUNBOOK = """# {}

## Meaning

It is so.

## Impact

None.

## Diagnosis

```
## $ true
```

## Mitigation

None.

## Provoke it in the lab

Cannot be provoked in the lab.
"""

ALERTS = ("LVSRealServerHostDown", "LVSRealServerDown", "LVSServerSkew", "LVSExporterDown", "LVSExporterAbsent")

FILES = {
    "lvs-availability.yml": AVAILABILITY,
    "lvs-meta.yml": META,
    "alertmanager.yml": ALERTMANAGER,
    "prometheus.yml": PROMETHEUS,
    "example_test.yml": UNIT_TESTS,
    "runbooks": " ".join(f"{name}.md" for name in ALERTS),
    "runbook": RUNBOOK,
    "dashboards": "lvs-realserver: cluster backend",
    "panels": "cluster:lvs_backend_down:max",
}


def make(files):
    """A repository from such texts."""
    uid, _, variables = files["dashboards"].partition(": ")
    return repository.Repository(
        files=tuple(rule_files.parse(text, name) for name, text in files.items() if name.startswith("lvs-")),
        alertmanager=yaml.safe_load(files["alertmanager.yml"]),
        prometheus=yaml.safe_load(files["prometheus.yml"]),
        unit_tests={"example_test.yml": yaml.safe_load(files["example_test.yml"])},
        runbooks={name: files["runbook"].format(name.removesuffix(".md")) for name in files["runbooks"].split()},
        dashboards={uid: set(variables.split())},
        dashboard_text=files["panels"])
