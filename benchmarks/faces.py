"""Detectors side by side: speed, recall, turned and small faces, groups, false alarms.

    python benchmarks/faces.py --photos FOLDER [--detector auto --detector mtcnn] [--count 100]

The photos show one large face each, upright. Speed is processor time of this process, in one run,
image by image in turn, so that a drift of the machine meets all detectors; it is given as a ratio
to the last detector's. Pictures without faces are those that come with scikit-image.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from face_warnings import THINGS

from keras_dldl.faces import Alignment, Face, read_image
from keras_dldl.faces.aligner import FaceAligner
from keras_dldl.faces.face import largest
from keras_dldl.runtime import Network, open_network

SIDES = (200, 400, 640, 1280)
SMALL_SIDES = (20, 24, 32, 48, 64)
GREY = 128


def main() -> None:
    """Print a table a question, with a column a detector."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True, help="folder of photos of one face each")
    parser.add_argument("--detector", action="append", help="default: auto, then mtcnn")
    parser.add_argument("--count", type=int, default=100, help="photos, drawn at random")
    parser.add_argument("--model", default="tiny-age", help="for the ages of turned faces")
    args = parser.parse_args()
    names = args.detector or ["auto", "mtcnn"]
    photos = [read_image(path) for path in drawn(args.photos, args.count)]
    model = open_network(args.model, "age", "litert")
    aligners = [FaceAligner(Alignment(model.card.alignment.margin), name) for name in names]
    print(f"{len(photos)} photos of {args.photos}; detectors: {', '.join(names)}")
    show_speed(photos, aligners)
    show_recall(photos, aligners)
    show_turned(photos, aligners, model)
    show_small(photos, aligners)
    show_groups(photos, aligners)
    show_false_alarms(aligners)


def drawn(folder: str, count: int) -> list[Path]:
    """Return `count` picture files of a folder, always the same."""
    endings = {".jpg", ".jpeg", ".png"}
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in endings)
    if not paths:
        sys.exit(f"Error: --photos must be a folder of JPEG or PNG files. Received: {folder}")
    chosen = np.random.default_rng(0).permutation(len(paths))[:count]
    return [paths[i] for i in sorted(chosen)]


def show_speed(photos: list[np.ndarray], aligners: list[FaceAligner]) -> None:
    """Largest face and all faces of photos enlarged or reduced to each size."""
    for all_faces in (False, True):
        for side in SIDES:
            images = [resized(photo, side) for photo in photos[:20]]
            seconds = np.zeros((len(images), len(aligners)))
            for aligner in aligners:
                aligner.detect(images[:1], all_faces=all_faces)  # shapes are prepared
            for i, image in enumerate(images):
                for k, aligner in enumerate(aligners):
                    begin = time.process_time()
                    aligner.detect([image], all_faces=all_faces)
                    seconds[i, k] = time.process_time() - begin
            ms = 1000 * np.median(seconds, axis=0)
            what = "all faces" if all_faces else "largest face"
            print(f"{what}, {side} pixels: {row(ms, '.1f')} ms; ratio {row(ms[-1] / ms, '.1f')}")


def show_recall(photos: list[np.ndarray], aligners: list[FaceAligner]) -> None:
    """Photos in which a face is found."""
    found = [[bool(faces) for faces in of.detect(photos, all_faces=False)] for of in aligners]
    print(f"recall: {row(100 * np.mean(found, axis=1), '.1f')} %")


def show_turned(photos: list[np.ndarray], aligners: list[FaceAligner], model: Network) -> None:
    """Ages of photos at quarter turns, against that of the upright photo by the same detector."""
    for aligner in aligners:
        counts = dict.fromkeys(("turned", "missed", "within 3 years", "off by over 10"), 0)
        for photo in photos:
            upright = largest(aligner.detect([photo], all_faces=False)[0])
            if upright is None:
                continue
            age = age_of(aligner, model, photo, upright)
            for turn in (1, 2, 3):
                turned = np.ascontiguousarray(np.rot90(photo, turn))
                face = largest(aligner.detect([turned], all_faces=False)[0])
                counts["turned"] += 1
                counts["missed"] += face is None
                if face is not None:
                    off = abs(age_of(aligner, model, turned, face) - age)
                    counts["within 3 years"] += off <= 3
                    counts["off by over 10"] += off > 10
        print(f"turned by 90, 180, 270, {type(aligner.detector).__name__}: {counts}")


def show_small(photos: list[np.ndarray], aligners: list[FaceAligner]) -> None:
    """One face of each width in pixels, in a grey picture of 1,280 pixels."""
    for side in SMALL_SIDES:
        found = np.zeros(len(aligners))
        tried = 0
        for photo in photos[:25]:
            face = largest(aligners[-1].detect([photo], all_faces=False)[0])
            if face is None:
                continue
            tried += 1
            small = resized(photo, max(8, round(max(photo.shape[:2]) * side / face.box[2])))
            picture = pasted([small], 1)
            faces = [aligner.detect([picture])[0] for aligner in aligners]
            found += [any(is_within(one, small.shape) for one in own) for own in faces]
        print(f"a face of {side} pixels in 1280: found in {row(100 * found / tried, '.0f')} %")


def show_groups(photos: list[np.ndarray], aligners: list[FaceAligner]) -> None:
    """25 and 6 faces in one picture of 1,280 pixels."""
    for across, down in ((5, 5), (3, 2)):
        count = across * down
        groups = [photos[i : i + count] for i in range(0, len(photos) - count + 1, count)][:5]
        found = [[len(of.detect([pasted(g, across)])[0]) for g in groups] for of in aligners]
        print(
            f"groups of {count}: {' | '.join(' '.join(map(str, counts)) for counts in found)} found"
        )


def show_false_alarms(aligners: list[FaceAligner]) -> None:
    """Faces found where there are none."""
    from skimage import data

    folder = Path(data.__file__).parent
    things = [read_image(folder / name) for name in THINGS if (folder / name).exists()]
    found = [[len(faces) for faces in aligner.detect(things)] for aligner in aligners]
    print(
        f"false alarms in {len(things)} pictures without faces: {row(np.sum(found, axis=1), 'd')}"
    )


def age_of(aligner: FaceAligner, model: Network, image: np.ndarray, face: Face) -> float:
    """Return the age of one face."""
    crop = aligner.alignment.align(image, face.landmarks, model.card.input_size)
    return float(model.card.grid.decode(model.distributions(crop[None]))[0])


def is_within(face: Face, shape: tuple[int, ...]) -> bool:
    """Return whether the middle of a face is in the top left part, (H, W, ...), of its picture."""
    x, y, width, height = face.box
    return x + width / 2 < shape[1] and y + height / 2 < shape[0]


def resized(image: np.ndarray, side: int) -> np.ndarray:
    """Return the picture with its longer side at `side` pixels."""
    factor = side / max(image.shape[:2])
    size = [max(1, round(s * factor)) for s in image.shape[1::-1]]
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))


def pasted(images: list[np.ndarray], across: int) -> np.ndarray:
    """Return pictures side by side, `across` in a row, on grey, 1,280 pixels wide."""
    cell = 1280 // across
    picture = np.full((cell * -(-len(images) // across), 1280, 3), GREY, np.uint8)
    for i, image in enumerate(images):
        small = resized(image, cell) if across > 1 else image
        y, x = i // across * cell, i % across * cell
        picture[y : y + small.shape[0], x : x + small.shape[1]] = small
    return picture


def row(numbers, form: str) -> str:
    """Return numbers with bars between them."""
    return " | ".join(f"{number:{form}}" for number in numbers)


if __name__ == "__main__":
    main()
