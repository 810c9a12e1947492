"""Says what is wrong with a value that pydantic has refused: by the kind of error, in our own sentences."""

from __future__ import annotations

from pydantic_core import ErrorDetails

from callrec.errors import Sentence, WrongValue

KINDS: dict[str, str] = {
    "int_type": "write a whole number",
    "int_parsing": "write a whole number",
    "int_parsing_size": "write a whole number",
    "int_from_float": "write a whole number",
    "float_type": "write a number",
    "float_parsing": "write a number",
    "finite_number": "write a number",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "string_type": "write a text, between quotes",
    "string_unicode": "write a text, between quotes",
    "string_too_short": "write at least {min_length} signs",
    "string_too_long": "write at most {max_length} signs",
    "literal_error": "write one of {expected}",
    "enum": "write one of {expected}",
    "missing": "it is missing",
    "extra_forbidden": "nothing of that name belongs there",
    "string_pattern_mismatch": "it does not fit {pattern}",
    "dict_type": "a table belongs there",
    "dataclass_type": "a table belongs there",
    "datetime_from_date_parsing": "write a time, such as 2026-11-22T10:30:00+09:00",
    "datetime_parsing": "write a time, such as 2026-11-22T10:30:00+09:00",
    "datetime_type": "write a time, such as 2026-11-22T10:30:00+09:00",
    "timezone_aware": "write a time, such as 2026-11-22T10:30:00+09:00",
    "greater_than": "write more than {gt}",
    "greater_than_equal": "write {ge} or more",
    "less_than": "write less than {lt}",
    "less_than_equal": "write {le} or less",
    "tuple_type": 'write a list: ["one", "another"]',
    "model_type": "write a table, [section] with its keys below",
    "model_attributes_type": "write a table, [section] with its keys below",
}
"""What to write, by the kind of error that pydantic found."""


def words(problem: ErrorDetails) -> object:
    """Returns what to write in place of a wrong value: our own sentence, or that for the kind of error."""
    context = problem.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, WrongValue):
        return cause
    words = KINDS.get(problem["type"])
    if words is None:
        return Sentence("this value cannot be used")
    return Sentence(words, **{name: _alternatives(value) for name, value in context.items()})


def _alternatives(value: object) -> str:
    """Returns pydantic's list of choices without its English `or`."""
    return str(value).replace(" or ", ", ")
