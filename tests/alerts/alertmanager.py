"""The routes and inhibit rules of an Alertmanager configuration, and which alerts they are about."""

import dataclasses
import re

_MATCHER = re.compile(r'\s*(\w+)\s*(=~|!~|=|!=)\s*"(.*)"\s*')


@dataclasses.dataclass(frozen=True)
class Matcher:
    label: str
    operator: str
    value: str

    def matches(self, labels):
        has = labels.get(self.label, "")
        is_equal = re.fullmatch(self.value, has) is not None if "~" in self.operator else has == self.value
        return is_equal != self.operator.startswith("!")


@dataclasses.dataclass(frozen=True)
class Route:
    """`place` says where it stands; what it does not set comes from those above it."""
    place: str
    receiver: str
    matchers: tuple
    group_by: tuple
    group_wait: str

    def takes(self, alert):
        return _match(self.matchers, alert)


@dataclasses.dataclass(frozen=True)
class InhibitRule:
    place: str
    sources: tuple
    targets: tuple
    equal: tuple

    def is_source(self, alert):
        return _match(self.sources, alert)

    def is_target(self, alert):
        return _match(self.targets, alert)


def matcher(text):
    """'label = "value"'"""
    found = _MATCHER.fullmatch(text)
    if not found:
        raise ValueError(f"not a matcher: {text}")
    return Matcher(*found.groups())


def routes(configuration):
    """All routes, outermost first."""
    return list(_routes(configuration["route"], {}, (), "route")) if configuration else []


def _routes(content, inherited, matchers, place):
    settings = {**inherited, **{key: content[key] for key in ("receiver", "group_by", "group_wait") if key in content}}
    matchers += tuple(map(matcher, content.get("matchers", ())))
    yield Route(place, settings["receiver"], matchers, tuple(settings.get("group_by", ())),
                settings.get("group_wait", "30s"))
    for number, route in enumerate(content.get("routes", ())):
        yield from _routes(route, settings, matchers, f"{place}.{number}")


def route_of(configuration, alert):
    """The route that an alert takes; none of ours says `continue`."""
    all_routes = routes(configuration)
    return next((route for route in all_routes[1:] if route.takes(alert)), all_routes[0])


def inhibit_rules(configuration):
    """All inhibit rules."""
    found = []
    for number, content in enumerate(configuration.get("inhibit_rules", ())):
        sides = [tuple(map(matcher, content[f"{side}_matchers"])) for side in ("source", "target")]
        found.append(InhibitRule(f"inhibit rule {number}", *sides, tuple(content.get("equal", ()))))
    return found


def _match(matchers, alert):
    labels = {**alert.labels, "alertname": alert.name}
    return all(matcher.matches(labels) for matcher in matchers)
