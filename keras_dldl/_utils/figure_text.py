"""Names from the data as Matplotlib can draw them."""


def drawable(name: str) -> str:
    """Return a name that Matplotlib draws as it is: "$" begins no formula.

    Letters that its font does not have become "?".

    >>> print(drawable("Zoë 年 $5.jpg"))
    Zoë ? \\$5.jpg
    """
    from matplotlib.font_manager import FontProperties, findfont, get_font

    known = get_font(findfont(FontProperties())).get_charmap()
    name = "".join(letter if ord(letter) in known else "?" for letter in name)
    return name.replace("$", r"\$")
