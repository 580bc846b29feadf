"""The picture in a body: the body itself, or a file of a form."""

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from keras_dldl.serving.refusals import bad_request

FORM = b"multipart/form-data"
FIELDS = ("image", "file", "photo")


def picture_in(body: bytes, content_type: str) -> bytes:
    """Return the bytes of the picture in a request.

    Of a form (multipart/form-data) it is the field `image`, `file` or `photo`; any other body is
    the picture itself.

    Args:
        body: the whole body.
        content_type: the header of that name.

    Raises:
        Refusal: the form is damaged, or has no such field.
    """
    kind, options = parse_options_header(content_type)
    if kind != FORM:
        return body
    fields = _fields(body, options.get(b"boundary", b""))
    for name in FIELDS:
        if name in fields:
            return fields[name]
    raise bad_request(
        f"A form must have a field named {', '.join(FIELDS)} with a picture. "
        f"Received: {len(fields)} other fields"
    )


def _fields(body: bytes, boundary: bytes) -> dict[str, bytes]:
    """Return the fields of a form by name; nothing is written to a disk."""
    form = _Form()
    try:
        parser = MultipartParser(boundary, form.callbacks())
        parser.write(body)
        parser.finalize()
    except (MultipartParseError, ValueError) as error:
        raise bad_request(f"The form is damaged: {error}") from None
    if not form.ended:
        raise bad_request("The form is cut short")
    return form.fields


class _Form:
    """Collects the fields of a form while it is parsed."""

    def __init__(self):
        self.fields: dict[str, bytes] = {}
        self.ended = False
        self._header = self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []

    def callbacks(self) -> dict:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._add_header,
            "on_header_value": self._add_value,
            "on_header_end": self._end_header,
            "on_part_data": lambda data, start, end: self._parts.append(data[start:end]),
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._headers, self._parts = {}, []

    def _add_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header = self._value = b""

    def _end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        self.fields.setdefault(name, b"".join(self._parts))

    def _finish(self) -> None:
        self.ended = True
