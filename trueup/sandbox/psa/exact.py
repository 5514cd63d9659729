"""JSON whose numbers are exact both ways: ``Decimal`` in, ``Decimal`` out, printed digit by digit.

Belongs here: encoding and decoding.
Does not belong here: what the documents mean.
"""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NoReturn

from pipelines.quantities import text


def exact_json(value: Any) -> str:
    """The JSON text of a value; a ``Decimal`` becomes a JSON number with all its digits."""
    if isinstance(value, Decimal):
        return text(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{exact_json(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return _array(value)
    return json.dumps(value, ensure_ascii=False)


def _array(values: Iterable[Any]) -> str:
    return "[" + ",".join(exact_json(each) for each in values) + "]"


def from_json(content: bytes) -> Any:
    """The value in a JSON text, fractions as ``Decimal``. Raises ``ValueError``, for NaN and infinity as well."""
    return json.loads(content, parse_float=Decimal, parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")
