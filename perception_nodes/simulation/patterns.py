"""Patterns without end: every draw of a kind is another picture, from bands to blotches."""

from __future__ import annotations

import cv2
import numpy as np

from perception_nodes.simulation.brushes import Rng, blend, cloud, pixel_grid, stretch

GLYPHS = 'ABCDEFGHKLMNPRSTUVXYZ0123456789'


def paint_plain(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """One colour, hardly uneven."""
    return blend(rng.uniform(0.0, 0.25) * cloud(rng, side), colors)


def paint_gradient(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Run from one colour to the other in a random direction."""
    y, x = pixel_grid(side)
    turn = rng.uniform(-np.pi, np.pi)
    return blend(stretch(x * np.cos(turn) + y * np.sin(turn)), colors)


def paint_plasma(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Waves of random directions and lengths, added up, soft or hard."""
    y, x = pixel_grid(side)
    total = np.zeros((side, side), np.float32)
    for _ in range(int(rng.integers(2, 6))):
        across, down = rng.integers(-9, 10, 2)
        total += np.sin(2 * np.pi * (across * x + down * y + rng.random())) * rng.uniform(0.3, 1)
    hardness = rng.uniform(1, 8)
    return blend(0.5 + 0.5 * np.tanh(hardness * (stretch(total) - 0.5)), colors)


def paint_camouflage(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Blotches with hard edges in two to four shades."""
    levels = int(rng.integers(2, 5))
    steps = np.minimum(np.floor(cloud(rng, side, int(rng.integers(1, 4))) * levels), levels - 1)
    return blend(steps / (levels - 1), colors)


def paint_patches(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Upright rectangles of random sizes and shades upon one another."""
    weight = np.full((side, side), rng.random(), np.float32)
    for _ in range(int(rng.integers(6, 40))):
        left, top = rng.integers(-side // 4, side, 2)
        width, height = rng.integers(side // 12, side // 2, 2)
        weight[max(top, 0) : top + height, max(left, 0) : left + width] = rng.random()
    return blend(weight, colors)


def paint_leaves(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Ellipses of random sizes, turns and shades upon one another."""
    weight: np.ndarray = np.full((side, side), rng.random(), np.float32)
    for _ in range(int(rng.integers(10, 60))):
        centre, axes = rng.integers(0, side, 2), rng.integers(side // 24 + 1, side // 4, 2)
        weight = cv2.ellipse(
            weight, tuple(map(int, centre)), tuple(map(int, axes)), float(rng.uniform(0, 180)),
            0, 360, float(rng.random()), -1,
        )  # fmt: skip
    return blend(weight, colors)


def paint_scribble(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Straight strokes of random directions on an uneven ground."""
    weight: np.ndarray = 0.4 * cloud(rng, side)
    for _ in range(int(rng.integers(5, 40))):
        ends = rng.integers(-side // 4, side + side // 4, (2, 2))
        thickness = int(rng.integers(1, max(2, side // 16)))
        weight = cv2.line(
            weight, tuple(map(int, ends[0])), tuple(map(int, ends[1])), float(rng.random()),
            thickness,
        )  # fmt: skip
    return blend(weight, colors)


def paint_glyphs(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Letters and digits of random sizes."""
    ink: np.ndarray = np.zeros((side, side), np.uint8)
    for _ in range(int(rng.integers(2, 12))):
        place = (int(rng.integers(0, side)), int(rng.integers(side // 6, side)))
        letter = GLYPHS[int(rng.integers(len(GLYPHS)))]
        scale = side / 64 * rng.uniform(0.4, 2.0)
        thickness = max(1, int(scale * rng.uniform(1, 3)))
        ink = cv2.putText(
            ink, letter, place, cv2.FONT_HERSHEY_SIMPLEX, float(scale), 255, thickness
        )
    return blend(np.maximum(0.3 * cloud(rng, side), ink / 255), colors)


def paint_panes(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Rectangular panes of different shades with joints between them."""
    y, x = pixel_grid(side)
    columns, rows = rng.integers(1, 8, 2)
    shade = rng.random((rows, columns)).astype(np.float32)
    row, column = np.floor(y * rows).astype(int), np.floor(x * columns).astype(int)
    width = rng.uniform(0.02, 0.08)
    joint = ((x * columns) % 1 < width) | ((y * rows) % 1 < width)
    return blend(np.where(joint, 1.0, rng.uniform(0, 0.8) * shade[row, column]), colors)


def paint_collage(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Split the square again and again; each piece has stripes, a slope or a shade of its own."""
    y, x = pixel_grid(side)
    weight = np.zeros((side, side), np.float32)
    pieces = [(0, side, 0, side)]
    for _ in range(int(rng.integers(2, 12))):
        top, bottom, left, right = pieces.pop(int(rng.integers(len(pieces))))
        if bottom - top > right - left:
            cut = int(rng.integers(top, bottom + 1))
            pieces += [(top, cut, left, right), (cut, bottom, left, right)]
        else:
            cut = int(rng.integers(left, right + 1))
            pieces += [(top, bottom, left, cut), (top, bottom, cut, right)]
    for top, bottom, left, right in pieces:
        piece = (slice(top, bottom), slice(left, right))
        across, down = rng.uniform(-1, 1, 2) * rng.choice([0.5, 6.0])
        wave = np.sin(2 * np.pi * (across * x[piece] + down * y[piece] + rng.random()))
        weight[piece] = np.clip(rng.random() + rng.choice([0.0, 0.5, 1.0]) * wave, 0, 1)
    return blend(weight, colors)


def paint_waves(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Soft stripes bent by a sine."""
    y, x = pixel_grid(side)
    bend = rng.uniform(0.02, 0.12) * np.sin(2 * np.pi * rng.integers(1, 5) * x)
    return blend(0.5 + 0.5 * np.sin(2 * np.pi * rng.integers(3, 12) * (y + bend)), colors)


def paint_dots(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Discs in rows and columns, every other row shifted."""
    y, x = pixel_grid(side)
    count = int(rng.integers(2, 7)) * 2
    shifted = x * count + 0.5 * (np.floor(y * count) % 2)
    away = np.hypot(shifted % 1 - 0.5, (y * count) % 1 - 0.5)
    return blend((away < rng.uniform(0.2, 0.4)) * 0.8 + 0.2 * cloud(rng, side), colors)


def paint_mosaic(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Small squares, each of its own shade."""
    cells = int(rng.integers(5, 24))
    shade = rng.random((cells, cells), dtype=np.float32)
    return blend(cv2.resize(shade, (side, side), interpolation=cv2.INTER_NEAREST), colors)


def paint_zigzag(rng: Rng, side: int, colors: np.ndarray) -> np.ndarray:
    """Bands that run up and down in straight pieces."""
    y, x = pixel_grid(side)
    bent = y + rng.uniform(0.5, 1.5) * np.abs((x * rng.integers(1, 5)) % 1 - 0.5)
    return blend(((bent * rng.integers(2, 9)) % 1 < 0.5).astype(np.float32), colors)
