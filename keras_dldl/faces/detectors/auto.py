"""The default detector: BlazeFace at four quarter turns, a mesh on each face, MTCNN for the rest.

Large faces at any angle take about ten milliseconds, whatever the size of the picture. MTCNN finds
small faces, from 20 pixels, and profiles; the mesh then places the points of those it accepts.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from keras_dldl.faces.cutting import Picture
from keras_dldl.faces.detectors.blazeface import BlazeFace, Candidate
from keras_dldl.faces.detectors.mesh import FaceMesh, Mesh
from keras_dldl.faces.detectors.mtcnn import MAX_SIDE, MTCNNDetector, reduced_to
from keras_dldl.faces.detectors.networks import load_network
from keras_dldl.faces.face import Face, largest, left_to_right

# Border around the picture, as a share of its longer side: BlazeFace knows faces with their
# surroundings, and takes those that fill the picture for upside-down ones.
BORDER = 0.15
# The same where nothing is found: for faces that are larger than the picture.
BORDER_OF_CLOSE_UPS = 0.5
# Close-ups, of half a face too, have this share of the picture's longer side (200 cut photos). What
# is smaller and was not found before is mostly none: a cup, say.
LEAST_CLOSE_UP = 0.45
# Sides of the square around a face that MTCNN has found, in sides of its box.
SURROUNDINGS = 2.5
# BlazeFace was never this sure of a face that it saw upside down (510 photos, four turns), and saw
# faces on their side tilted by more than the angle of this cosine. So a surer, more upright
# candidate makes the remaining turns needless.
SURE = 0.84
UPRIGHT = math.cos(math.radians(30))
# It must also have this share of the picture's longer side, as a larger turned face may be beside a
# small one. In portraits it has more (350 photos of two data sets).
LARGE = 1 / 3
# The least of 400 faces, turned and upright, was 0.8; a wheel of a motorcycle got 0.52.
LEAST_PRESENCE = 0.7
# 96 % of 320 upright faces had more; half faces seen upside down had up to 0.999998.
CLEAR_PRESENCE = 1 - 1e-6
# Of 3,060 faces turned by 100 to 260 degrees, none was first seen upside down with more than this,
# and 0.4 % with more than 0.97; of 270 upright ones none had less.
SURE_PRESENCE = 0.99999
# The smallest tile, in pixels: tiles are half as long as the picture and are searched for small
# turned faces. In smaller pictures that would take longer than all other steps.
LEAST_TILE = 400


class AutoDetector:
    """Finds faces at any angle in the picture's plane, from 20 pixels to all of the picture.

    Args:
        mtcnn: finds small faces and profiles.

    Raises:
        ConfigError: the networks are not installed, or are not those that this package knows.
    """

    def __init__(self, mtcnn: MTCNNDetector):
        self._blazeface = BlazeFace(load_network("face_detection_short_range"))
        self._mesh = FaceMesh(load_network("face_landmark"))
        self._mtcnn = mtcnn

    def detect(self, images: list[np.ndarray]) -> list[list[Face]]:
        """Return the faces of each image, left to right.

        Args:
            images: (H, W, 3) uint8 RGB arrays, of any sizes.
        """
        found = []
        for image, small in zip(images, self._mtcnn.detect(images), strict=True):
            picture = Picture(image)
            _, faces = self._searched(picture, *_surroundings(picture))
            faces = self._joined(picture, faces, small)
            faces += self._in_tiles(picture, faces)
            faces = faces or self._last_searches(image, picture)
            if turn := _turn_of_most(faces):  # the picture itself is turned
                for face in self._turned(image, picture, (turn,)):
                    if not _is_known(faces, *_square_of(face)):
                        faces.append(face)
            found.append(left_to_right(faces))
        return found

    def detect_large(self, images: list[np.ndarray]) -> list[list[Face]]:
        """Return the large faces of each image.

        Small ones are among them where there is no large one, or where the largest may be a
        profile.

        Args:
            images: (H, W, 3) uint8 RGB arrays, of any sizes.
        """
        found, missed = [], []
        for i, image in enumerate(images):
            picture = Picture(image)
            candidates, faces = self._searched(
                picture, *_surroundings(picture), sure_from=LARGE * max(picture.shape[:2])
            )
            found.append(faces)
            refused = [c for c in candidates if not _is_known(faces, c.centre, c.side)]
            most = max((_square_of(face)[1] for face in faces), default=0)
            if not faces or any(candidate.side > most for candidate in refused):
                missed.append(i)
        of_mtcnn = self._mtcnn.detect([images[i] for i in missed])
        for i, small in zip(missed, of_mtcnn, strict=True):
            picture = Picture(images[i])
            faces = self._joined(picture, found[i], small, only_largest=True)
            found[i] = faces or self._last_searches(images[i], picture, tiles=True)
        return [left_to_right(faces) for faces in found]

    def _joined(
        self,
        picture: Picture,
        faces: Sequence[Face],
        small: Sequence[Face],
        only_largest: bool = False,
    ) -> list[Face]:
        """Return `faces`, and those of `small` at other places, with the mesh's points.

        Where the mesh refuses, as of profiles, the points stay MTCNN's; with `only_largest` the
        mesh is asked of the largest alone.
        """
        new = [face for face in small if not _is_known(faces, *_square_of(face))]
        joined = list(faces)
        for k, face in enumerate(sorted(new, key=lambda face: -face.area)):
            if _is_known(joined, *_square_of(face)):
                continue
            if k == 0 or not only_largest:
                face = self._confirmed(picture, *_square_of(face)) or face
            if not _is_known(joined, *_square_of(face)):
                joined.append(face)
        return joined

    def _last_searches(
        self, image: np.ndarray, picture: Picture, tiles: bool = False
    ) -> list[Face]:
        """Return faces where nothing was found so far: close-ups, and small turned ones."""
        _, faces = self._searched(picture, *_surroundings(picture, BORDER_OF_CLOSE_UPS))
        least = LEAST_CLOSE_UP * max(picture.shape[:2])
        return (
            [face for face in faces if _square_of(face)[1] >= least]
            or (self._in_tiles(picture) if tiles else [])
            or self._turned(image, picture)
        )

    def _confirmed(self, picture: Picture, centre: complex, side: float) -> Face | None:
        """Return the face there with the mesh's points; None where that refuses, as of profiles."""
        _, around = self._searched_once(picture, centre, SURROUNDINGS * side, sure_from=0)
        return largest([face for face in around if _near(face, centre, side)])

    def _in_tiles(self, picture: Picture, known: Sequence[Face] = ()) -> list[Face]:
        """Return the faces, at any angle, in squares of a large picture, but for known ones."""
        faces: list[Face] = []
        for centre, side in _tiles(*picture.shape[:2]):
            faces += self._searched(picture, centre, side, known=[*known, *faces])[1]
        return faces

    def _turned(
        self, image: np.ndarray, picture: Picture, turns: Sequence[int] = (1, 2, 3)
    ) -> list[Face]:
        """Return the small faces of a picture that is turned by 90, 180 or 270 degrees.

        Args:
            image: (H, W, 3) uint8 RGB.
            picture: the same.
            turns: quarter turns to the left, tried until faces are found.
        """
        centre = complex(image.shape[1], image.shape[0]) / 2
        small, factor = reduced_to(image, MAX_SIDE)
        for turn in turns:
            turned = np.ascontiguousarray(np.rot90(small, turn))
            turned_centre = complex(turned.shape[1], turned.shape[0]) / 2
            faces = []
            for face in self._mtcnn.detect([turned])[0]:
                place, side = _square_of(face)
                place = centre + factor * (place - turned_centre) * 1j**turn
                faces.append(self._confirmed(picture, place, factor * side))
            if found := [face for face in faces if face is not None]:
                return found
        return []

    def _searched(
        self,
        picture: Picture,
        centre: complex,
        side: float,
        sure_from: float = math.inf,
        known: Sequence[Face] = (),
    ) -> tuple[list[Candidate], list[Face]]:
        """Return the candidates in a square, the surest first, and those that are faces.

        A sure upright candidate of `sure_from` pixels ends the search if the mesh is sure of it
        too. Faces at places of known ones are left out.
        """
        candidates, faces = self._searched_once(picture, centre, side, sure_from, known)
        # Of a face that is small in the square, BlazeFace may see the wrong way up alone. Of 238
        # faces in groups, each turned at random, 4 were cut out so without this, and 1 with it.
        return candidates, [
            face if face.score >= SURE_PRESENCE else self._closer(picture, face) for face in faces
        ]

    def _searched_once(
        self,
        picture: Picture,
        centre: complex,
        side: float,
        sure_from: float,
        known: Sequence[Face] = (),
    ) -> tuple[list[Candidate], list[Face]]:
        candidates = self._candidates(picture, centre, side, sure_from)
        faces = self._meshed(picture, candidates, known)
        if sure_from < math.inf and any(face.score < SURE_PRESENCE for face in faces):
            return self._searched_once(picture, centre, side, math.inf, known)
        return candidates, faces

    def _closer(self, picture: Picture, face: Face) -> Face:
        """Return the face as the mesh is surer of it, from a search of its surroundings alone."""
        again = self._confirmed(picture, *_square_of(face))
        return face if again is None or again.score < face.score else again

    def _candidates(
        self, picture: Picture, centre: complex, side: float, sure_from: float
    ) -> list[Candidate]:
        """Return the candidates in a square, at four turns or until a sure one, see `_searched`."""
        candidates: list[Candidate] = []
        for turn, of_turn in enumerate(self._blazeface.candidates(picture, centre, side)):
            candidates += of_turn
            if any(
                candidate.score > SURE
                and candidate.side >= sure_from
                and (candidate.up * 1j / 1j**turn).real > UPRIGHT
                for candidate in of_turn
            ):
                break
        return sorted(candidates, key=lambda candidate: -candidate.score)

    def _meshed(
        self, picture: Picture, candidates: list[Candidate], known: Sequence[Face]
    ) -> list[Face]:
        """Return the candidates that are faces, without those at places of known ones.

        Of several at one place, such as a face and the same face seen upside down, the one that the
        mesh is surest of stays.
        """
        faces: list[Face] = []
        for candidate in candidates:
            clear = [face for face in faces if face.score >= CLEAR_PRESENCE]
            if _is_known([*known, *clear], candidate.centre, candidate.side):
                continue
            mesh = self._mesh.fit(picture, candidate.centre, candidate.side, candidate.up)
            if mesh.presence >= LEAST_PRESENCE:
                mesh = self._mesh.refit(picture, mesh)
            face = _face(mesh, picture.shape) if mesh.presence >= LEAST_PRESENCE else None
            # The mesh may have moved from a place just beside a known face onto it.
            if face is None or _is_known(known, *_square_of(face)):
                continue
            twins = [other for other in faces if _near(other, *_square_of(face))]
            if all(twin.score < face.score for twin in twins):
                faces = [other for other in faces if other not in twins] + [face]
        return faces


