"""JSON to tensors and back, as TensorFlow Serving's REST protocol has it; all else is a `Refusal`.

Its documentation: "RESTful API", sections "Predict API", "JSON mapping", "Encoding binary values".
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_dldl.serving.refusals import bad_request

ROW, COLUMN = "instances", "inputs"
ANSWER_KEY = {ROW: "predictions", COLUMN: "outputs"}
# How much of a value a message repeats: enough to know it again, too little to be an image.
SHOWN = 40
# A JSON value takes up to a hundred times its text's memory as a Python object. Requests need few
# objects and texts: MOST_OBJECTS of each. Lists: FEWEST_LISTS, and one more for every
# BYTES_PER_LIST of the body, as a pixel such as `[0,0,0],` is longer.
MOST_OBJECTS, FEWEST_LISTS = 10_000, 100_000
BYTES_PER_LIST = 7


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that a request's body is.

    `NaN`, `Infinity` and `-Infinity` count as numbers, as in TensorFlow Serving.
    """
    if not body.strip():
        raise bad_request("JSON Parse error: The document is empty")
    _check_parts(body)
    try:
        document = json.loads(body)
    except json.JSONDecodeError as error:
        raise bad_request(f"JSON Parse error: {error.msg} at offset: {error.pos}") from None
    except UnicodeDecodeError as error:
        raise bad_request(f"JSON Parse error: not UTF-8 at offset: {error.start}") from None
    except RecursionError:
        raise bad_request("JSON Parse error: nested too deep") from None
    except ValueError as error:  # a number with thousands of digits
        raise bad_request(f"JSON Parse error: {error}") from None
    if not isinstance(document, dict):
        raise bad_request(f"JSON Value: {shown(document)} Is not object")
    return document


def _check_parts(body: bytes) -> None:
    """Refuse a body that would take many times its memory, before it is parsed.

    Marks within texts count too: what a request needs, base64 and names, has none.
    """
    for what, number, most in (
        ("lists", body.count(b"["), FEWEST_LISTS + len(body) // BYTES_PER_LIST),
        ("objects", body.count(b"{"), MOST_OBJECTS),
        ("texts", body.count(b'"') // 2, MOST_OBJECTS),
    ):
        if number > most:
            raise bad_request(
                f"JSON of {len(body)} bytes may have {most} {what}. Send pictures as files in "
                f"base64, or in parts. Received: {number}"
            )


def signature_name(document: Mapping[str, Any]) -> str:
    """Return the name of the signature that a request asks for, "" for none."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise bad_request(
            f"JSON Value: {shown(name)} not formatted correctly. 'signature_name' key must be a "
            "string value."
        )
    return name


def input_values(document: Mapping[str, Any], name: str) -> tuple[str, Any]:
    """Return the format of a request, `ROW` or `COLUMN`, and the values of its input `name`."""
    if ROW in document and COLUMN in document:
        raise bad_request(
            f"Not formatted correctly expecting only one of '{COLUMN}' or '{ROW}' keys to exist"
        )
    if ROW in document:
        return ROW, _from_rows(document[ROW], name)
    if COLUMN in document:
        return COLUMN, _from_columns(document[COLUMN], name)
    raise bad_request(f"Missing '{COLUMN}' or '{ROW}' key")


def _from_rows(rows: Any, name: str) -> list:
    if not isinstance(rows, list):
        raise bad_request(f"JSON Value: {shown(rows)} Excepting '{ROW}' to be an list/array")
    if not rows:
        raise bad_request(f"No values in '{ROW}' array")
    named = _is_named(rows[0])
    values = []
    for number, row in enumerate(rows):
        if _is_named(row) != named:
            expected, got = ("object", "list") if named else ("value/list", "object")
            raise bad_request(f"Expecting {expected} but got {got} at item {number} of input list")
        if not named:
            values.append(row)
            continue
        if set(row) != {name}:
            raise bad_request(
                f"Failed to process element: {number} of '{ROW}' list. JSON object: "
                f"{shown(sorted(row))} keys must be equal to: {name}"
            )
        values.append(row[name])
    return values


def _from_columns(columns: Any, name: str) -> Any:
    if not _is_named(columns):
        return columns
    if name not in columns:
        raise bad_request(f"Missing named input: {name} in '{COLUMN}' object.")
    return columns[name]


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"b64"} and isinstance(value["b64"], str)


def strings(values: Any) -> list[bytes]:
    """Return a tensor of strings of rank 1: plain text, or `{"b64": ...}`."""
    if not isinstance(values, list):
        raise bad_request(_wrong_rank("string", "[batch]", values))
    return [_string(value) for value in values]


def _string(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if not isinstance(value, dict):
        raise bad_request(_wrong_type(value, "string"))
    if not _is_base64(value):
        raise bad_request(f"JSON Value: {shown(value)} not formatted correctly for base64 data")
    text = "".join(value["b64"].split())
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise bad_request(
            "Unable to base64 decode. It must be a file in base64 of A-Z a-z 0-9 + and /, with "
            f"nothing before it. Received: {shown(value['b64'])}"
        ) from None


def pixels(values: Any, dtype: str) -> np.ndarray:
    """Return a tensor of images, (B, H, W, 3), "uint8" or "float"."""
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError):
        raise bad_request(
            "Encountered list at unexpected size: all lists of one level must be of one size"
        ) from None
    kinds = "iu" if dtype == "uint8" else "iuf"
    if array.dtype.kind not in kinds:
        while isinstance(values, list) and values:
            values = values[0]
        raise bad_request(_wrong_type(values, dtype))
    if array.ndim != 4 or array.shape[3] != 3 or 0 in array.shape:
        raise bad_request(_wrong_rank(dtype, "[batch, height, width, 3]", array.shape))
    if dtype == "uint8":
        if array.min() < 0 or array.max() > 255:
            raise bad_request("Cannot convert JSON values to uint8: they must be 0 ... 255")
        return array.astype(np.uint8)
    return array.astype(np.float32)


def _wrong_type(value: Any, dtype: str) -> str:
    return f"JSON Value: {shown(value)} Type: {_kind(value)} is not of expected type: {dtype}"


def _wrong_rank(dtype: str, expected: str, received: Any) -> str:
    return (
        f"Encountered a {dtype} tensor of an unexpected shape. Expected {expected}, "
        f"received {shown(received)}"
    )


def _kind(value: Any) -> str:
    kinds = {dict: "Object", list: "Array", str: "String", bool: str(value), type(None): "Null"}
    return kinds.get(type(value), "Number")


def shown(value: Any) -> str:
    """Return a value as a message repeats it: in short.

    >>> shown("x" * 100)
    '"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'
    """
    if isinstance(value, (list, dict)) and len(value) > SHOWN:
        return f"{_kind(value)} of {len(value)}"
    text = json.dumps(value, default=str)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


def answer(outputs: Mapping[str, np.ndarray], form: str) -> bytes:
    """Return the JSON of outputs that all have a row an instance.

    Args:
        outputs: float32 or text arrays, (B, ...), by name.
        form: `ROW` or `COLUMN`, the format of the request.
    """
    columns = {name: _json_values(array.tolist()) for name, array in outputs.items()}
    content: Any = columns
    if form == ROW:
        rows = zip(*columns.values(), strict=True)
        content = [dict(zip(columns, row, strict=True)) for row in rows]
    return json.dumps({ANSWER_KEY[form]: content}).encode()


def _json_values(value: Any) -> Any:
    """Return numbers as the nine digits that give a float32 back exactly."""
    if isinstance(value, list):
        return [_json_values(one) for one in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value
