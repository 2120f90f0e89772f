"""PromQL as a list of tokens with their places, so that a piece of an expression can be changed in its text.

Trees (promql.py) say what an expression means; they do not know where in the text it says so."""

import dataclasses

import promql

OPENING = {"(": ")", "{": "}", "[": "]"}


@dataclasses.dataclass(frozen=True)
class Token:
    """`depth` counts the brackets around it, `inside` is the innermost one: "(", "{", "[" or nothing."""
    kind: str
    text: str
    start: int
    end: int
    depth: int
    inside: str


def scan(text):
    """All tokens of an expression."""
    tokens, open_brackets, at = [], [], 0
    while match := promql.TOKEN.match(text, at):
        kind, at = match.lastgroup, match.end()
        piece = match[kind]
        if piece in OPENING.values():
            open_brackets.pop()
        tokens.append(Token(kind, piece, match.start(kind), at, len(open_brackets), (open_brackets or [""])[-1]))
        if piece in OPENING:
            open_brackets.append(piece)
    return tokens


def closing(tokens, place):
    """The place of the bracket that closes the one at `place`."""
    return next(other for other in range(place + 1, len(tokens)) if tokens[other].depth == tokens[place].depth
                and tokens[other].text == OPENING[tokens[place].text])


def cut(text, start, end, instead=""):
    """The text with another piece between two positions."""
    return text[:start] + instead + text[end:]
