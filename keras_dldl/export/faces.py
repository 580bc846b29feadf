"""Aligned faces to calibrate and to compare exports on: the user's own, or drawn ones."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from keras_dldl._utils.photos import is_picture
from keras_dldl.errors import DataError, DetectorError, NoFaceFound, UnreadableImage
from keras_dldl.faces.aligner import FaceAligner
from keras_dldl.faces.batches import batched
from keras_dldl.faces.images import Photo
from keras_dldl.models import FaceModel

DRAWN_SIZE = 160
INDEX = "dataset.json"


def drawn_faces(model: FaceModel, count: int) -> np.ndarray:
    """Return drawn faces, aligned by their own landmarks, (count, S, S, 3) uint8."""
    from keras_dldl.data.synthetic import draw_faces

    size = model.input_size
    faces = draw_faces(count, size=DRAWN_SIZE)
    return np.stack([model.alignment.align(face.image, face.landmarks, size) for face in faces])


def faces_of(place: str | os.PathLike, model: FaceModel, count: int) -> np.ndarray:
    """Return faces of the user's, spread over what there is.

    Args:
        place: a folder of prepared data, a manifest (its paths relative to its folder), or a folder
            of images. Of images the largest face is taken, or the whole where there is none.
        model: by whose alignment and size they are cut out.
        count: most faces to return.

    Returns:
        (N, S, S, 3) uint8, 1 <= N <= count.

    Raises:
        DataError: there is no such place, or no picture in it that can be read.
    """
    place = Path(place)
    faces = _prepared(place, model) if (place / INDEX).is_file() else _aligned(place, model, count)
    found = list(islice(faces, count))
    if not found:
        raise DataError(
            "Faces must come from prepared data, a manifest or a folder of images. "
            f"Received: {place}, with no picture that can be read"
        )
    return np.stack(found)


def _prepared(folder: Path, model: FaceModel) -> Iterator[np.ndarray]:
    from keras_dldl.data.pipeline import evaluation_dataset
    from keras_dldl.data.prepared import PreparedData

    data = PreparedData(folder)
    if data.alignment != model.alignment:
        raise DataError(
            "The data must be cut out as the model expects. "
            f"Received: {data.alignment} in the data, {model.alignment} in the model"
        )
    split = data.splits[-1] if data.splits else "train"  # not the faces it was trained on
    faces = evaluation_dataset(data, split, input_size=model.input_size, batch_size=1)
    for images, _ in faces.as_numpy_iterator():
        yield np.rint(images[0]).astype(np.uint8)


def _aligned(place: Path, model: FaceModel, count: int) -> Iterator[np.ndarray]:
    paths = _paths(place)
    paths = paths[:: max(1, len(paths) // count)]
    aligner = FaceAligner(model.alignment)
    for group in batched(_readable(paths)):
        photos = [photo for _, photo in group]
        for photo, found in zip(photos, aligner.find(photos, model.input_size), strict=True):
            if isinstance(found, NoFaceFound):
                yield aligner.alignment.whole(photo.pixels, model.input_size)
            elif isinstance(found, DetectorError):
                raise found  # the model's own detector: no other face would fare better
            elif isinstance(found, list):
                yield found[0].crop


def _paths(place: Path) -> list[Path]:
    if place.is_dir():
        return sorted(path for path in place.rglob("*") if is_picture(path.name))
    if not place.is_file():
        raise DataError(
            "Faces must come from prepared data, a manifest or a folder of images. "
            f"Received: {place}, which does not exist"
        )
    from keras_dldl.data.manifest import read_manifest

    return [place.parent / path for path in read_manifest(place)["path"]]


def _readable(paths: list[Path]) -> Iterator[tuple[Path, Photo]]:
    for path in paths:
        try:
            yield path, Photo(path)
        except UnreadableImage:  # others stand for it
            continue
