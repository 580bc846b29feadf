"""The pages that people write, gathered from the checkout, their links made to fit."""

import os
import posixpath
import re
import shutil
from pathlib import Path

from website.markdown import Link, links

ROOT = Path(__file__).resolve().parents[2]
# Pages with another place on the site than in the checkout. Its home page is docs/index.md.
PLACES = {
    "README.md": "index.md",
    "README.md#shipped-models": "models/index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
}


def places(root: Path = ROOT) -> dict[str, str]:
    """Return, for every page of the checkout that the site has, its place there."""
    docs = {f"docs/{path.name}": path.name for path in (root / "docs").glob("*.md")}
    cards = {f"saved_models/{name}/CARD.md": f"models/{name}.md" for name in models(root)}
    return {**docs, **cards, **PLACES}


def models(root: Path = ROOT) -> list[str]:
    """Return the names of the models that have a card and figures, sorted."""
    cards = (root / "saved_models").glob("*/CARD.md")
    return sorted(card.parent.name for card in cards if (card.parent / "metrics.json").exists())


def gather(to: Path, root: Path = ROOT) -> None:
    """Write all pages into the folder `to`, and the files that they link to.

    Raises:
        ValueError: a link leads nowhere.
    """
    where = places(root)
    for source, target in where.items():
        if source != "README.md" and "#" not in source:
            text = (root / source).read_text(encoding="utf-8")
            write(to / target, titled(fitted(text, source, where, to, root), root))


def titled(text: str, root: Path = ROOT) -> str:
    """Return `text` with a page's title where a link shows its file's name: "data.md"."""

    def title(link: re.Match) -> str:
        page = root / "docs" / link[1]
        if not page.is_file():
            return link[0]
        heading = re.search(r"^# (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        return f"[{heading[1] if heading else link[1]}]("

    return re.sub(r"\[(?:docs/)?([\w-]+\.md)\]\(", title, text)


def fitted(text: str, source: str, where: dict[str, str], to: Path, root: Path = ROOT) -> str:
    """Return the text of the page `source` with links as they are on the site.

    Files that are linked to and are no pages are copied into `to`.
    """
    parts, end = [], 0
    for link in links(text):
        parts += [text[end : link.start], new_target(link, source, where, to, root)]
        end = link.end
    return "".join([*parts, text[end:]])


def new_target(link: Link, source: str, where: dict[str, str], to: Path, root: Path) -> str:
    """Return what the link of the page `source` is on the site."""
    if not link.path:
        return link.target
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), link.path))
    whole = f"{path}#{link.anchor}"
    anchor = f"#{link.anchor}" if link.anchor and whole not in where else ""
    target = where.get(whole) or where.get(path) or copied(path, source, to, root)
    return os.path.relpath(target, posixpath.dirname(where[source]) or ".") + anchor


def copied(path: str, source: str, to: Path, root: Path) -> str:
    """Copy a file of the checkout to the site and return its place there."""
    if path.startswith("..") or not (root / path).is_file():
        raise ValueError(
            f"A link of {source} leads nowhere. Allowed: a file of the checkout. Received: {path}"
        )
    target = path.removeprefix("docs/") if path.startswith("docs/") else f"files/{path}"
    (to / target).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(root / path, to / target)
    return target


def write(path: Path, text: str) -> None:
    """Write a page of the site."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
