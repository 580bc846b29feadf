"""Names from the data as Matplotlib can draw them."""


def drawable(name: str) -> str:
    """Return a name with "?" in place of each letter that Matplotlib's font does not have.

    >>> drawable("Zoë 年.jpg")
    'Zoë ?.jpg'
    """
    from matplotlib.font_manager import FontProperties, findfont, get_font

    known = get_font(findfont(FontProperties())).get_charmap()
    return "".join(letter if ord(letter) in known else "?" for letter in name)
