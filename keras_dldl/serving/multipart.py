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
    fields: dict[str, bytes] = {}
    headers: dict[bytes, bytes] = {}
    header, content, ended = [b"", b""], bytearray(), []

    def begin() -> None:
        headers.clear()
        content.clear()

    def end_header() -> None:
        headers[header[0].lower()] = header[1]
        header[:] = b"", b""

    def end() -> None:
        _, options = parse_options_header(headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        fields.setdefault(name, bytes(content))

    def add_to_header(part: int, data: bytes) -> None:
        header[part] += data

    callbacks = {
        "on_part_begin": begin,
        "on_header_field": lambda data, start, end: add_to_header(0, data[start:end]),
        "on_header_value": lambda data, start, end: add_to_header(1, data[start:end]),
        "on_header_end": end_header,
        "on_part_data": lambda data, start, end: content.extend(data[start:end]),
        "on_part_end": end,
        "on_end": lambda: ended.append(True),
    }
    try:
        parser = MultipartParser(boundary, callbacks)
        parser.write(body)
        parser.finalize()
    except (MultipartParseError, ValueError) as error:
        raise bad_request(f"The form is damaged: {error}") from None
    if not ended:
        raise bad_request("The form is cut short")
    return fields
