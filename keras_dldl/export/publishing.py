"""Putting a model on the Hugging Face hub."""

import os
import shutil
import tempfile
from pathlib import Path

import yaml

from keras_dldl._utils.files import sha256_of, write_json
from keras_dldl._utils.hub import hub_of, split_name
from keras_dldl.evaluation.card import model_card, read_report
from keras_dldl.export import export_model
from keras_dldl.runtime.card import read_litert_card
from keras_dldl.saved_models import LIGHT_FILE, METRICS_FILE, find_model, holds_keras

TAGS = ("keras-dldl", "keras", "face", "label-distribution-learning")


def push(
    model: str | os.PathLike,
    name: str,
    report: str | os.PathLike | None = None,
    *,
    private: bool = True,
) -> str:
    """Put a model on the hub: one file that LiteRT runs and Keras loads, its card and figures.

    Args:
        model: a model's file, a run folder, or a shipped model's name.
        name: `hf://user/name`, or `hf://user/name@revision`; a repository that does not exist is
            created.
        report: see `evaluation.card.model_card`.
        private: whether a new repository is private. An existing one stays as it is.

    Returns:
        The address of the commit on the hub.

    Raises:
        ConfigError: it is no such name, `huggingface_hub` is not installed, or there is no token
            that may write.
        ModelFileError: there is no such model, or the hub cannot be reached.
        ParityError: the file for LiteRT gives other numbers than Keras.
    """
    repository, revision = split_name(name)
    file = find_model(model)
    with hub_of(name, writing=True) as hub:
        api = hub.HfApi()
        api.whoami()  # before the work
    with tempfile.TemporaryDirectory() as folder:
        _fill(Path(folder), file, name, report)
        with hub_of(name, writing=True):
            api.create_repo(repository, private=private, exist_ok=True)
            written = api.upload_folder(
                repo_id=repository,
                folder_path=folder,
                revision=revision,
                commit_message="Model and card by keras-dldl",
            )
    return str(written)


def _fill(folder: Path, file: Path, name: str, report: str | os.PathLike | None) -> None:
    metrics = read_report(file, report)
    place = folder / LIGHT_FILE
    if holds_keras(file):
        shutil.copy(file, place)
    else:
        export_model(file, "litert", place, mirror=False, with_keras=True)
    own = file.parent / "CARD.md"
    has_own = own.is_file() and file.stem == "model"
    card = own.read_text(encoding="utf-8") if has_own else model_card(file, report, name)
    task = read_litert_card(place.read_bytes())["task"]
    tags = [*TAGS, f"{task}-estimation"]
    front = yaml.safe_dump({"library_name": "keras-dldl", "tags": tags}, sort_keys=False)
    (folder / "README.md").write_text(f"---\n{front}---\n\n{card}", encoding="utf-8")
    if metrics:
        metrics["model"]["sha256"] = sha256_of(place)  # the same weights, in another file
        write_json(folder / METRICS_FILE, metrics)
