"""What the check found, in a sentence and in a short table."""

from typing import Any

from keras_dldl.data.manifest import SPLITS


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
        ["images of training to leave out", counts["images_of_weight_0"]],
        ["images of training to come less often", counts["images_of_less_weight"]],
    ]
    return [[name, f"{number:,}"] for name, number in rows]


def text_report(content: dict[str, Any]) -> str:
    """Return the short table and the verdict as text for a terminal."""
    rows = summary_rows(content)
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {number:>9}" for name, number in rows]
    return "\n".join([*lines, verdict(content)[0]])


def _beyond(part: str) -> str:
    """Return the parts that are held out more than this one.

    >>> _beyond("train")
    'val or test'
    """
    return " or ".join(SPLITS[SPLITS.index(part) + 1 :])
