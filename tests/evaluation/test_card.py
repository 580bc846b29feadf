"""Cards: what the file, the settings and the report say, and nothing of this machine."""

import json

import pytest
from click.testing import CliRunner

from keras_dldl._utils.files import write_json
from keras_dldl.cli.main import cli
from keras_dldl.errors import ModelFileError
from keras_dldl.evaluation import evaluate
from keras_dldl.evaluation.card import model_card
from tests.evaluation.given import mini_model, write_prepared

pytestmark = pytest.mark.usefixtures("mini_backbone")


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run folder with settings and the report of its model."""
    folder = tmp_path_factory.mktemp("runs") / "album"
    folder.mkdir()
    model = mini_model()
    model.card["training"] = {"data": ["utk", "utk"], "images": 1200, "epoch": 7, "val_mae": 4.5}
    model.save(folder / "model.keras")
    (folder / "config.yaml").write_text(f"data: [{folder.parent / 'utk'}]\nepochs: 9\n")
    write_prepared(folder.parent / "data", {"test": 6})
    write_json(folder / "metrics.json", evaluate(folder, folder.parent / "data").metrics)
    return folder


def test_a_card_of_a_run(run_folder):
    card = model_card(run_folder)
    metrics = json.loads((run_folder / "metrics.json").read_text())
    assert card.startswith("# album\n\nEstimates the age of a face")
    assert f"**MAE {metrics['mae']:.2f} years** on 6 faces" in card
    assert "Measured on the split test of data" in card
    assert "Trained on 1,200 images of utk. The weights are those of epoch 7, whose MAE" in card
    assert "data:\n- utk\nepochs: 9" in card and str(run_folder.parent) not in card


def test_a_card_without_a_report(run_folder, tmp_path):
    (tmp_path / "mine.keras").write_bytes((run_folder / "model.keras").read_bytes())
    card = model_card(tmp_path / "mine.keras")
    assert card.startswith("# mine\n") and "`keras-dldl evaluate` measures, `--report DIR`" in card
    assert "yaml" not in card


def test_the_start_model_is_named_with_its_terms(run_folder, tmp_path):
    (tmp_path / "model.keras").write_bytes((run_folder / "model.keras").read_bytes())
    (tmp_path / "config.yaml").write_text("init: tiny-age\n")
    card = model_card(tmp_path)
    assert (
        "those of epoch 7, whose MAE" in card and "The start model was tiny-age: its card" in card
    )
    mini_model().save(tmp_path / "model.keras")  # as a run without a better epoch leaves it
    assert "better than tiny-age, so the weights are those of tiny-age:" in model_card(tmp_path)


def test_figures_that_one_face_does_not_have(run_folder, tmp_path):
    write_prepared(tmp_path / "one", {"test": 1})
    metrics = evaluate(run_folder, tmp_path / "one").metrics
    assert metrics["pearson"] is None
    write_json(tmp_path / "metrics.json", metrics)
    assert ", Pearson -. The image alone" in model_card(run_folder, tmp_path)


def test_reports_that_do_not_fit(run_folder, tmp_path):
    with pytest.raises(ModelFileError, match="Received: .*without metrics.json"):
        model_card(run_folder, tmp_path)
    mini_model().save(tmp_path / "other.keras")
    with pytest.raises(ModelFileError, match="of this very model.*a report of album/model.keras"):
        model_card(tmp_path / "other.keras", run_folder)


def test_the_command(run_folder, tmp_path):
    def run(*arguments):
        return CliRunner().invoke(cli, ["card", *map(str, arguments)])

    assert run(run_folder).stdout == model_card(run_folder)
    out = tmp_path / "CARD.md"
    assert run(run_folder, "--out", out).stdout == f"written {out}\n"
    assert out.read_text(encoding="utf-8") == model_card(run_folder)
    assert run(run_folder, "--out", out).exit_code == 1
