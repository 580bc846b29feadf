"""Large JPEG files are decoded smaller, and again where a crop needs more."""

import io
import os
import threading

import numpy as np
import pytest
from PIL import Image

from keras_dldl.errors import UnreadableImage
from keras_dldl.faces.aligner import FaceAligner
from keras_dldl.faces.alignment import MEAN_SHAPE, Alignment
from keras_dldl.faces.face import Face
from keras_dldl.faces.images import Photo, read_image


def smooth(width, height):
    small = np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def jpeg(image, **options):
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=95, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("size", "reduction"),
    [
        ((2559, 100), 1),
        ((2560, 1920), 2),
        ((2561, 2562), 2),
        ((1000, 5120), 4),
        ((1003, 5121), 4),
        ((10240, 300), 8),
        ((10241, 1001), 8),
        ((10240, 5), 2),  # at 1/8 a single row would be left
        ((640, 480), 1),
    ],
)
def test_reduced_by_the_decoder_to_no_less_than_1280(size, reduction):
    photo = Photo(jpeg(smooth(*size)))
    assert photo.reduction == reduction
    assert photo.shape == (size[1], size[0])
    assert photo.pixels.shape == (-(-size[1] // reduction), -(-size[0] // reduction), 3)


def test_only_jpeg_files_are_reduced():
    image = smooth(2700, 200)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    for source in (stream.getvalue(), image, np.asarray(image)):
        assert Photo(source).reduction == 1


def test_an_upright_photo_from_its_exif():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    photo = Photo(jpeg(smooth(2601, 1301), exif=exif))
    assert photo.reduction == 2 and photo.shape == (2601, 1301)
    assert photo.pixels.shape == (1301, 651, 3)
    photo = Photo(jpeg(smooth(2562, 2561), exif=exif))  # reduced, a square
    assert photo.pixels.shape == (1281, 1281, 3) and photo.shape == (2562, 2561)


def test_the_crop_of_a_large_face_needs_no_more_and_that_of_a_small_face_is_sharp():
    image = smooth(4000, 3000)
    encoded = jpeg(image)
    full = read_image(encoded)
    alignment = Alignment()
    large, small = 400 * MEAN_SHAPE + (2000, 1300), 30 * MEAN_SHAPE + (1000, 900)
    photo = Photo(encoded)
    crop = photo.align(alignment, large, 112)
    assert photo.reduction == 2
    expected = alignment.align(full, large, 112)
    assert np.abs(crop.astype(int) - expected).mean() < 1.5
    crop = photo.align(alignment, small, 112)
    assert photo.reduction == 1
    assert (crop == alignment.align(full, small, 112)).all()
    # Coordinates stay those of the picture.
    again = photo.align(alignment, large, 112)
    assert (again == expected).all()


def test_a_file_object_is_read_once():
    stream = io.BytesIO(jpeg(smooth(2600, 2000)))
    photo = Photo(stream)
    stream.close()
    photo.align(Alignment(), 20 * MEAN_SHAPE + 500, 112)
    assert photo.reduction == 1


def test_a_file_that_is_gone_before_a_crop_needs_it_is_that_photos_error(tmp_path):
    class Small:
        def detect(self, images):
            return [[Face((900, 800, 60, 60), 20 * MEAN_SHAPE + 500, 1.0)] for _ in images]

    paths = [tmp_path / "gone.jpg", tmp_path / "there.jpg"]
    for path in paths:
        path.write_bytes(jpeg(smooth(2600, 2000)))
    photos = [Photo(path) for path in paths]
    paths[0].unlink()
    gone, (there,) = FaceAligner(Alignment(), Small()).find(photos, 112)
    assert isinstance(gone, UnreadableImage) and str(gone).startswith("the file does not exist")
    assert there.crop.shape == (112, 112, 3)


def test_the_limit_is_on_the_whole_picture():
    with pytest.raises(UnreadableImage, match="5,200,000 pixels, over the limit"):
        Photo(jpeg(smooth(2600, 2000)), max_pixels=5_000_000)


def test_a_file_object_that_gives_no_bytes_is_refused_as_read_image_refuses_it(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg(smooth(40, 30)))
    closed = open(path, "rb")
    closed.close()
    # Text must never be taken for the path of a picture.
    for source in (closed, io.StringIO(str(path)), io.BytesIO(), object()):
        with pytest.raises(UnreadableImage) as expected:
            read_image(source)
        with pytest.raises(UnreadableImage) as found:
            Photo(source)
        assert str(found.value) == str(expected.value)
    with open(path, encoding="latin-1") as as_text, pytest.raises(UnreadableImage, match="as text"):
        Photo(as_text)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_a_pipe_is_read_once(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(jpeg(smooth(2600, 2000)),))
    writer.start()
    photo = Photo(pipe)
    writer.join()
    assert photo.reduction == 2
    photo.align(Alignment(), 20 * MEAN_SHAPE + 500, 112)  # would wait for another writer
    assert photo.reduction == 1
