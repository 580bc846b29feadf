"""Where the parts of a batch are worked on: how many devices and processes share it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Places:
    """The devices and processes that share each batch, the devices spread evenly over processes.

    Args:
        devices: of all processes together, at least 1.
        processes: at least 1.
        process: the number of this one, from 0.

    >>> places = Places(devices=4, processes=2, process=1)
    >>> places.trimmed(103), places.filled(103), places.share(100)
    (100, 104, slice(50, 100, None))
    """

    devices: int = 1
    processes: int = 1
    process: int = 0

    def trimmed(self, count: int) -> int:
        """Return the largest number of faces, up to `count`, that the devices can share evenly."""
        return count - count % self.devices

    def filled(self, count: int) -> int:
        """Return the smallest number of faces, from `count` on, that they can share evenly."""
        return count + -count % self.devices

    def share(self, count: int) -> slice:
        """Return which of `count` faces of a batch are this process's."""
        part = count // self.processes
        return slice(self.process * part, (self.process + 1) * part)


ONE_DEVICE = Places()
