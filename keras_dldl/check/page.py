"""What the check found: in a sentence, in a short table, and `check.html`, all in one file."""

import html
import io
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from keras_dldl._utils.html_marks import Html, data_uri, page, paragraph, section, table
from keras_dldl._utils.text_tables import aligned, counted
from keras_dldl.data.manifest import SPLITS
from keras_dldl.data.prepared import PreparedData
from keras_dldl.errors import DataError
from keras_dldl.evaluation.predicting import thumbnail

SHOWN_ROWS = 50
METHOD = (
    "Identical means that the stored images are the same byte for byte. Near copies were saved "
    "again, resized, cropped or lightened; mirrored ones were turned besides. The similarity is "
    "the correlation of fine detail, the mean face taken away, after the best small shift, "
    "scaling and turn; {similarity:g} and above counts as one picture. The least similar pairs "
    "are shown first: look at these, and raise the limit if they are not copies."
)


def verdict(content: dict[str, Any]) -> tuple[str, bool]:
    """Return what is to be said first, and whether that is good."""
    counts = content["counts"]
    torn = counts["torn_subjects"]
    said = [
        f"{number:,} {'face' if number == 1 else 'faces'} of {part} also in {_beyond(part)}"
        for part, number in counts["leaking_faces"].items()
        if number
    ]
    if torn:
        said.append(f"{torn:,} {'person is' if torn == 1 else 'people are'} in more than one part")
    if not said:
        return "No leaks: no picture and no known person is in more than one part.", True
    return "Leaks: " + "; ".join(said) + ".", False


def summary_rows(content: dict[str, Any]) -> list[list[str]]:
    """Return the rows (what, number) of the short table."""
    counts = content["counts"]
    rows = [[f"faces of {part}", counts["parts"][part]] for part in SPLITS]
    rows += [
        [f"faces of {part} that are in {_beyond(part)} too", counts["leaking_faces"][part]]
        for part in SPLITS[:-1]
    ]
    rows += [
        ["people in more than one part", counts["torn_subjects"]],
        ["pairs of one picture, between parts", counts["pairs_between_parts"]],
        ["pairs of one picture, within a part", sum(counts["pairs_within_parts"].values())],
        ["pairs whose labels contradict each other", counts["label_conflicts"]],
        ["records that cannot be read", counts["unreadable"]],
        ["training images to leave out", counts["images_of_weight_0"]],
        ["training images to down-weight", counts["images_of_less_weight"]],
    ]
    return [[name, f"{number:,}"] for name, number in rows]


def text_report(content: dict[str, Any]) -> str:
    """Return the short table and the verdict as text for a terminal."""
    return "\n".join([*aligned(summary_rows(content)), verdict(content)[0]])


def _beyond(part: str) -> str:
    """Return the parts that are held out more than this one.

    >>> _beyond("train")
    'val or test'
    """
    return " or ".join(SPLITS[SPLITS.index(part) + 1 :])


def page_html(content: dict[str, Any], data: PreparedData) -> str:
    """Return the page as one self-contained HTML document.

    Args:
        content: what `check.json` holds.
        data: the prepared data, read again for the pictures that are shown.
    """
    settings, sections = content["settings"], _sections(content)
    shown = [
        face
        for *_, items in sections
        for item in items[: settings["show"]]
        for face in _faces_of(item)
    ]
    pictures = _pictures(data, {(face["folder"], face["path"]) for face in shown})
    sentence, good = verdict(content)
    folders = [Path(folder).name for folder in content["folders"]]
    groups = [
        _crossed(f"Faces by {name}", {value: of["parts"] for value, of in group.items()})
        for name, group in content["groups"].items()
    ]
    return page(
        f"Leak check: {', '.join(folders)}",
        f"{counted(content['counts']['faces'], 'face')} in {', '.join(content['folders'])}",
        paragraph(sentence, f"verdict {'good' if good else 'bad'}"),
        section(
            "found",
            "What was found",
            table(["", "number"], summary_rows(content)),
            paragraph(METHOD.format(similarity=settings["similarity"])),
        ),
        _subjects(content["subjects"]),
        *(_section(*one, settings["show"], pictures, folders) for one in sections),
        section(
            "parts",
            "What the parts hold",
            _side(_crossed("Faces by label", content["labels"])),
            _side(*groups),
            table(
                ["size", "faces"],
                [[size, f"{number:,}"] for size, number in content["sizes"].items()],
                caption="Stored images, pixels",
            ),
        ),
        _unreadable(content["unreadable"]),
    )


