"""Tables of text, for a terminal and in Markdown, and counts in words."""

from collections.abc import Sequence

Row = Sequence[str]


def counted(number: int, one: str, several: str = "") -> str:
    """Return a number of things in words; more of them are called `several`, or end in "s".

    >>> counted(1, "face"), counted(1200, "face"), counted(0, "person", "people")
    ('1 face', '1,200 faces', '0 people')
    """
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def aligned(rows: Sequence[Row], words: int = 1) -> list[str]:
    """Return rows as lines with columns under each other.

    Args:
        rows: cells; the first row is mostly the headings.
        words: how many columns stand to the left; the others are numbers, which stand to the right.

    >>> aligned([["", "MAE"], ["tiny-age", "4.1"]])
    ['          MAE', 'tiny-age  4.1']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    place = [str.ljust] * words + [str.rjust] * (len(widths) - words)
    lines = (map(lambda put, *of: put(*of), place, row, widths) for row in rows)
    return ["  ".join(line).rstrip() for line in lines]


def markdown_table(head: Row, rows: Sequence[Row], *, numbers: bool = True) -> str:
    """Return a Markdown table; with `numbers` all columns but the first are right-aligned.

    >>> print(markdown_table(["group", "MAE"], [["a|b\\nc", "4.1"]]))
    | group | MAE |
    |---|---:|
    | a\\|b c | 4.1 |
    """
    lines = [
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |"
        for row in [head, *rows]
    ]
    rest = "---:|" if numbers else "---|"
    return "\n".join([lines[0], "|---|" + rest * (len(head) - 1), *lines[1:]])
