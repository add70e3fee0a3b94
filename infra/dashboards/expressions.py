"""The part of CloudWatch's metric math that the dashboards use: arithmetic, comparisons, SUM, AVG,
MIN, MAX, FILL and IF.

A value is a number, None if a metric has no value, or NaN if only AWS emits the metric. FILL fills
a missing value, but an unknown one stays unknown.
"""

import math
import operator
import re

TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([A-Za-z_]\w*)|(>=|<=|==|!=|[-+*/()\[\],<>]))")
UNKNOWN = math.nan
LEVELS = (
    {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne},
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": operator.truediv},
)


def parse(text):
    """A function of the operands' values by name. Raises ValueError for other texts."""
    tokens = split(text)
    tree = level(tokens, 0)
    if tokens:
        raise ValueError(f"nothing is expected at {tokens[0]!r} in {text!r}")
    return tree


def split(text):
    tokens, place = [], 0
    while text[place:].strip():
        found = TOKEN.match(text, place)
        if not found:
            raise ValueError(f"{text[place:]!r} is not understood")
        tokens.append(found.group().strip())
        place = found.end()
    return tokens


def level(tokens, depth):
    if depth == len(LEVELS):
        return atom(tokens)
    tree = level(tokens, depth + 1)
    while tokens and tokens[0] in LEVELS[depth]:
        tree = binary(LEVELS[depth][tokens.pop(0)], tree, level(tokens, depth + 1))
    return tree


def binary(apply, left, right):
    def value(operands):
        values = left(operands), right(operands)
        if None in values:
            return None
        if any(map(math.isnan, values)):
            return UNKNOWN
        try:
            return float(apply(*values))
        except ZeroDivisionError:
            return None

    return value


def atom(tokens):
    token = take(tokens)
    if token == "(":
        tree = level(tokens, 0)
        take(tokens, ")")
        return tree
    if token == "-":
        return binary(operator.sub, lambda operands: 0.0, atom(tokens))
    if token[0].isdigit():
        return lambda operands: float(token)
    if token[0].isalpha() and tokens[:1] == ["("]:
        take(tokens, "(")
        return call(token, tokens)
    if token[0].isalpha():
        return lambda operands: operands[token]
    raise ValueError(f"{token!r} is not understood")


def call(name, tokens):
    if name in OF_LISTS:
        take(tokens, "[")
        arguments = listed(tokens, "]")
        take(tokens, ")")
        return lambda operands: of_list(OF_LISTS[name], [argument(operands) for argument in arguments])
    arguments = listed(tokens, ")")
    if name == "FILL" and len(arguments) == 2:
        return lambda operands: fill(*(argument(operands) for argument in arguments))
    if name == "IF" and len(arguments) == 3:
        return lambda operands: choose(*(argument(operands) for argument in arguments))
    raise ValueError(f"{name} of {len(arguments)} is not understood")


def listed(tokens, end):
    arguments = [level(tokens, 0)]
    while tokens[:1] == [","]:
        take(tokens, ",")
        arguments.append(level(tokens, 0))
    take(tokens, end)
    return arguments


def take(tokens, wanted=None):
    if not tokens or (wanted and tokens[0] != wanted):
        raise ValueError(f"{wanted or 'more'} is expected, and there is {tokens[0] if tokens else 'an end'}")
    return tokens.pop(0)


def of_list(apply, values):
    """Applies it to the operands with a value."""
    if any(value is not None and math.isnan(value) for value in values):
        return UNKNOWN
    values = [value for value in values if value is not None]
    return apply(values) if values else None


def fill(value, instead):
    return instead if value is None else value


def choose(condition, then, otherwise):
    if condition is None or math.isnan(condition):
        return condition
    return then if condition else otherwise


OF_LISTS = {"SUM": sum, "AVG": lambda values: sum(values) / len(values), "MIN": min, "MAX": max}
