"""How much an age changes when a photo changes a little, by each detector.

    python benchmarks/steadiness.py --photos FOLDER [--detector auto --detector mtcnn] [--count 100]

The changes: mirrored; shifted by 3 %; enlarged and reduced by a tenth; turned by 5 degrees to
either side; saved as a JPEG of quality 70. The last column is what the crop and the network alone
do: the points of the unchanged photo, carried along. Faces that a prediction warns of, such as
those of 20 pixels, are left out: one of them may change by 40 years.
"""

import argparse
import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from faces import age_of, drawn

from keras_dldl.faces import Alignment, read_image
from keras_dldl.faces.aligner import FaceAligner
from keras_dldl.faces.face import Face, largest
from keras_dldl.faces.quality import face_warnings
from keras_dldl.runtime import open_network

# Each changed photo is the photo under a map of the plane: z becomes `factor * z + shift`, after
# mirroring where asked for.
CHANGES = ("mirror", "shift", "enlarge", "reduce", "left", "right", "jpeg")


def main() -> None:
    """Print the mean change in years, a column a detector."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True, help="folder of photos of one face each")
    parser.add_argument("--detector", action="append", help="default: auto, then mtcnn")
    parser.add_argument("--count", type=int, default=100, help="photos, drawn at random")
    parser.add_argument("--model", default="tiny-age")
    args = parser.parse_args()
    model = open_network(args.model, "age", "litert")
    names = args.detector or ["auto", "mtcnn"]
    aligners = [FaceAligner(Alignment(model.card.alignment.margin), name) for name in names]
    found = {change: [] for change in CHANGES}
    doubtful = 0
    for path in drawn(args.photos, args.count):
        photo = read_image(path)
        faces = [largest(aligner.detect([photo], all_faces=False)[0]) for aligner in aligners]
        if None in faces:
            continue
        crop = aligners[0].alignment.align(photo, faces[0].landmarks, model.card.input_size)
        if face_warnings(crop, faces[0], photo.shape, aligners[0].alignment):
            doubtful += 1
            continue
        ages = [age_of(of, model, photo, face) for of, face in zip(aligners, faces, strict=True)]
        for change in CHANGES:
            image, carried = changed(photo, faces[0], change)
            again = [largest(aligner.detect([image], all_faces=False)[0]) for aligner in aligners]
            if None in again:
                continue
            own = [age_of(of, model, image, face) for of, face in zip(aligners, again, strict=True)]
            alone = age_of(aligners[0], model, image, carried)
            found[change].append(np.abs(np.subtract([*own, alone], [*ages, ages[0]])))
    print(f"left out because of warnings: {doubtful}")
    if not all(found.values()):
        sys.exit(
            "Error: --photos must have faces that every detector finds, without a warning. "
            f"Received: {args.photos}"
        )
    print(f"mean change in years: {' | '.join(names)} | crop and network alone")
    for change, rows in found.items():
        print(f"{change} ({len(rows)}): {' | '.join(f'{x:.2f}' for x in np.mean(rows, axis=0))}")
    means = np.mean([np.mean(rows, axis=0) for rows in found.values()], axis=0)
    print(f"all: {' | '.join(f'{x:.2f}' for x in means)}")


def changed(photo: np.ndarray, face: Face, change: str) -> tuple[np.ndarray, Face]:
    """Return the changed photo, and the face with its points carried along."""
    height, width = photo.shape[:2]
    points = face.landmarks.astype(np.float64) @ [1, 1j]
    if change == "mirror":
        image, points = photo[:, ::-1], width - points.conj()
        points = points[[1, 0, 2, 4, 3]]
    elif change == "jpeg":
        stream = io.BytesIO()
        Image.fromarray(photo).save(stream, "JPEG", quality=70)
        image = read_image(stream.getvalue())
    elif change == "shift":
        x, y = max(1, round(0.03 * width)), max(1, round(0.03 * height))
        image, points = photo[y:, x:], points - complex(x, y)
    elif change in ("enlarge", "reduce"):
        factor = 1.1 if change == "enlarge" else 1 / 1.1
        size = (round(width * factor), round(height * factor))
        image = np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS))
        points = points.real * size[0] / width + 1j * points.imag * size[1] / height
    else:
        degrees = 5 if change == "left" else -5
        image = np.asarray(Image.fromarray(photo).rotate(degrees, Image.Resampling.BICUBIC))
        middle = complex(width, height) / 2
        points = middle + (points - middle) * np.exp(-1j * np.radians(degrees))
    landmarks = np.stack([points.real, points.imag], axis=1)
    return np.ascontiguousarray(image), Face(face.box, landmarks, face.score)


if __name__ == "__main__":
    main()
