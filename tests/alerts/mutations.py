"""Changes of a rule that its unit tests must notice: (what was done, the rule as it is then)."""

import dataclasses

import promql
import tokens

FLIPPED = {"==": "!=", "!=": "==", ">": "<", "<": ">", ">=": "<", "<=": ">"}
MATCHING = ("on", "ignoring")
GROUPING = ("by", "without")

# Every label of by() and without() is dropped. Of on() only those whose loss mixes up what stands side by side in every
# site: the others go with them (an instance has one cluster and one job), or are dropped alike.
TELLING = {"address", "cluster", "instance", "local_address", "local_mark", "probe", "remote_address"}
SAME_AS_INSTANCE = {"cluster", "job"}

LONGER = 10  # times


def mutants(rule):
    """All of one rule."""
    for what, expression in _expressions(rule.expression):
        yield what, dataclasses.replace(rule, expression=expression)
    if rule.is_alert:
        yield from _waits(rule)


def _expressions(text):
    found = tokens.scan(text)
    for mutation in (_flip_comparison, _drop_side, _drop_label, _drop_matcher, _change_number, _change_window):
        yield from mutation(text, found)


def _waits(rule):
    for name, key, value in (("for", "wait", rule.wait), ("keep_firing_for", "keep", rule.keep)):
        if value not in (None, "0s"):
            yield f"{name} {value} becomes 0s", dataclasses.replace(rule, **{key: "0s"})
            yield f"{name} {value} becomes longer", dataclasses.replace(rule, **{key: _times(value, LONGER)})
        elif value == "0s":
            yield f"{name} 0s becomes 5m", dataclasses.replace(rule, **{key: "5m"})


def _flip_comparison(text, found):
    for number, token in enumerate(_in_expression(found, FLIPPED), 1):
        yield f"{token.text} no. {number} is flipped", tokens.cut(text, token.start, token.end, FLIPPED[token.text])


def _drop_side(text, found):
    """`and` and `unless` without what follows; `or` without one side, then without the other."""
    for number, token in enumerate(_in_expression(found, promql.SET_OPERATORS), 1):
        begin, end = _side_before(found, token), _side_after(found, token)
        yield f"{token.text} no. {number} loses its right side", tokens.cut(text, token.start, end)
        if token.text == "or":
            yield f"or no. {number} loses its left side", tokens.cut(text, begin, token.end)


def _drop_label(text, found):
    for place, token in enumerate(found):
        if token.text not in MATCHING + GROUPING or found[place + 1].text != "(":
            continue
        line = [label.text for label in found[place + 2:tokens.closing(found, place + 1)] if label.kind == "word"]
        number = sum(other.text == token.text for other in found[:place + 1])
        for label in line if token.text in GROUPING else _telling(line):
            if token.text in GROUPING and label == "job" and "instance" in line:
                continue
            left = ", ".join(other for other in line if other != label)
            end = found[tokens.closing(found, place + 1)].end
            yield (f"{token.text} no. {number} loses {label}",
                   tokens.cut(text, found[place + 1].start, end, f"({left})"))


def _telling(labels):
    hidden = SAME_AS_INSTANCE if "instance" in labels else set()
    return [label for label in labels if label in TELLING - hidden]


def _drop_matcher(text, found):
    places = [place for place, token in enumerate(found) if token.kind == "word" and token.inside == "{"]
    for number, place in enumerate(places, 1):
        end = found[place + 3].end if found[place + 3].text == "," else found[place + 2].end
        yield f"matcher no. {number} ({found[place].text}) is lost", tokens.cut(text, found[place].start, end)


def _change_number(text, found):
    numbers = [token for token in found if token.kind == "number" and token.inside in ("", "(")]
    for number, token in enumerate(numbers, 1):
        value = float(token.text)
        for other in (value * 2, value / 2) if value else (1,):
            yield (f"number no. {number} becomes {other:g}",
                   tokens.cut(text, token.start, token.end, f"{other:.10g}"))


def _change_window(text, found):
    """Of *_over_time() only: a rate is nearly the same over another window."""
    windows = [place for place, token in enumerate(found) if token.kind == "duration" and token.inside == "["]
    for number, place in enumerate(windows, 1):
        if _function(found, place).endswith("_over_time"):
            token = found[place]
            yield (f"window no. {number} becomes longer",
                   tokens.cut(text, token.start, token.end, _times(token.text, LONGER)))


def _function(found, place):
    """The function around a token."""
    opening = next(other for other in range(place, -1, -1)
                   if found[other].text == "(" and found[other].depth < found[place].depth - 1 or other == 0)
    return found[opening - 1].text


def _in_expression(found, texts):
    """Tokens of these texts, those in matchers left out."""
    return [token for token in found if token.text in texts and token.inside != "{"]


def _side_after(found, operator):
    """Where the right side of a set operator ends: at the next one that does not bind closer, or with the bracket."""
    weakest = promql.PRECEDENCE[operator.text]
    for token in found[found.index(operator) + 1:]:
        if token.depth < operator.depth:
            return token.start
        is_next = token.depth == operator.depth and token.text in promql.SET_OPERATORS
        if is_next and promql.PRECEDENCE[token.text] <= weakest:
            return token.start
    return found[-1].end


def _side_before(found, operator):
    """Where the left side of an `or` begins."""
    begin = found[0].start
    for token in found[:found.index(operator)]:
        if token.depth == operator.depth - 1 and token.text == "(" \
                or token.depth == operator.depth and token.text == "or":
            begin = token.end
    return begin


def _times(duration, factor):
    return f"{int(duration[:-1]) * factor}{duration[-1]}"
