"""Small generated meshes: bodies of revolution, prisms and ribbons, as vertices and faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Mesh:
    """
    A closed triangle mesh.

    :param vertices: (N, 3) float64 metres.
    :param faces: (M, 3) int32, counter-clockwise seen from outside.
    """

    vertices: np.ndarray
    faces: np.ndarray


def revolve(profile: list[tuple[float, float]], sides: int, *, square: bool = False) -> Mesh:
    """
    Turn a profile around the z axis and close both ends.

    :param profile: (radius, z) in metres from bottom to top.
    :param sides: corners of every ring, at least 3.
    :param square: rotate by half a corner, so that four sides stand along the axes.
    """
    turn = np.arange(sides) * 2 * np.pi / sides + (np.pi / sides if square else 0)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    rings = [np.column_stack([ring * radius, np.full(sides, z)]) for radius, z in profile]
    ends = [[0, 0, profile[0][1]], [0, 0, profile[-1][1]]]
    vertices = np.vstack([*rings, ends])
    index = np.arange(sides)
    after = (index + 1) % sides
    faces = []
    for level in range(len(profile) - 1):
        low, high = level * sides, (level + 1) * sides
        faces.append(np.column_stack([low + index, low + after, high + after]))
        faces.append(np.column_stack([low + index, high + after, high + index]))
    bottom, top = len(vertices) - 2, len(vertices) - 1
    last = (len(profile) - 1) * sides
    faces.append(np.column_stack([np.full(sides, bottom), after, index]))
    faces.append(np.column_stack([np.full(sides, top), last + index, last + after]))
    return Mesh(vertices, np.vstack(faces).astype(np.int32))


def prism(outline: np.ndarray, thickness: float) -> Mesh:
    """
    Extrude an outline of the y-z plane along x, centred on x = 0.

    :param outline: (N, 2) metres, counter-clockwise, star-shaped around its mean.
    """
    count = len(outline)
    centre = outline.mean(axis=0)
    sheet = np.vstack([outline, centre])
    front = np.column_stack([np.full(count + 1, thickness / 2), sheet])
    back = np.column_stack([np.full(count + 1, -thickness / 2), sheet])
    index = np.arange(count)
    after = (index + 1) % count
    shift = count + 1
    faces = np.vstack(
        [
            np.column_stack([np.full(count, count), index, after]),
            np.column_stack([np.full(count, count) + shift, after + shift, index + shift]),
            np.column_stack([index, index + shift, after + shift]),
            np.column_stack([index, after + shift, after]),
        ]
    )
    return Mesh(np.vstack([front, back]), faces.astype(np.int32))


def ribbon(
    left: np.ndarray, right: np.ndarray, top_m: float | np.ndarray, bottom_m: float
) -> Mesh:
    """
    Return the slab between two lines on the floor.

    :param left: (N, 2) metres, the left edge in driving direction.
    :param right: (N, 2) metres, the right edge, point by point beside ``left``.
    :param top_m: height, or (N,) heights along it.
    """
    count = len(left)
    corners = [(left, top_m), (right, top_m), (left, bottom_m), (right, bottom_m)]
    vertices = np.vstack([np.column_stack([line, np.full(count, z)]) for line, z in corners])
    here = np.arange(count - 1)
    there = here + 1
    tl, tr, bl, br = (k * count for k in range(4))

    def quad(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
        return np.vstack([np.column_stack([a, b, c]), np.column_stack([a, c, d])])

    faces = [
        quad(tl + here, tr + here, tr + there, tl + there),
        quad(bl + here, bl + there, br + there, br + here),
        quad(tl + here, tl + there, bl + there, bl + here),
        quad(tr + here, br + here, br + there, tr + there),
    ]
    first = np.array([0])
    final = np.array([count - 1])
    faces.append(quad(tl + first, bl + first, br + first, tr + first))
    faces.append(quad(tl + final, tr + final, br + final, bl + final))
    return Mesh(vertices, np.vstack(faces).astype(np.int32))


def joined(meshes: list[Mesh]) -> Mesh:
    """Return several meshes as one."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    faces = [mesh.faces + start for mesh, start in zip(meshes, starts[:-1], strict=True)]
    vertices = np.vstack([mesh.vertices for mesh in meshes])
    return Mesh(vertices, np.vstack(faces).astype(np.int32))


def regular_outline(corners: int, radius: float, turn_rad: float = 0.0) -> np.ndarray:
    """Return (corners, 2) points of a regular polygon; the first points up at turn 0."""
    angle = np.pi / 2 + turn_rad + np.arange(corners) * 2 * np.pi / corners
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius


def rectangle_outline(width: float, height: float, corner: float = 0.0) -> np.ndarray:
    """Return a rectangle with corners cut by ``corner`` (0..0.5 of the shorter side)."""
    x, y = width / 2, height / 2
    if corner <= 0:
        return np.array([[x, -y], [x, y], [-x, y], [-x, -y]])
    cut = corner * min(width, height)
    return np.array(
        [
            [x, -y + cut], [x, y - cut], [x - cut, y], [-x + cut, y],
            [-x, y - cut], [-x, -y + cut], [-x + cut, -y], [x - cut, -y],
        ]
    )  # fmt: skip