def _pictures(data: PreparedData, wanted: set[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """Return a data URI for each wanted (number of the folder, path) that can be read.

    They are read a second time, so that no pictures need be kept while all are searched.
    """
    from PIL import Image

    found: dict[tuple[int, str], str] = {}
    for k, folder in enumerate(data.folders):
        records = folder.records()
        for number, path in enumerate(folder.rows()["path"]):
            if (k, path) in wanted:
                with suppress(DataError):
                    image = Image.open(io.BytesIO(records.read([number])[0])).convert("RGB")
                    found[k, path] = data_uri(thumbnail(np.asarray(image)), "image/jpeg")
    return found


def _sections(content: dict[str, Any]) -> list[tuple[str, str, str, list[dict[str, Any]]]]:
    """Return name, title, explanation and items of each section; a pair is in the first it fits.

    Items are pairs of faces, or faces whose labels a model contradicts.
    """
    between = [pair for pair in content["pairs"] if pair["between_parts"]]
    within = [pair for pair in content["pairs"] if not pair["between_parts"]]
    sections = [
        (
            "between",
            "One picture in two parts",
            "A model is measured on what it was trained on. `prepare --drop-leaks` leaves the "
            "first of each pair out.",
            between,
        ),
        (
            "labels",
            "One picture with two labels, within a part",
            "At least one of the labels is wrong.",
            [pair for pair in within if pair["label_conflict"]],
        ),
        (
            "within",
            "Other copies within a part",
            "They count more than once, and do no other harm.",
            [pair for pair in within if not pair["label_conflict"]],
        ),
    ]
    settings = content["settings"]
    if settings["predictions"]:
        remark = (
            f"Their errors are above {settings['max_error']:g}. Either is wrong, the label or the "
            "model; image_weights.csv leaves those in training out."
        )
        title = "Labels that a model contradicts"
        sections.append(("contradicted", title, remark, content["contradicted"]))
    return sections


def _section(
    name: str,
    title: str,
    remark: str,
    items: list[dict[str, Any]],
    show: int,
    pictures: dict[tuple[int, str], str],
    folders: Sequence[str],
) -> Html:
    title = f"{title}: {len(items):,}"
    if not items:
        return section(name, title, paragraph("None was found."))
    cards = "".join(f"<li>{_card(item, pictures, folders)}</li>" for item in items[:show])
    listed = Html(f'<ul class="pairs">{cards}</ul>')
    return section(name, title, paragraph(remark), listed, _more(len(items), show))


def _faces_of(item: dict[str, Any]) -> list[dict[str, Any]]:
    return [item["first"], item["second"]] if "first" in item else [item]


def _card(
    item: dict[str, Any], pictures: dict[tuple[int, str], str], folders: Sequence[str]
) -> str:
    conflict, said = "", ""
    if "error" in item:
        conflict = f"the model differs by {item['error']:.3g}"
    elif item["label_conflict"]:
        conflict = f"labels differ by {item['label_difference']:g}"
    if "kind" in item:
        similar = "" if item["kind"] == "identical" else f", similarity {item['similarity']:.3f}"
        said = f"<p>{item['kind']}{similar}</p>"
    images = "".join(_image(face, pictures) for face in _faces_of(item))
    lines = "".join(_line(face, folders) for face in _faces_of(item))
    mark = f'<p class="conflict">{conflict}</p>' if conflict else ""
    return f"<p>{images}</p>{said}{lines}{mark}"


def _image(face: dict[str, Any], pictures: dict[tuple[int, str], str]) -> str:
    source = pictures.get((face["folder"], face["path"]))
    if source is None:
        return "<span>(no picture)</span>"
    text = html.escape(f"{face['part']}: {face['path']}")
    return f'<img alt="{text}" src="{source}">'


def _line(face: dict[str, Any], folders: Sequence[str]) -> str:
    place = f"{folders[face['folder']]}: " if len(folders) > 1 else ""
    subject = f", subject {face['subject']}" if face["subject"] else ""
    text = f"{place}{face['part']}, label {face['label']:g}{subject}: {face['path']}"
    return f"<p>{html.escape(text)}</p>"


def _side(*tables: Html) -> Html:
    return Html(f'<div class="side">{"".join(tables)}</div>')


def _subjects(subjects: list[dict[str, Any]]) -> Html:
    title = f"One person in two parts: {len(subjects):,}"
    if not subjects:
        return section("people", title, paragraph("None, as far as the data names its people."))
    rows = [
        [f"{item['database']} {item['subject']}", *(f"{item['parts'][part]:,}" for part in SPLITS)]
        for item in subjects[:SHOWN_ROWS]
    ]
    listed = table(["subject", *SPLITS], rows, caption="Faces of each person")
    return section("people", title, listed, _more(len(subjects), SHOWN_ROWS))


def _unreadable(items: list[dict[str, str]]) -> Html:
    if not items:
        return Html("")
    rows = [[item["path"], item["reason"]] for item in items[:SHOWN_ROWS]]
    listed = table(["path", "reason"], rows, caption="Records", text=True)
    return section("unreadable", "What could not be read", listed, _more(len(items), SHOWN_ROWS))


def _more(total: int, shown: int) -> Html:
    rest = total - shown
    return paragraph(f"and {rest:,} more, listed in check.json") if rest > 0 else Html("")


def _crossed(title: str, counts: dict[str, dict[str, int]]) -> Html:
    rows = [[name, *(f"{parts[part]:,}" for part in SPLITS)] for name, parts in counts.items()]
    return table(["", *SPLITS], rows, caption=title)
