"""Shows all steps: predict on a photo; then prepare, train, evaluate, export, predict.

Run by `make demo`. All files go to demo/, which is made afresh. Stops at the first command that
fails, with its exit status.
"""

import csv
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEMO = Path("demo")  # commands run in ROOT, so that they read as a user would type them
SHIPPED_MODEL = "tiny-age"


def main() -> None:
    """Run both parts and list what they made."""
    os.chdir(ROOT)
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir()
    begin = time.monotonic()
    predict_on_a_photo()
    go_the_whole_path()
    list_files()
    say(f"Done in {time.monotonic() - begin:.0f} seconds.")


def predict_on_a_photo() -> None:
    """Estimate the age in a public-domain photo, with the model that ships with the package."""
    from skimage import data, io

    say("1. A photo, and the model that ships with the package")
    photo = DEMO / "astronaut.png"
    io.imsave(photo, data.astronaut(), check_contrast=False)
    run(
        *("predict", photo, "--model", SHIPPED_MODEL),
        *("--save", DEMO / "annotated.png", "--plot", DEMO / "distribution.png"),
    )


def go_the_whole_path() -> None:
    """Take drawn faces from pictures to a served model, at a size that two cores do in minutes."""
    say("2. All steps, on drawn faces: no data set needed")
    faces, trained = DEMO / "faces", DEMO / "run"
    model = trained / "model.keras"
    run("prepare", "synthetic", "--out", faces, "--count", 1200, "--size", 64)
    run(
        *("train", "--data", faces, "--out", trained),
        *("--epochs", 6, "--batch-size", 32, "--schedule", "cosine"),
    )
    run("evaluate", "--model", model, "--data", faces, "--out", DEMO / "report")
    run("export", "--model", model, "--format", "saved-model", "--out", DEMO / "served")
    youngest, oldest = extremes(faces)
    say(f"Drawn as {youngest['label']} and {oldest['label']} years old, and not trained on:")
    pictures = [faces / "images" / row["path"] for row in (youngest, oldest)]
    run("predict", "--model", model, *pictures, "--plot", DEMO / "drawn.png")


def extremes(faces: Path) -> tuple[dict, dict]:
    """Return the rows of the youngest and the oldest face of the test split."""
    with open(faces / "manifest.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    rows.sort(key=lambda row: float(row["label"]))
    return rows[0], rows[-1]


def run(*args: object) -> None:
    """Show a `keras-dldl` command, run it, and end the demo with its status if it fails."""
    words = [str(arg) for arg in args]
    say(f"$ keras-dldl {shlex.join(words)}")
    status = subprocess.run([sys.executable, "-m", "keras_dldl.cli.main", *words]).returncode
    if status != 0:
        print(f"The demo stops here: exit status {status}.", file=sys.stderr)
        sys.exit(status if status > 0 else 1)


def list_files() -> None:
    """List the files made; folders of many are counted."""
    say("Made:")
    for folder, folders, files in os.walk(DEMO):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if len(files) > 10:
            print(f"  {folder}/: {len(files)} files")
        else:
            for name in sorted(files):
                path = Path(folder, name)
                print(f"  {path} ({path.stat().st_size / 1000:,.0f} kB)")


def say(text: str) -> None:
    """Print a paragraph of its own, in order with what the commands print."""
    print(f"\n{text}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        sys.exit(130)
