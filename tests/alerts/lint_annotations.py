"""Rules about what an alert tells: four annotations, whose templates read what is there and whose links lead somewhere;
and the runbook at the end of one of these links.
"""

import re

import promql
import templates

ANNOTATIONS = {"summary", "description", "runbook_url", "dashboard_url"}
SENTENCE = re.compile(r"[A-Z][^.{}]*\.")
VARIABLE = re.compile(r"[?&]var-(\w+)=")
RUNBOOK_HEADINGS = ("Meaning", "Impact", "Diagnosis", "Mitigation", "Provoke it in the lab")
HEADING = re.compile(r"^## ", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
SERVICE_LABELS = {"local_address", "local_port", "proto", "local_mark", "address_family"}
SERVER_LABELS = SERVICE_LABELS | {"remote_address", "remote_port"}


def annotations(repository):
    for alert in repository.alerts:
        for missing in sorted(ANNOTATIONS - {name for name, text in alert.annotations.items() if str(text).strip()}):
            yield alert.where, f"no {missing}"


def summary(repository):
    for alert, text in _texts(repository, "summary"):
        if not SENTENCE.fullmatch(text):
            yield alert.where, "the summary is not one sentence with a capital letter, a full stop and no value"


def description(repository):
    for alert, text in _texts(repository, "description"):
        if not text.endswith((".", "?")):
            yield alert.where, "the description has no full stop at its end"


def service_words(repository):
    for alert, text in _texts(repository, "description"):
        has, text = repository.alert_labels(alert), templates.plain(text)
        if SERVICE_LABELS <= has and templates.SERVICE not in text:
            yield alert.where, "the description does not name the service as the others do"
        if SERVER_LABELS <= has and templates.REAL_SERVER not in text:
            yield alert.where, "the description does not name the real server as the others do"


def runbook(repository):
    for alert, text in _texts(repository, "runbook_url"):
        if text != f"/alerts/runbooks/{alert.name}.md":
            yield alert.where, f"runbook_url is {text}"
        elif f"{alert.name}.md" not in repository.runbooks:
            yield alert.where, "its runbook does not exist"
    for file in sorted(repository.runbooks.keys() - {f"{alert.name}.md" for alert in repository.alerts}):
        yield f"runbooks/{file}", "there is no such alert"


def runbook_headings(repository):
    for file, text in repository.runbooks.items():
        title, *sections = HEADING.split(CODE.sub("a block", text))
        if title.strip() != f"# {file.removesuffix('.md')}":
            yield f"runbooks/{file}", "the title is not the name of the alert, or is followed by text"
        headings = tuple(section.partition("\n")[0] for section in sections)
        if headings != RUNBOOK_HEADINGS:
            yield f"runbooks/{file}", f"the headings are not {', '.join(RUNBOOK_HEADINGS)}, in this order"
        for section in sections:
            heading, _, body = section.partition("\n")
            if not body.strip():
                yield f"runbooks/{file}", f"nothing below {heading}"


def dashboard(repository):
    for alert, text in _texts(repository, "dashboard_url"):
        found = re.match(r"/d/([\w-]+)(?:\?|$)", text)
        if not found or found[1] not in repository.dashboards:
            yield alert.where, f"dashboard_url is no path of a dashboard: {text}"
            continue
        for variable in VARIABLE.findall(text):
            if variable not in repository.dashboards[found[1]]:
                yield alert.where, f"dashboard {found[1]} has no variable {variable}"


def template_labels(repository):
    for alert in repository.alerts:
        has = repository.alert_labels(alert)
        for name, text in alert.annotations.items():
            for label in sorted(templates.alert_labels(text) - has):
                yield alert.where, f"{name} reads $labels.{label}, which the alert has not"


def template_queries(repository):
    for alert in repository.alerts:
        for name, text in alert.annotations.items():
            try:
                queries = templates.queries(text)
            except ValueError as error:
                yield alert.where, f"{name}: {error}"
                continue
            results = set()
            for query in queries:
                yield from ((alert.where, f"{name}: {fault}") for fault in _faults(repository, query))
                results |= _result_labels(repository, query)
            for label in sorted(templates.result_labels(text) - results):
                yield alert.where, f"{name} reads label {label}, which no query gives"


def _faults(repository, query):
    if query.filled_in != query.arguments or query.format.count("%s") != len(query.arguments):
        yield f"{query.format} is filled in with {', '.join(query.arguments)}"
    try:
        selectors = promql.selectors(promql.parse(query.expression))
    except promql.PromQLError as error:
        yield str(error)
        return
    for selector in selectors:
        if not repository.exists(selector.name):
            yield f"query of {selector.name}, which nobody makes"
            continue
        for label, _, _ in selector.matchers:
            if label not in repository.known_labels(selector.name):
                yield f"{selector.name} has no label {label}"


def _result_labels(repository, query):
    try:
        return promql.labels(promql.parse(query.expression), repository.known_labels) or set()
    except promql.PromQLError:
        return set()


def _texts(repository, name):
    return [(alert, alert.annotations[name]) for alert in repository.alerts if alert.annotations.get(name)]


RULES = {
    "alerts/annotation": annotations,
    "summary": summary,                  # ours
    "description": description,          # ours
    "service-words": service_words,      # ours
    "runbook": runbook,                  # ours
    "runbook-headings": runbook_headings,  # ours
    "dashboard": dashboard,              # ours
    "alerts/template": template_labels,
    "template-queries": template_queries,  # ours
}
