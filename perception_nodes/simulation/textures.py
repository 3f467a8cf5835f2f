"""Procedural textures: surfaces and skies drawn from random numbers, one function per kind."""

from __future__ import annotations

import cv2
import numpy as np

from perception_nodes.simulation import coverings, patterns
from perception_nodes.simulation.brushes import (
    Painter,
    Rng,
    blend,
    cloud,
    painters_of,
    pixel_grid,
    stretch,
)


def paint_cloud(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Soft blotches, like worn concrete."""
    return blend(cloud(rng, side), colors)


def paint_checker(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Tiles in two colours with a little dirt."""
    y, x = pixel_grid(side)
    tiles = int(rng.integers(1, 5)) * 2
    weight = (np.floor(x * tiles) + np.floor(y * tiles)) % 2
    return blend(weight * 0.85 + 0.15 * cloud(rng, side), colors)


def paint_stripes(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Straight stripes with soft edges."""
    y, x = pixel_grid(side)
    count = rng.integers(2, 9)
    along = x if rng.random() < 0.5 else y
    weight = 0.5 + 0.5 * np.tanh(3 * np.sin(2 * np.pi * count * along))
    return blend(weight, colors)


def paint_speckle(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Grains, like terrazzo or asphalt."""
    grains: np.ndarray = rng.random((side, side), dtype=np.float32)
    grains = stretch(cv2.GaussianBlur(grains, (0, 0), float(rng.uniform(0.6, 1.6))))
    return blend(np.clip((grains - 0.5) * 2 + 0.5, 0, 1), colors)


def paint_planks(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Paint boards with grain and dark joints."""
    y, _ = pixel_grid(side)
    boards = int(rng.integers(3, 9))
    shade = rng.random(boards).astype(np.float32)[np.floor(y * boards).astype(int)]
    grain = cv2.resize(rng.random((side, 8), dtype=np.float32), (side, side))
    joint = (np.abs((y * boards) % 1 - 0.5) > 0.47).astype(np.float32)
    return blend(0.6 * shade + 0.4 * grain, colors) * (1 - 0.6 * joint[..., None])


def paint_rings(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Wavy rings around a random centre."""
    y, x = pixel_grid(side)
    centre = rng.random(2)
    radius = np.hypot(x - centre[0], y - centre[1]) + 0.08 * cloud(rng, side)
    return blend(0.5 + 0.5 * np.sin(2 * np.pi * rng.integers(3, 12) * radius), colors)


def paint_cells(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Irregular stones (Voronoi cells)."""
    seeds = np.ones((side, side), np.uint8)
    points = rng.integers(0, side, (int(rng.integers(20, 90)), 2))
    seeds[points[:, 0], points[:, 1]] = 0
    distance, labels = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 3)
    shade = rng.random(labels.max() + 1).astype(np.float32)[labels]
    return blend(0.7 * shade + 0.3 * distance / max(float(distance.max()), 1.0), colors)


def paint_bricks(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Masonry: shifted rows with joints of the second colour."""
    y, x = pixel_grid(side)
    rows = int(rng.integers(4, 12))
    row = np.floor(y * rows)
    column = (x * rows / 2 + 0.5 * (row % 2)) % 1
    joint = (column < 0.05) | ((y * rows) % 1 < 0.1)
    return blend(np.where(joint, 1.0, 0.35 * cloud(rng, side)), colors)


def paint_weave(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Paint a basket weave of two threads."""
    y, x = pixel_grid(side)
    count = int(rng.integers(6, 24))
    over = (np.floor(x * count) + np.floor(y * count)) % 2
    thread = np.where(
        over > 0, np.sin(np.pi * ((x * count) % 1)), np.sin(np.pi * ((y * count) % 1))
    )
    return blend(over * 0.6, colors) * (0.55 + 0.45 * thread[..., None])


def paint_diagonals(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Diagonal bands with hard edges, over faint noise."""
    y, x = pixel_grid(side)
    count = int(rng.integers(3, 10))
    weight = (((x + y) * count) % 1 < rng.uniform(0.3, 0.7)).astype(np.float32)
    return blend(0.8 * weight + 0.2 * cloud(rng, side), colors)


def paint_marble(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Veins: a sine bent by noise."""
    y, _ = pixel_grid(side)
    bent = np.sin(2 * np.pi * (rng.integers(1, 5) * y + 1.5 * cloud(rng, side)))
    return blend(np.abs(bent) ** 0.5, colors)


def paint_cardboard(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Plain cardboard: blotches, a strip of tape and a label."""
    base = blend(0.4 * cloud(rng, side) + 0.3 * rng.random(), colors)
    tape = int(side * rng.uniform(0.06, 0.14))
    start = int(side * rng.uniform(0.3, 0.6))
    base[:, start : start + tape] = np.clip(colors.mean(axis=0) * 1.25, 0, 1)
    if rng.random() < 0.6:
        top, left = (side * rng.uniform(0.1, 0.5, 2)).astype(int)
        base[top : top + side // 4, left : left + side // 3] = rng.uniform(0.75, 1.0)
        lines = np.arange(top + side // 24, top + side // 5, max(2, side // 16))
        base[lines, left + 2 : left + side // 4] = 0.15
    return base


def paint_carton(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Corrugated carton: fine ribs, dark edges and printed arrows."""
    y, x = pixel_grid(side)
    ribs = 0.5 + 0.5 * np.sin(2 * np.pi * rng.integers(14, 22) * x)
    base = blend(0.25 * ribs + 0.35 * rng.random(), colors)
    edge = (np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)) < 0.03)[..., None]
    base = np.where(edge, base * 0.6, base).astype(np.float32)
    for centre in (0.3, 0.5)[: int(rng.integers(0, 3))]:
        tip = np.array([[centre, 0.55], [centre - 0.08, 0.7], [centre + 0.08, 0.7]]) * side
        ink = [float(c) for c in rng.uniform(0.05, 0.25, 3)]
        base = cv2.fillPoly(np.ascontiguousarray(base), [tip.astype(np.int32)], ink)
    return base


def paint_crate(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Paint a wooden crate: boards and a frame."""
    base = paint_planks(rng, side, colors)
    y, x = pixel_grid(side)
    frame = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)) < 0.1
    return np.where(frame[..., None], colors.mean(axis=0) * 0.85, base)


def paint_slats(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Upright slats with dark gaps and a cross-piece, like a light wooden box."""
    y, x = pixel_grid(side)
    slats = int(rng.integers(3, 7))
    grain = cv2.resize(rng.random((6, side), dtype=np.float32), (side, side))
    base = blend(grain, colors)
    gap = (np.abs((x * slats) % 1 - 0.5) > 0.46) & (np.abs(y - 0.5) < 0.4)
    return np.where(gap[..., None], base * 0.35, base).astype(np.float32)


PAINTERS: dict[str, Painter] = {
    **painters_of(globals()),
    **painters_of(vars(patterns)),
    **painters_of(vars(coverings)),
}


def paint(kind: str, rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Return a (side, side, 3) uint8 texture; ``kind`` is a key of :data:`PAINTERS`."""
    picture = PAINTERS[kind](rng, side, np.asarray(colors, np.float32))
    return (np.clip(picture, 0, 1) * 255).astype(np.uint8)


def paint_sky(rng: Rng, side: int, colors: np.ndarray, blotches: bool) -> np.ndarray:
    """Return six (side, side, 3) uint8 faces stacked downwards: a gradient, with clouds or not."""
    height = np.linspace(0, 1, side, dtype=np.float32)[:, None]
    wall = blend(np.broadcast_to(height, (side, side)), colors)
    if blotches:
        wall = wall + 0.25 * (cloud(rng, side)[..., None] - 0.5)
    faces = [wall] * 6
    faces[2] = np.broadcast_to(colors[0], (side, side, 3))
    faces[3] = np.broadcast_to(colors[1], (side, side, 3))
    return (np.clip(np.vstack(faces), 0, 1) * 255).astype(np.uint8)
