"""A check of the built site: every link leads somewhere, and nothing comes from elsewhere."""

import posixpath
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser fetches by itself, and so must come from the site.
FETCHED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}


class Page(HTMLParser):
    """The anchors and links of one page.

    Attributes:
        ids: its anchors.
        links: what its links lead to.
        fetched: what a browser loads to show it.
        has_torn_table: whether a row of a table is shown as text, as after an empty line.
    """

    def __init__(self, text: str):
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.fetched: set[str] = set()
        self.has_torn_table = "<p>|" in text
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag holds."""
        given = {name: value for name, value in attrs if value}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.add(given["href"])
        if tag in FETCHED and FETCHED[tag] in given:
            self.fetched.add(given[FETCHED[tag]])


def problems(site: Path) -> list[str]:
    """Return a line for each thing that is wrong with the site in the folder `site`."""
    pages = {
        path.relative_to(site).as_posix(): Page(path.read_text(encoding="utf-8"))
        for path in sorted(site.rglob("*.html"))
    }
    found = [] if pages else [f"A site must have pages. Allowed: *.html. Received: none in {site}"]
    for name, page in pages.items():
        # Links of the page for what is not there begin at the site's root, wherever that is.
        if name != "404.html":
            found += [
                f"{name}: {target} leads nowhere"
                for target in sorted(page.links | page.fetched)
                if leads_nowhere(target, name, pages, site)
            ]
        found += [f"{name}: a row of a table stands outside it"] * page.has_torn_table
        found += [f"{name}: {target} is fetched from elsewhere" for target in outside(page.fetched)]
    for style in site.rglob("*.css"):
        urls = re.findall(r"url\(\s*[\"']?(https?:[^)\"']+)", style.read_text(encoding="utf-8"))
        found += [f"{style.name}: {url} is fetched from elsewhere" for url in urls]
    return found


def leads_nowhere(target: str, name: str, pages: dict[str, Page], site: Path) -> bool:
    """Return whether a link of the page `name` has no file or no anchor; other sites are let be."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return False
    path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path)))
    path = path if parts.path else name
    if (site / path).is_dir():
        path = posixpath.normpath(f"{path}/index.html")
    if not (site / path).is_file():
        return True
    # An empty anchor is the top of the page; `#__` are the theme's own.
    anchor = unquote(parts.fragment)
    known = pages[path].ids if path in pages else set()
    return bool(anchor) and not anchor.startswith("__") and anchor not in known


def outside(targets: set[str]) -> list[str]:
    """Return those on other sites."""
    return sorted(target for target in targets if urlsplit(target).netloc)
