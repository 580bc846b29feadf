"""A mesh of 468 points on one face (Kartynnik et al. 2019), and the five points from it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_dldl.faces.alignment import scale_of
from keras_dldl.faces.cutting import Picture

SIDE = 192
# The crop is this many times as large as the box of the face, as the network was trained.
CROP = 1.5
_LEFT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
_RIGHT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
# The eyes' contours, the tip of the nose, the corners of the mouth; left as the viewer sees it.
FIVE_POINTS = (_LEFT_EYE, _RIGHT_EYE, (1, 4), (61,), (291,))
# What they become in a mirror.
MIRRORED = [1, 0, 2, 4, 3]
# The box of a face in units of its points' spread, their root mean square distance from their mean:
# its side, and how far its centre lies above that mean (380 faces). Mean and spread change a third
# less than the edges of the box when a photo is mirrored or shifted, and with them what is seen
# next.
BOX_SIDE = 3.3
BOX_ABOVE = 0.07


@dataclass(frozen=True, eq=False)
class Mesh:
    """The points of one face.

    Args:
        points: (V, 468) complex, x + iy in the picture's pixels, as seen in V views: the crop, and
            after `refit` its mirror image, where left and right are exchanged.
        five_points: left eye, right eye (as the viewer sees them), nose tip, left and right mouth
            corner; (5,) complex.
        presence: the network's confidence that there is a face, 0 ... 1.
    """

    points: np.ndarray
    five_points: np.ndarray
    presence: float

    @property
    def up(self) -> complex:
        """From chin to forehead, a complex number of length 1."""
        return complex(-1j * np.exp(1j * np.angle(scale_of(self.five_points))))

    @property
    def square(self) -> tuple[complex, float]:
        """Centre and side of the box around the face, turned as the face is."""
        away = self.points - self.points.mean(axis=-1, keepdims=True)
        spread = float(np.sqrt(np.mean(np.abs(away) ** 2)))
        return complex(self.points.mean() + BOX_ABOVE * spread * self.up), BOX_SIDE * spread


class FaceMesh:
    """Lays the mesh on one face.

    Args:
        network: maps (1, 192, 192, 3) float32 in [0, 1] to 1,404 numbers (x, y, z in its pixels)
            and one logit of "there is a face".
    """

    def __init__(self, network: Callable[[np.ndarray], dict[str, np.ndarray]]):
        self._network = network

    def fit(self, picture: Picture, centre: complex, side: float, up: complex) -> Mesh:
        """Return the mesh of the face in a turned square of the picture.

        Args:
            picture: to look at.
            centre: of the face, x + iy in pixels.
            side: of the face in pixels.
            up: from chin to forehead, of length 1.
        """
        return self._fit(picture, centre, side, up, mirror=False)

    def refit(self, picture: Picture, mesh: Mesh) -> Mesh:
        """Return the mesh of the same face on a crop turned and scaled by the mesh before.

        The network sees the crop's mirror image too, and the five points are the mean of both: a
        face and its mirror image get the same points.
        """
        return self._fit(picture, *mesh.square, mesh.up, mirror=True)

    def _fit(
        self, picture: Picture, centre: complex, side: float, up: complex, mirror: bool
    ) -> Mesh:
        scale = CROP * side / SIDE * (up * 1j)
        shift = centre - scale * SIDE * (0.5 + 0.5j)
        crop = picture.cut(scale, shift, SIDE)
        # One by one: a network that gets one picture and two in turn is prepared again each time.
        views = [crop, crop[:, ::-1]] if mirror else [crop]
        found = [self._network(view[None].astype(np.float32) / 255) for view in views]
        logits, coordinates = zip(*(sorted(of.values(), key=np.size) for of in found), strict=True)
        x, y, _ = np.moveaxis(np.reshape(coordinates, (-1, 468, 3)).astype(np.float64), 2, 0)
        points = x + 1j * y
        five = np.stack([points[:, list(of)].mean(axis=1) for of in FIVE_POINTS], axis=1)
        if mirror:
            points[1] = SIDE - points[1].conj()
            five[1] = SIDE - five[1, MIRRORED].conj()
        presence = 1 / (1 + np.exp(-np.clip(np.mean(logits, dtype=np.float64), -80, 80)))
        return Mesh(scale * points + shift, scale * five.mean(axis=0) + shift, float(presence))
