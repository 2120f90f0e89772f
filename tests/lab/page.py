"""A strict reader of the text format 0.0.4: what Prometheus would forgive or quietly drop is an error here."""

import re

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? (\S+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
_ESCAPE = re.compile(r'\\(["\\n])')
_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")


class PageError(Exception):
    """What is wrong with a page, with the line."""


class Page:
    """The samples of one page: {(name, frozenset of (label, value)): number}, and the families' types and helps."""

    def __init__(self, text):
        self.samples = {}
        self.types = {}
        self.helps = {}
        self._family = None
        if not text.endswith("\n"):
            raise PageError("the last line does not end")
        for number, line in enumerate(text[:-1].split("\n"), 1):
            try:
                self._take(line)
            except PageError as error:
                raise PageError(f"line {number}: {error}: {line!r}") from None

    def value(self, name, /, **labels):
        """The one sample of that name that has these labels (and perhaps others); KeyError unless exactly one has."""
        found = self.series(name, **labels)
        if len(found) != 1:
            raise KeyError(f"{len(found)} samples of {name} with {labels}")
        return next(iter(found.values()))

    def series(self, name, /, **labels):
        """All samples of that name with these labels: {frozenset of (label, value): number}."""
        wanted = labels.items()
        return {key: value for (sample, key), value in self.samples.items()
                if sample == name and all(item in key for item in wanted)}

    def labels(self, name, /, **labels):
        """All labels of the one sample that `value` would find, as a dictionary."""
        found = list(self.series(name, **labels))
        if len(found) != 1:
            raise KeyError(f"{len(found)} samples of {name} with {labels}")
        return dict(found[0])

    def names(self):
        """The names that have at least one sample."""
        return {name for name, _ in self.samples}

    def _take(self, line):
        if line.startswith("# HELP "):
            self._take_help(line)
        elif line.startswith("# TYPE "):
            self._take_type(line)
        elif line.startswith("#") or not line:
            raise PageError("neither a sample nor HELP nor TYPE")
        else:
            self._take_sample(line)

    def _take_help(self, line):
        _, _, name, text = line.split(" ", 3)
        if name in self.helps:
            raise PageError("second HELP of this family")
        self.helps[name] = text

    def _take_type(self, line):
        _, _, name, kind = line.split(" ")
        if name in self.types:
            raise PageError("second TYPE of this family, or the family is scattered")
        if kind not in TYPES:
            raise PageError("unknown type")
        if name not in self.helps:
            raise PageError("TYPE without HELP before it")
        self.types[name] = kind
        self._family = name

    def _take_sample(self, line):
        match = _SAMPLE.fullmatch(line)
        if not match:
            raise PageError("not a sample")
        name, labels, value = match.groups()
        if self._family is None or not self._belongs(name):
            raise PageError(f"a sample of another family among those of {self._family}")
        key = (name, _labels(labels or ""))
        if key in self.samples:
            raise PageError("this series is here twice")
        self.samples[key] = number(value)

    def _belongs(self, name):
        suffixes = _SUFFIXES.get(self.types[self._family], ("",))
        return any(name == self._family + suffix for suffix in suffixes)


def number(text):
    """An exact int where the text is one (counters go beyond 2^53), else a float."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise PageError(f"{text} is not a number") from None


def _labels(text):
    position, labels = 0, []
    for match in _LABEL.finditer(text):
        if match.start() != position:
            break
        labels.append((match[1], _ESCAPE.sub(lambda escape: {"n": "\n"}.get(escape[1], escape[1]), match[2])))
        position = match.end()
    if position != len(text):
        raise PageError("malformed labels")
    if len({name for name, _ in labels}) != len(labels):
        raise PageError("a label is there twice")
    return frozenset(labels)
