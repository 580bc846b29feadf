"""The faces that the page shows, small and within the page itself."""

import base64
import io

from keras_dldl.data.leaks.reading import encoded_faces
from keras_dldl.data.prepared import PreparedData

SIDE = 104
QUALITY = 85


def pictures_of(data: PreparedData, wanted: set[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """Return a data URI for each wanted (number of the folder, path) that can be read.

    The records are read a second time, so that no pictures need be kept while they are searched.
    """
    found: dict[tuple[int, str], str] = {}
    for k, folder in enumerate(data.folders):
        paths = {path for number, path in wanted if number == k}
        faces = encoded_faces(folder, unreadable=[], only=paths)
        while len(paths) > sum(number == k for number, _ in found):
            path, encoded = next(faces, (None, b""))
            if path is None:
                break
            if path in paths:
                found[k, path] = _data_uri(encoded)
    return found


def _data_uri(encoded: bytes) -> str:
    from PIL import Image

    with Image.open(io.BytesIO(encoded)) as image:
        small = image.convert("RGB")
        small.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
