"""Draws docs/images/result.png: a photo with its estimate, beside the predicted distribution.

python scripts/result_picture.py
"""

import io
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
PLACE = Path(__file__).resolve().parents[1] / "docs" / "images" / "result.png"
HEIGHT = 450


def main() -> None:
    """Predict on a public-domain photo with the shipped model, and draw the picture."""
    from PIL import Image
    from skimage import data

    import keras_dldl
    from keras_dldl._utils.files import atomic_path
    from keras_dldl.predict.drawing import annotate, plot_distribution

    photo = Image.fromarray(data.astronaut())
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # the name above the distribution is that of the file, as it was given
        photo.save("astronaut.png")
        prediction = keras_dldl.predict_age("astronaut.png")
        os.chdir(PLACE.parent)
    face = annotate(photo, prediction).resize((HEIGHT, HEIGHT), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    plot_distribution(prediction).savefig(stream, dpi=100)
    plot = Image.open(stream).convert("RGB")
    result = Image.new("RGB", (face.width + plot.width, HEIGHT), "white")
    result.paste(face, (0, 0))
    result.paste(plot, (face.width, (HEIGHT - plot.height) // 2))
    with atomic_path(PLACE) as temporary:
        result.save(temporary, optimize=True)
    print(f"{PLACE}: {prediction:.1f} years")


if __name__ == "__main__":
    main()
