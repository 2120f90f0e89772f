"""Reads PromQL: expressions become trees that the checks of rules and dashboards walk.

    tree = promql.parse('sum by (job) (rate(x_total{a="b"}[5m])) > 1')
    [selector.name for selector in promql.selectors(tree)]      ["x_total"]
    promql.labels(tree, known)                                  {"job"}

Whether an expression is right is Prometheus's to say (promtool, a live server); this says what it is made of.
Grammar: Prometheus 2.42, promql/parser/generated_parser.y, without its experimental parts.
"""

import dataclasses
import re

AGGREGATIONS = frozenset("sum min max avg group stddev stdvar count count_values bottomk topk quantile".split())
SET_OPERATORS = frozenset(("and", "or", "unless"))
COMPARISONS = frozenset(("==", "!=", ">", "<", ">=", "<="))
PRECEDENCE = {"or": 1, "and": 2, "unless": 2, **dict.fromkeys(COMPARISONS, 3), "+": 4, "-": 4, "*": 5, "/": 5, "%": 5,
              "atan2": 5, "^": 6}
UNARY_PRECEDENCE = 5.5  # -a ^ b is -(a ^ b), -a * b is (-a) * b

TOKEN = re.compile(r"""\s*(?:\#[^\n]*+\s*)*(?:
    (?P<duration>\d+(?:ms|[smhdwy])(?:\d+(?:ms|[smhdwy]))*)
  | (?P<number>0x[0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
  | (?P<word>[a-zA-Z_][a-zA-Z0-9_:]*)
  | (?P<sign>=~|!~|==|!=|>=|<=|[-+*/%^=<>(){}\[\],:@])
  )""", re.VERBOSE)


@dataclasses.dataclass(frozen=True)
class Number:
    value: float


@dataclasses.dataclass(frozen=True)
class Text:
    value: str


@dataclasses.dataclass(frozen=True)
class Selector:
    """A metric with its matchers, each (label, operator, value); range is its text, such as "5m", or None."""
    name: str
    matchers: tuple
    range: str | None = None


@dataclasses.dataclass(frozen=True)
class Subquery:
    argument: object
    range: str
    step: str | None


@dataclasses.dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple


@dataclasses.dataclass(frozen=True)
class Aggregation:
    """grouping is "by", "without" or None; parameter is the first argument of topk, quantile and the like."""
    operator: str
    grouping: str | None
    labels: tuple
    parameter: object
    argument: object


@dataclasses.dataclass(frozen=True)
class Binary:
    """matching is "on", "ignoring" or None, many is "left", "right" or None with the labels it includes."""
    operator: str
    left: object
    right: object
    is_bool: bool = False
    matching: str | None = None
    labels: tuple = ()
    many: str | None = None
    included: tuple = ()


@dataclasses.dataclass(frozen=True)
class Unary:
    operator: str
    argument: object


class PromQLError(ValueError):
    """The text is not PromQL; says where."""


def parse(text):
    """The tree of an expression whose variables are filled in."""
    parser = _Parser(text)
    tree = parser.expression(0)
    parser.end()
    return tree


def children(node):
    """The nodes right below one."""
    if isinstance(node, Call):
        return list(node.arguments)
    if isinstance(node, Aggregation):
        return [node.argument] if node.parameter is None else [node.parameter, node.argument]
    if isinstance(node, Binary):
        return [node.left, node.right]
    if isinstance(node, (Unary, Subquery)):
        return [node.argument]
    return []


def walk(node, above=()):
    """Every node with the tuple of those above it, outermost first."""
    yield node, above
    for child in children(node):
        yield from walk(child, (*above, node))


def selectors(node):
    return [found for found, _ in walk(node) if isinstance(found, Selector)]


def labels(node, known):
    """The set of labels that the result can have; None for a scalar. known(name) gives a metric's labels, those that
    the scrape adds included."""
    if isinstance(node, Selector):
        return set(known(node.name))
    if isinstance(node, Subquery):
        return labels(node.argument, known)
    if isinstance(node, Unary):
        return labels(node.argument, known)
    if isinstance(node, Call):
        return _labels_of_call(node, known)
    if isinstance(node, Aggregation):
        return _labels_of_aggregation(node, known)
    if isinstance(node, Binary):
        return _labels_of_binary(node, known)
    return None


def _labels_of_call(node, known):
    inner = [labels(argument, known) for argument in node.arguments]
    if node.function in ("time", "pi", "scalar"):
        return None
    if node.function in ("absent", "absent_over_time"):
        return {label for label, operator, _ in node.arguments[0].matchers if operator == "="}
    if node.function == "histogram_quantile":
        return inner[1] - {"le"}
    if node.function in ("label_replace", "label_join"):
        return inner[0] | {node.arguments[1].value}
    vectors = [found for found in inner if found is not None]
    return vectors[0] if vectors else set()


def _labels_of_aggregation(node, known):
    inner = labels(node.argument, known)
    if node.operator in ("topk", "bottomk"):
        return inner
    added = {node.parameter.value} if node.operator == "count_values" else set()
    if node.grouping == "without":
        return inner - set(node.labels) | added
    return inner & set(node.labels) | added


