"""Progress that suits where it is shown: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

SECONDS_BETWEEN_LINES = 5.0


def progress(iterable: Iterable | None = None, *, total: int | None = None, label: str = "") -> Any:
    """Return a progress display over `iterable`, or one for calls of `update(n)`.

    On a terminal a live bar (tqdm's); elsewhere (a log file, a pipe) a plain line on stderr at most
    every five seconds, and one at the end; nothing where stderr is closed. Usable as a context
    manager.

    Args:
        iterable: what to go through, or None to call `update` yourself.
        total: number of steps, where `iterable` has no length.
        label: what is being done, in a word or two.
    """
    if not is_terminal():
        return PlainProgress(iterable, total, label)
    from tqdm import tqdm

    return tqdm(iterable, total=total, desc=label)


class PlainProgress:
    """The part of tqdm's interface that this package uses, as plain lines for logs."""

    leave = True  # whether the last state is shown at the end

    def __init__(self, iterable: Iterable | None, total: int | None, label: str):
        self._iterable = iterable
        self._total = len(iterable) if total is None and hasattr(iterable, "__len__") else total
        self._label = label
        self._done, self._shown = 0, 0
        self._begun = self._last_line = time.monotonic()

    def update(self, n: int = 1) -> None:
        """Count `n` more steps."""
        self._done += n
        if time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._show()

    def set_description_str(self, text: str, refresh: bool = False) -> None:
        """Say something else than the label."""
        self._label = text

    def close(self) -> None:
        """Show the last state, unless it is shown already."""
        if self.leave and self._done != self._shown:
            self._show()

    def __iter__(self) -> Iterator:
        for item in self._iterable:
            yield item
            self.update()
        self.close()

    def __enter__(self) -> "PlainProgress":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _show(self) -> None:
        self._last_line, self._shown = time.monotonic(), self._done
        total = "" if self._total is None else f"/{self._total}"
        seconds = self._last_line - self._begun
        text = f"{self._label}: {self._done}{total} [{clock(seconds)}"
        if self._total and 0 < self._done < self._total:
            text += f", {clock(seconds * (self._total - self._done) / self._done)} left"
        text += "]"
        if sys.stderr is not None:  # None: the process was started without one
            with suppress(OSError, ValueError):  # its reader is gone; it was closed
                sys.stderr.write(text + "\n")
                sys.stderr.flush()


def clock(seconds: float) -> str:
    """Return a span of time as minutes and seconds, before them hours if there are any.

    >>> clock(75.9), clock(3675)
    ('01:15', '1:01:15')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}:" if hours else "") + f"{minutes:02d}:{rest:02d}"


def is_terminal() -> bool:
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:  # it was closed
        return False
