"""The PyTorch side of benchmarks/pipeline.py, for an environment of its own.

    pip install torch albumentations opencv-python-headless

Reads FOLDER/*.jpg, prints "ready" after one epoch, then the seconds of one epoch for each line that
it reads from stdin.
"""

import argparse
import sys
import time
from pathlib import Path


def main() -> None:
    """Build the loader and answer lines of stdin by seconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("size", type=int)
    parser.add_argument("batch_size", type=int)
    parser.add_argument("workers", type=int)
    args = parser.parse_args()
    batches = loader(args)
    epoch(batches)
    print("ready", flush=True)
    for _ in sys.stdin:
        print(epoch(batches), flush=True)


def loader(args: argparse.Namespace):
    """Return a DataLoader of shuffled, augmented uint8 batches; its workers stay."""
    import cv2
    import torch

    cv2.setNumThreads(0)
    faces = Faces(sorted(args.folder.glob("*.jpg")), transforms(args.size))
    return torch.utils.data.DataLoader(
        faces, args.batch_size, shuffle=True, num_workers=args.workers, persistent_workers=True
    )


def transforms(size: int):
    """Return what `Augmentation(zoom=0.1, shift=0.05)` does, in albumentations."""
    import albumentations as A
    import cv2

    cubic = {"downscale": cv2.INTER_CUBIC, "upscale": cv2.INTER_CUBIC}
    return A.Compose(
        [
            A.HorizontalFlip(p=0.5),
            A.ToGray(p=0.5),
            A.Downscale(scale_range=(0.5, 1.0), interpolation_pair=cubic, p=1.0),
            A.Affine(
                scale=(0.9, 1.1), translate_percent=(-0.05, 0.05), rotate=(-15, 15),
                border_mode=cv2.BORDER_REPLICATE, p=1.0,
            ),
            A.ColorJitter(
                brightness=(0.6, 1.4), contrast=(0.6, 1.4), saturation=(0.6, 1.4), hue=(0, 0), p=1.0
            ),
            A.ToTensorV2(),
        ]
    )  # fmt: skip


class Faces:
    """Faces of a folder as a map-style data set."""

    def __init__(self, paths: list[Path], transform):
        self.paths = [str(path) for path in paths]
        self.transform = transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int):
        import cv2

        image = cv2.cvtColor(cv2.imread(self.paths[index]), cv2.COLOR_BGR2RGB)
        return self.transform(image=image)["image"], 0.0


def epoch(batches) -> float:
    """Return the seconds of one epoch, every batch made float32 as a model needs it."""
    begin = time.perf_counter()
    for images, _ in batches:
        images.float()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