def _labels_of_binary(node, known):
    left, right = labels(node.left, known), labels(node.right, known)
    if left is None or right is None:
        return right if left is None else left
    if node.operator == "or":
        return left | right
    if node.operator in SET_OPERATORS:
        return left
    if node.many:
        return (left if node.many == "left" else right) | set(node.included)
    if node.matching == "on":
        return left & set(node.labels)
    return left - set(node.labels) if node.matching else left


class _Parser:
    """Recursive descent; one token ahead."""

    def __init__(self, text):
        self._text = text
        self._at = 0
        self._advance()

    def end(self):
        if self._kind is not None:
            self._fail("the end")

    def expression(self, weakest):
        left = self._unary()
        while self._is_operator() and PRECEDENCE[self._value] >= weakest:
            left = self._binary(left)
        return left

    def _binary(self, left):
        operator = self._take()
        is_bool = self._accept("bool")
        matching, matched, many, included = None, (), None, ()
        if self._value in ("on", "ignoring"):
            matching, matched = self._take(), self._label_list()
            if self._value in ("group_left", "group_right"):
                many = self._take().removeprefix("group_")
                included = self._label_list() if self._value == "(" else ()
        strength = PRECEDENCE[operator]
        right = self.expression(strength if operator == "^" else strength + 0.25)
        return Binary(operator, left, right, is_bool, matching, matched, many, included)

    def _is_operator(self):
        return self._kind in ("sign", "word") and self._value in PRECEDENCE

    def _unary(self):
        if self._kind == "sign" and self._value in ("-", "+"):
            return Unary(self._take(), self.expression(UNARY_PRECEDENCE))
        return self._with_suffixes(self._primary())

    def _with_suffixes(self, node):
        while self._kind and self._value in ("[", "offset", "@"):
            if self._accept("["):
                node = self._range(node)
            elif self._accept("offset"):
                self._accept("-")
                self._take_kind("duration")
            elif self._accept("@"):
                self._primary()
        return node

    def _range(self, node):
        span = self._take_kind("duration")
        if self._accept(":"):
            node = Subquery(node, span, self._take() if self._kind == "duration" else None)
        elif isinstance(node, Selector) and node.range is None:
            node = dataclasses.replace(node, range=span)
        else:
            self._fail("a range only after a selector")
        self._expect("]")
        return node

    def _primary(self):
        if self._kind == "number":
            text = self._take()
            return Number(float(int(text, 16)) if text.startswith("0x") else float(text))
        if self._kind == "text":
            return Text(self._string())
        if self._accept("("):
            node = self.expression(0)
            self._expect(")")
            return node
        if self._kind == "sign" and self._value == "{":
            return self._selector("")
        if self._kind != "word":
            self._fail("an expression")
        return self._named()

    def _named(self):
        name = self._take()
        if name.lower() in ("inf", "nan"):
            return Number(float(name))
        if name in AGGREGATIONS and self._value in ("(", "by", "without"):
            return self._aggregation(name)
        if self._accept("("):
            return Call(name, self._arguments())
        return self._selector(name)

    def _aggregation(self, operator):
        grouping, found = self._grouping()
        self._expect("(")
        arguments = self._arguments()
        if grouping is None:
            grouping, found = self._grouping()
        if len(arguments) not in (1, 2):
            self._fail(f"one or two arguments of {operator}")
        parameter = arguments[0] if len(arguments) == 2 else None
        return Aggregation(operator, grouping, found, parameter, arguments[-1])

    def _grouping(self):
        if self._value not in ("by", "without"):
            return None, ()
        return self._take(), self._label_list()

    def _arguments(self):
        found = []
        while not self._accept(")"):
            found.append(self.expression(0))
            if self._value != ")":
                self._expect(",")
        return tuple(found)

    def _label_list(self):
        self._expect("(")
        found = []
        while not self._accept(")"):
            found.append(self._take_kind("word"))
            if self._value != ")":
                self._expect(",")
        return tuple(found)

    def _selector(self, name):
        matchers = []
        if self._accept("{"):
            while not self._accept("}"):
                label = self._take_kind("word")
                if self._value not in ("=", "!=", "=~", "!~"):
                    self._fail("an operator of labels")
                matchers.append((label, self._take(), self._string()))
                if self._value != "}":
                    self._expect(",")
        if not name and not matchers:
            self._fail("a metric or a matcher")
        return Selector(name, tuple(matchers))

    def _string(self):
        text = self._take_kind("text")
        return text[1:-1] if text[0] == "`" else re.sub(r"\\(.)", r"\1", text[1:-1])

    def _take_kind(self, kind):
        if self._kind != kind:
            self._fail(f"a {kind}")
        return self._take()

    def _accept(self, value):
        """True and past it if the next token is this sign or word."""
        if self._kind not in ("sign", "word") or self._value != value:
            return False
        self._advance()
        return True

    def _expect(self, value):
        if not self._accept(value):
            self._fail(f"'{value}'")

    def _take(self):
        value = self._value
        self._advance()
        return value

    def _advance(self):
        match = TOKEN.match(self._text, self._at)
        if match:
            self._at, self._kind, self._value = match.end(), match.lastgroup, match[match.lastgroup]
        elif re.compile(r"\s*(?:#[^\n]*\s*)*$").match(self._text, self._at):
            self._kind = self._value = None
        else:
            self._kind = self._value = None
            self._fail("PromQL")

    def _fail(self, wanted):
        raise PromQLError(f"{self._text!r}: expected {wanted} before position {self._at}, found {self._value!r}")
