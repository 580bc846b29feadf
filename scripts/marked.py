"""Parts of a page that scripts write, between two marks; the rest stays as it is."""

import re

END = "<!-- end of figures -->"


def replaced(text: str, begin: str, figures: str) -> str:
    """Return `text` with `figures` between the mark `begin` and the next `END`.

    Raises:
        ValueError: the marks are missing.
    """
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(END)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"The marks are missing. Allowed: {begin} ... {END}. Received: {text!r}")
    return pattern.sub(lambda _: f"{begin}\n{figures}\n{END}", text)
