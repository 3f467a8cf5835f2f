"""What packing boxes and crates are covered with: tape, labels, straps, ribs, holes."""

from __future__ import annotations

import cv2
import numpy as np

from perception_nodes.simulation.brushes import Rng, blend, cloud, pixel_grid
from perception_nodes.simulation.patterns import paint_glyphs


def _strip(rng: Rng, picture: np.ndarray, width: tuple[float, float], color: np.ndarray) -> None:
    """Draw a strip from edge to edge, upright or level."""
    side = len(picture)
    thick = max(1, int(side * rng.uniform(*width)))
    start = int(rng.uniform(0, 1) * (side - thick))
    along = (slice(None), slice(start, start + thick))
    picture[along if rng.random() < 0.5 else along[::-1]] = color


def _label(rng: Rng, picture: np.ndarray) -> None:
    """Draw a sticker with lines of writing."""
    side = len(picture)
    height, width = (side * rng.uniform(0.12, 0.45, 2)).astype(int)
    top, left = (int(rng.integers(0, side - extent)) for extent in (height, width))
    paper = picture[top : top + height, left : left + width]
    paper[:] = rng.uniform(0.5, 1.0, 3) if rng.random() < 0.4 else rng.uniform(0.75, 1.0)
    step = max(2, side // int(rng.integers(12, 24)))
    paper[step:-1:step, 1 : max(2, int(width * rng.uniform(0.4, 0.95)))] = rng.uniform(0, 0.3)


def paint_labelled(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Plain board with strips of tape and stickers."""
    base = blend(rng.uniform(0, 0.5) * cloud(rng, side) + 0.3 * rng.random(), colors)
    for _ in range(int(rng.integers(0, 3))):
        _strip(rng, base, (0.04, 0.16), np.clip(colors.mean(axis=0) * rng.uniform(0.7, 1.4), 0, 1))
    for _ in range(int(rng.integers(0, 4))):
        _label(rng, base)
    return base


def paint_strapped(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Board under thin straps of another colour."""
    base = blend(0.3 * cloud(rng, side), colors)
    strap = rng.uniform(0.0, 1.0, 3)
    for _ in range(int(rng.integers(1, 5))):
        _strip(rng, base, (0.02, 0.07), strap)
    return base


def paint_stencilled(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Print letters within darker edges."""
    base = paint_glyphs(rng, side, np.stack([colors[0], rng.uniform(0.0, 1.0, 3)]))
    return _framed(base, colors[1], rng.uniform(0.02, 0.12))


def paint_ribbed(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Level ribs with light above and shade below, like a plastic container."""
    y, _ = pixel_grid(side)
    rib = (y * rng.integers(3, 12)) % 1
    base = blend(np.clip(np.abs(rib - 0.5) * rng.uniform(1, 4) - 0.3, 0, 1), colors)
    return _framed(base, colors[0], rng.uniform(0.0, 0.12))


def paint_two_tone(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Lid of one colour on a body of the other, and a latch."""
    y, _ = pixel_grid(side)
    base = blend((y > rng.uniform(0.15, 0.6)).astype(np.float32), colors)
    base = base * (0.85 + 0.15 * cloud(rng, side)[..., None])
    left, top = (side * rng.uniform(0.1, 0.7, 2)).astype(int)
    base[top : top + side // 8, left : left + side // 5] = rng.uniform(0.0, 1.0)
    return base.astype(np.float32)


def paint_cleats(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Boards held by broad cross-pieces at random places."""
    y, x = pixel_grid(side)
    along = x if rng.random() < 0.5 else y
    boards = int(rng.integers(2, 8))
    shade = rng.random(boards).astype(np.float32)[np.floor(along * boards).astype(int)]
    joint = (np.abs((along * boards) % 1 - 0.5) > 0.46)[..., None]
    base = np.where(joint, blend(shade, colors) * 0.4, blend(shade, colors)).astype(np.float32)
    for _ in range(int(rng.integers(1, 4))):
        _strip(rng, base, (0.08, 0.18), colors.mean(axis=0) * rng.uniform(0.7, 1.15))
    return base


def paint_printed(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Print polygons and lines in inks of any colour, like the carton of a product."""
    base: np.ndarray = np.ascontiguousarray(blend(0.3 * cloud(rng, side), colors), np.float32)
    for _ in range(int(rng.integers(1, 8))):
        ink = [float(c) for c in rng.uniform(0.0, 1.0, 3)]
        corners = rng.uniform(-0.3, 0.3, (int(rng.integers(3, 7)), 2)) + rng.uniform(0, 1, 2)
        points = (corners * side).astype(np.int32)
        if rng.random() < 0.7:
            base = cv2.fillConvexPoly(base, cv2.convexHull(points), ink)
        else:
            base = cv2.polylines(base, [points], False, ink, int(rng.integers(1, 4)))
    return base


def paint_braced(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Sheet in a frame with one brace from corner to corner."""
    y, x = pixel_grid(side)
    base = blend(0.4 * cloud(rng, side), colors)
    across = y - x if rng.random() < 0.5 else y + x - 1
    brace = (np.abs(across) < rng.uniform(0.05, 0.12))[..., None]
    base = np.where(brace, colors[1] * 0.8, base)
    return _framed(base, colors[1], rng.uniform(0.06, 0.14))


def paint_lattice(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Plastic basket: rows of dark holes within a frame."""
    y, x = pixel_grid(side)
    columns, rows = rng.integers(3, 8, 2)
    hole = (np.abs((x * columns) % 1 - 0.5) < 0.33) & (np.abs((y * rows) % 1 - 0.5) < 0.33)
    base = np.where(hole[..., None], colors[1] * 0.25, colors[0])
    return _framed(base, colors[0], rng.uniform(0.08, 0.16))


def paint_wrapped(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Draw wrapping paper with a seam and creases."""
    crease = cv2.resize(cloud(rng, side, 3), (side, side))
    base = blend(np.abs(crease - 0.5) * 1.6, colors)
    _strip(rng, base, (0.02, 0.05), colors[0] * 0.6)
    return base


def _framed(base: np.ndarray, color: np.ndarray, width: float) -> np.ndarray:
    """Return the picture with a frame of a colour."""
    y, x = pixel_grid(len(base))
    edge = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)) < width
    return np.where(edge[..., None], color * 0.8, base).astype(np.float32)
