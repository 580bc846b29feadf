"""The pages that commands write, and their pieces. Text is escaped unless it is `Html`."""

import base64
import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template

TEMPLATE = Path(__file__).with_name("html_page.html")


class Html(str):
    """Text that is HTML already; all else comes from the data and is escaped."""


def escaped(text: str) -> str:
    """Return `text` as HTML."""
    return text if isinstance(text, Html) else html.escape(text)


def with_code(text: str) -> Html:
    """Return `text` as HTML; what stands in backticks is code.

    >>> with_code("`epochs` < 3")
    '<code>epochs</code> &lt; 3'
    """
    pieces = escaped(text).split("`")
    return Html("".join(f"<code>{p}</code>" if k % 2 else p for k, p in enumerate(pieces)))


def page(title: str, about: str, *parts: str) -> str:
    """Return a whole page, with a line `about` it, in the style that all pages share.

    Nothing of it must be fetched from elsewhere.
    """
    body = Html("".join(escaped(part) for part in parts))
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escaped(title), about=escaped(about), body=body
    )


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "", text: bool = False
) -> Html:
    """Return a table of rows of cells, the first of each row its name.

    Without a `header` it has no head; `text` says that the cells hold words, which stand left.
    """
    cell = '<td class="text">' if text else "<td>"
    head = "".join(f'<th scope="col">{escaped(name)}</th>' for name in header)
    body = "".join(
        f'<tr><th scope="row">{escaped(first)}</th>'
        + "".join(f"{cell}{escaped(value)}</td>" for value in rest)
        + "</tr>"
        for first, *rest in rows
    )
    above = f"<caption>{escaped(caption)}</caption>" if caption else ""
    head = f"<thead><tr>{head}</tr></thead>" if header else ""
    return Html(f'<div class="wide"><table>{above}{head}<tbody>{body}</tbody></table></div>')


def figure(title: str, png: bytes, remark: str = "", least_width: int = 0) -> Html:
    """Return a picture with its title, and what it shows.

    On narrow screens it is made no narrower than `least_width` pixels; the rest is scrolled to.
    """
    name, more = escaped(title), f" <span>{escaped(remark)}</span>" if remark else ""
    style = f' style="min-width: {least_width}px"' if least_width else ""
    image = f'<img alt="{name}" src="{data_uri(png, "image/png")}"{style}>'
    return Html(
        f"<figure><figcaption><b>{name}</b>{more}</figcaption>"
        f'<div class="wide">{image}</div></figure>'
    )


def data_uri(content: bytes, kind: str) -> str:
    """Return a file's content as an address of its own."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def section(name: str, title: str, *parts: str) -> Html:
    """Return a part of the page; nothing where all of its parts are empty."""
    content = "".join(escaped(part) for part in parts)
    if not content:
        return Html("")
    return Html(f'<section id="{escaped(name)}"><h2>{with_code(title)}</h2>{content}</section>')


def paragraph(text: str, kind: str = "") -> Html:
    """Return a paragraph, of a class of the page's style; text in backticks is code."""
    attribute = f' class="{kind}"' if kind else ""
    return Html(f"<p{attribute}>{with_code(text)}</p>")


def listing(items: Iterable[str]) -> Html:
    """Return a list; nothing where there are no items."""
    entries = "".join(f"<li>{with_code(item)}</li>" for item in items)
    return Html(f"<ul>{entries}</ul>" if entries else "")
