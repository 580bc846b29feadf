"""The faces that the page shows, small and within the page itself."""

import base64
import io
from contextlib import suppress

from keras_dldl.data.prepared import PreparedData
from keras_dldl.errors import DataError

SIDE = 104
QUALITY = 85


def pictures_of(data: PreparedData, wanted: set[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """Return a data URI for each wanted (number of the folder, path) that can be read.

    They are read a second time, so that no pictures need be kept while all are searched.
    """
    found: dict[tuple[int, str], str] = {}
    for k, folder in enumerate(data.folders):
        records = folder.records()
        for number, path in enumerate(folder.rows()["path"]):
            if (k, path) in wanted:
                with suppress(DataError):
                    found[k, path] = _data_uri(records.read([number])[0])
    return found


def _data_uri(encoded: bytes) -> str:
    from PIL import Image

    with Image.open(io.BytesIO(encoded)) as image:
        small = image.convert("RGB")
        small.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
