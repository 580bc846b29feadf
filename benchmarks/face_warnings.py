"""How often each warning speaks: of normal faces, and of ones that deserve it.

    python benchmarks/face_warnings.py --model M --data data/utk --data data/aaf [--limit 300]

Normal faces are the crops of prepared data, drawn at random; photos (`--photos FOLDER`) go the
whole way through the detector. The others are made from the first folder's crops, or drawn;
"things" are pieces of the pictures that come with scikit-image.
"""

import argparse
import io
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

sys.path.insert(0, str(Path(__file__).parents[1]))

from keras_dldl.data.prepared import PreparedFolder
from keras_dldl.data.synthetic import draw_faces
from keras_dldl.faces.alignment import Alignment
from keras_dldl.predict import PredictOptions, Predictor

SIDE = 112
# Pictures without a face, of those that are in scikit-image's package.
THINGS = (
    "coffee.png", "chelsea.png", "rocket.jpg", "motorcycle_left.png", "grass.png", "gravel.png",
    "brick.png", "coins.png", "moon.png", "ihc.png", "retina.jpg", "page.png", "text.png",
    "horse.png", "logo.png",
)  # fmt: skip


def main() -> None:
    """Print a line a set of pictures: any warning, and each code, in percent."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="tiny-age", help="calibrated, or `unsure` says nothing")
    parser.add_argument("--data", action="append", required=True, help="prepared data")
    parser.add_argument("--photos", action="append", default=[], help="a folder of photos")
    parser.add_argument("--limit", type=int, default=300)
    args = parser.parse_args()
    predictor = Predictor(args.model)
    for folder in args.photos:
        show(f"photos {Path(folder).name}", predictor, drawn_at_random(folder, args.limit), True)
    for folder in args.data:
        crops = [np.asarray(face) for face in prepared_faces(folder, args.limit)]
        show(f"crops {Path(folder).name}", predictor, crops, False)
    first = [face.resize((SIDE, SIDE)) for face in prepared_faces(args.data[0], args.limit)]
    for name, images in doubtful(first):
        show(name, predictor, images, False)


def show(name: str, predictor: Predictor, images: list, detect: bool) -> None:
    """Print how many of the images warn of what."""
    counts: Counter[str] = Counter()
    for result in predictor.predict(images, PredictOptions(detect=detect)):
        codes = ["no face"] if isinstance(result, Exception) else [w.code for w in result.warnings]
        counts.update([*codes, *(["any"] if codes else [])])
    shares = (f"{code} {100 * n / len(images):.1f} %" for code, n in counts.most_common())
    print(f"{name}, {len(images)}: {', '.join(shares) or 'nothing'}", flush=True)


def doubtful(faces: list[Image.Image]):
    """Yield names and (S, S, 3) arrays of pictures that should warn."""
    random = np.random.default_rng(0)
    for radius in (1.5, 2, 3, 5):
        blur = ImageFilter.GaussianBlur(radius)
        yield f"blurred by {radius} pixels", [np.asarray(face.filter(blur)) for face in faces]
    for side in (12, 16, 24, 32):
        yield f"enlarged from {side} pixels", [enlarged(face, side) for face in faces]
    yield (
        "drawn",
        [
            Alignment().align(face.image, face.landmarks, SIDE)
            for size in (160, 400)
            for face in draw_faces(len(faces) // 2, 0, size)
        ],
    )
    yield "posters of 16 colours", [poster(face) for face in faces]
    yield "noise", list(random.integers(0, 256, (50, SIDE, SIDE, 3), dtype=np.uint8))
    yield "one colour", [np.full((SIDE, SIDE, 3), grey, np.uint8) for grey in range(5, 255, 5)]
    yield "things", [thing(random) for _ in faces]
    yield "upside down", [np.asarray(face)[::-1] for face in faces]
    yield "face in a corner", [moved(face) for face in faces]
    yield "a tenth of the light", [(np.asarray(face) * 0.1).astype(np.uint8) for face in faces]
    pale = [255 - (255 - np.asarray(face, np.float64)) * 0.1 for face in faces]
    yield "overexposed", [face.astype(np.uint8) for face in pale]


def drawn_at_random(folder: str | Path, limit: int) -> list[str]:
    """Return the paths of `limit` pictures, always the same."""
    names = sorted(p for p in Path(folder).iterdir() if p.suffix.lower() in (".jpg", ".png"))
    order = np.random.default_rng(9).permutation(len(names))[:limit]
    return [str(names[i]) for i in order]


def prepared_faces(folder: str | Path, limit: int) -> list[Image.Image]:
    """Return `limit` faces of prepared data, always the same."""
    records = PreparedFolder.open(folder).records()
    chosen = np.random.default_rng(9).permutation(len(records))[:limit]
    return [Image.open(io.BytesIO(face)).convert("RGB") for face in records.read(chosen)]


def enlarged(face: Image.Image, side: int) -> np.ndarray:
    """Return the face reduced to `side` and enlarged again."""
    reduced = face.resize((side, side), Image.Resampling.BOX)
    return np.asarray(reduced.resize(face.size, Image.Resampling.BICUBIC))


def poster(face: Image.Image) -> np.ndarray:
    """Return the face in 16 flat colours."""
    flat = face.filter(ImageFilter.MedianFilter(5)).quantize(16)
    return np.asarray(flat.convert("RGB"))


def moved(face: Image.Image) -> np.ndarray:
    """Return the face moved out of the middle, black where nothing is."""
    matrix = (1, 0, 40, 0, 1, 30)
    return np.asarray(face.transform(face.size, Image.Transform.AFFINE, matrix))


def thing(random: np.random.Generator) -> np.ndarray:
    """Return a square piece of a picture without a face."""
    from skimage import data

    path = Path(data.__file__).parent / THINGS[random.integers(len(THINGS))]
    picture = Image.open(path).convert("RGB")
    side = int(random.integers(60, min(picture.size)))
    x, y = (int(random.integers(0, size - side + 1)) for size in picture.size)
    return np.asarray(picture.crop((x, y, x + side, y + side)).resize((SIDE, SIDE)))


if __name__ == "__main__":
    main()
