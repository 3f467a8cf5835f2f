"""Things as lists of parts: primitives and small meshes with a colour or a texture."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike

from perception_nodes.simulation.meshes import Mesh


class Shape(str, Enum):
    """What a part is; sizes as in MuJoCo: half lengths in metres."""

    BOX = 'box'
    SPHERE = 'sphere'
    ELLIPSOID = 'ellipsoid'
    CAPSULE = 'capsule'
    CYLINDER = 'cylinder'
    MESH = 'mesh'


@dataclass(frozen=True, eq=False, kw_only=True)
class Part:
    """
    One solid of a thing.

    :param size: half lengths in metres (box, ellipsoid), radius and half length (capsule,
        cylinder), radius (sphere); unused for meshes.
    :param position: centre in the thing's frame, metres.
    :param quaternion: orientation, (w, x, y, z).
    :param color: (3,) RGB in 0..1; multiplies the texture.
    :param texture: (side, side, 3) uint8, repeated on all six sides; ``None`` is plain.
    :param shine: 0 dull … 1 glossy.
    """

    shape: Shape
    color: np.ndarray
    size: tuple[float, float, float] = (0.0, 0.0, 0.0)
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    quaternion: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)
    mesh: Mesh | None = None
    texture: np.ndarray | None = None
    shine: float = 0.2

    @property
    def reach(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest corner of a box in the thing's frame that holds the part."""
        if self.mesh is not None:
            points = self.mesh.vertices
            half = np.abs(points).max(axis=0)
        elif self.shape is Shape.SPHERE:
            half = np.full(3, self.size[0])
        elif self.shape in (Shape.CAPSULE, Shape.CYLINDER):
            cap = self.size[0] if self.shape is Shape.CAPSULE else 0.0
            half = np.array([self.size[0], self.size[0], self.size[1] + cap])
        else:
            half = np.array(self.size)
        half = np.abs(rotation_from_quaternion(self.quaternion)) @ half
        centre = np.array(self.position)
        return centre - half, centre + half


@dataclass(frozen=True, eq=False, kw_only=True)
class Thing:
    """
    Something that stands on the floor at the origin of its own frame, facing x.

    :param class_id: index in ``THING_NAMES``; ``None`` for clutter.
    """

    parts: tuple[Part, ...]
    class_id: int | None = None
    low: np.ndarray = field(init=False)
    high: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        """Find the box that holds all parts."""
        reaches = [part.reach for part in self.parts]
        object.__setattr__(self, 'low', np.min([low for low, _ in reaches], axis=0))
        object.__setattr__(self, 'high', np.max([high for _, high in reaches], axis=0))

    @property
    def corners(self) -> np.ndarray:
        """(8, 3) corners of the box that holds the thing, in its own frame."""
        picks = np.array([[(k >> axis) & 1 for axis in range(3)] for k in range(8)], bool)
        return np.where(picks, self.high, self.low)

    @property
    def radius_m(self) -> float:
        """Radius of a circle on the floor around the origin that holds the thing."""
        return float(np.hypot(*np.maximum(np.abs(self.low), np.abs(self.high))[:2]))

    @property
    def height_m(self) -> float:
        """Height of the highest point."""
        return float(self.high[2])


def rotation_from_quaternion(quaternion: tuple[float, float, float, float]) -> np.ndarray:
    """Return the (3, 3) rotation of a unit quaternion (w, x, y, z)."""
    w, x, y, z = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def quaternion_about(axis: int, angle_rad: float) -> tuple[float, float, float, float]:
    """Return the unit quaternion of a turn about axis 0, 1 or 2."""
    parts = [float(np.cos(angle_rad / 2)), 0.0, 0.0, 0.0]
    parts[1 + axis] = float(np.sin(angle_rad / 2))
    return parts[0], parts[1], parts[2], parts[3]


def quaternion_z_to(direction: np.ndarray) -> tuple[float, float, float, float]:
    """Return the shortest turn that brings the z axis onto a direction."""
    unit = np.asarray(direction, np.float64) / np.linalg.norm(direction)
    if unit[2] < -1 + 1e-9:
        return 0.0, 1.0, 0.0, 0.0
    raw = np.array([1 + unit[2], -unit[1], unit[0], 0.0])
    w, x, y, z = raw / np.linalg.norm(raw)
    return float(w), float(x), float(y), float(z)


def limb(start: ArrayLike, end: ArrayLike, radius: float, **look: object) -> Part:
    """Return a capsule between two points."""
    first, last = np.asarray(start, float), np.asarray(end, float)
    middle = (first + last) / 2
    half = max(float(np.linalg.norm(last - first)) / 2, 1e-3)
    return Part(
        shape=Shape.CAPSULE,
        size=(radius, half, 0.0),
        position=(float(middle[0]), float(middle[1]), float(middle[2])),
        quaternion=quaternion_z_to(last - first),
        **look,  # type: ignore[arg-type]
    )
