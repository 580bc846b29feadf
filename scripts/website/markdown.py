"""What Markdown pages link to, and the anchors that they have, as GitHub reads them."""

import re
from typing import NamedTuple

CODE = re.compile(
    r"^ *(?P<fence>`{3,}|~{3,})[^\n]*\n.*?^ *(?P=fence)[`~]*\s*?$"  # a fenced block
    r"|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)",  # or a span of a line or two
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\]\(\s*<?([^()<>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


class Link(NamedTuple):
    """Where a link's target is in its page, and what it is.

    Attributes:
        start: place of its first character.
        end: place behind its last.
        target: `data.md#records`, for example.
    """

    start: int
    end: int
    target: str

    @property
    def path(self) -> str:
        """The file it leads to; empty for its own page."""
        return self.target.partition("#")[0]

    @property
    def anchor(self) -> str:
        """The heading it leads to; empty for the page itself."""
        return self.target.partition("#")[2]


def links(text: str) -> list[Link]:
    """Return the links and pictures of a page that stay in the checkout, in order.

    >>> [link.target for link in links("[a](b.md#c), `[x](y)`, [d](https://example.org)")]
    ['b.md#c']
    """
    found = [Link(*match.span(1), match[1]) for match in LINK.finditer(without_code(text))]
    return [link for link in found if not OUTSIDE.match(link.target)]


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings.

    >>> sorted(anchors("# Where the time goes\\n## `a`, [b](c.md)?\\n## `a`, b"))
    ['a-b', 'a-b-1', 'where-the-time-goes']
    """
    found: set[str] = set()
    plain = CODE.sub(lambda code: code[0] if code["ticks"] else "", text)
    for heading in HEADING.findall(plain):
        name, number = slug(heading), 0
        while (name if number == 0 else f"{name}-{number}") in found:
            number += 1
        found.add(name if number == 0 else f"{name}-{number}")
    return found


def slug(heading: str) -> str:
    """Return the anchor of one heading: lower case, no punctuation, dashes for blanks."""
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


def without_code(text: str) -> str:
    """Return `text` with blanks in the place of code, so that all places stay what they are."""
    return CODE.sub(lambda code: re.sub(r"[^\n]", " ", code[0]), text)
