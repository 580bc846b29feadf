"""Draws an album to try docs/your-own-data.md on: photos/ and labels.csv in the current folder.

python scripts/draw_album.py
"""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from keras_dldl.data.synthetic import draw_face


def draw_album(folder: Path, people: int = 300) -> None:
    """Write two pictures of each person, a year apart, into photos/, and their labels.csv."""
    (folder / "photos").mkdir(exist_ok=True)
    with open(folder / "labels.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label", "subject", "gender"])
        for person in range(people):
            age = np.random.default_rng(person).uniform(1, 85)
            for photo in range(2):
                face = draw_face(age + photo, np.random.default_rng([person, photo]), size=200)
                path = f"p{person:03}_{photo}.jpg"
                Image.fromarray(face.image).save(folder / "photos" / path, quality=92)
                rows.writerow([path, f"{face.age:.1f}", f"p{person:03}", face.gender])


if __name__ == "__main__":
    draw_album(Path())