def _surroundings(picture: Picture, border: float = BORDER) -> tuple[complex, float]:
    """Return centre and side of the square that is searched for large faces."""
    height, width = picture.shape[:2]
    return complex(width, height) / 2, max(height, width) * (1 + 2 * border)


def _tiles(height: int, width: int) -> Iterator[tuple[complex, float]]:
    """Yield centre and side of squares that cover a large picture, each half as long as it."""
    side = max(height, width) / 2
    if side < LEAST_TILE:
        return
    for y in _centres(height, side):
        for x in _centres(width, side):
            yield complex(x, y), side


def _centres(length: int, side: float) -> Sequence[float]:
    """Return the centres of squares that cover a length, neighbours overlapping by half or more."""
    if length <= side:
        return [length / 2]
    return np.linspace(side / 2, length - side / 2, math.ceil(2 * length / side) - 1)


def _face(mesh: Mesh, shape: tuple[int, ...]) -> Face | None:
    x, y = mesh.points.real, mesh.points.imag
    low = complex(x.min(axis=-1).mean(), y.min(axis=-1).mean())
    size = complex(x.max(axis=-1).mean(), y.max(axis=-1).mean()) - low
    five = mesh.five_points
    face = Face(
        (low.real, low.imag, size.real, size.imag),
        np.stack([five.real, five.imag], axis=1).astype(np.float32),
        mesh.presence,
    )
    return face.cut_at_edges(shape)


def _turn_of_most(faces: Sequence[Face]) -> int:
    """Return the quarter turns to the left that turn most faces upright; 0 where most are."""
    turns = [round(face.roll / 90) % 4 for face in faces]
    return next((turn for turn in (1, 2, 3) if 2 * turns.count(turn) > len(turns)), 0)


def _square_of(face: Face) -> tuple[complex, float]:
    """Return centre and side of the square around a face."""
    x, y, width, height = face.box
    return complex(x + width / 2, y + height / 2), max(width, height)


def _near(face: Face, centre: complex, side: float) -> bool:
    """Return whether a face and a square are one place; of two people, heads are further apart."""
    own_centre, own_side = _square_of(face)
    return abs(own_centre - centre) < max(own_side, side) / 2


def _is_known(faces: Sequence[Face], centre: complex, side: float) -> bool:
    return any(_near(face, centre, side) for face in faces)
