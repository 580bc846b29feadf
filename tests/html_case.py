"""What tests of pages share."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """Collects the tags of a page with their attributes; they must close in order.

    Attributes:
        tags: (name, attributes) of each, as they begin.
        open: those that are not closed.
    """

    VOID = {"meta", "img", "br", "hr", "link", "input"}

    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def values(self, attribute):
        """All values of an attribute."""
        return [values[attribute] for _, values in self.tags if attribute in values]
