"""Outlines of sign plates and of what is painted on them; star-shaped around their means."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from perception_nodes.simulation.meshes import rectangle_outline, regular_outline

Rng = np.random.Generator
Plate = Callable[[Rng, float], np.ndarray]
"""(rng, radius in metres) → (N, 2) counter-clockwise."""
Marks = Callable[[Rng], list[np.ndarray]]
"""rng → outlines on a plate of radius 1."""


def _scaled(points: list[tuple[float, float]]) -> Plate:
    """Return a plate that has always the same outline."""
    return lambda _, r: np.array(points) * r


def _irregular(rng: Rng, radius: float) -> np.ndarray:
    """Return a polygon of 5 to 9 corners at random angles and distances, convex or nearly so."""
    corners = int(rng.integers(5, 10))
    angle = (np.arange(corners) + rng.uniform(-0.3, 0.3, corners)) * 2 * np.pi / corners
    away = radius * rng.uniform(0.85, 1.1, corners)
    stretch = np.exp(rng.uniform(-0.4, 0.4)) ** np.array([0.5, -0.5])
    turned = angle + rng.uniform(-np.pi, np.pi)
    return np.stack([np.cos(turned), np.sin(turned)], axis=1) * away[:, None] * stretch


def _superellipse(rng: Rng, radius: float) -> np.ndarray:
    """Return something between an ellipse and a rectangle, lying or standing."""
    angle = np.arange(24) * 2 * np.pi / 24
    power = 2 / rng.uniform(2.2, 7.0)
    stretch = np.exp(rng.uniform(0.15, 0.45) * rng.choice([-1, 1])) ** np.array([1, -1])
    round_ = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.sign(round_) * np.abs(round_) ** power * radius * 0.9 * stretch


def _skewed(rng: Rng, radius: float) -> np.ndarray:
    """Return four corners, each moved on its own."""
    corners = rectangle_outline(2 * rng.uniform(0.6, 1.2), 2 * rng.uniform(0.6, 1.2))
    return radius * (corners + rng.uniform(-0.22, 0.22, (4, 2)))


def _triangle(rng: Rng, radius: float) -> np.ndarray:
    """Return a triangle with cut corners, one of them up or to a side."""
    turn = float(rng.choice([0.0, np.pi / 2, -np.pi / 2]))
    corners = regular_outline(3, radius * 1.2, turn)
    cut = rng.uniform(0.03, 0.2)
    after, before = np.roll(corners, -1, axis=0), np.roll(corners, 1, axis=0)
    pairs = [corners + cut * (before - corners), corners + cut * (after - corners)]
    return np.stack(pairs, axis=1).reshape(-1, 2)


PLATES: dict[str, Plate] = {
    'circle': lambda _, r: regular_outline(22, r),
    'triangle': lambda _, r: regular_outline(3, r * 1.15),
    'square': lambda _, r: rectangle_outline(1.7 * r, 1.7 * r),
    'octagon': lambda _, r: regular_outline(8, r, np.pi / 8),
    'diamond': lambda _, r: regular_outline(4, r * 1.1),
    'wide': lambda _, r: rectangle_outline(2.4 * r, 1.2 * r),
    'irregular': _irregular,
    'superellipse': _superellipse,
    'skewed': _skewed,
    'cut_triangle': _triangle,
    'panel': lambda rng, r: rectangle_outline(*(2 * r * rng.uniform(0.5, 1.25, 2))),
    'pointer': _scaled([(1.2, -0.45), (1.2, 0.45), (-0.7, 0.45), (-1.25, 0), (-0.7, -0.45)]),
    'gable': _scaled([(0.8, -0.85), (0.8, 0.35), (0, 1.05), (-0.8, 0.35), (-0.8, -0.85)]),
    'heptagon': lambda _, r: regular_outline(7, r),
    'trapezoid': _scaled([(0.95, -0.6), (0.6, 0.65), (-0.6, 0.65), (-0.95, -0.6)]),
    'shield': _scaled([(0, -1.1), (0.62, -0.55), (0.82, 0.1), (0.82, 0.85), (-0.82, 0.85),
                       (-0.82, 0.1), (-0.62, -0.55)]),
    'tall_oval': lambda _, r: regular_outline(20, r) * np.array([0.72, 1.12]),
    'round_rectangle': lambda _, r: rectangle_outline(1.5 * r, 1.95 * r, 0.16),
    'triangle_down': lambda _, r: regular_outline(3, r * 1.12, np.pi),
    'hexagon': lambda _, r: regular_outline(6, r * 1.03),
    'disc': lambda _, r: regular_outline(17, r * 0.97),
    'pentagon': lambda _, r: regular_outline(5, r * 1.06),
}  # fmt: skip


def _bar(width: float, height: float, y: float = 0.0, z: float = 0.0) -> np.ndarray:
    """Return a rectangle away from the centre of the plate."""
    return rectangle_outline(width, height) + np.array([y, z])


def _turned(outline: np.ndarray, turn_rad: float) -> np.ndarray:
    """Return the outline turned about the centre; positive turns up to the viewer's right."""
    c, s = np.cos(turn_rad), np.sin(turn_rad)
    return outline @ np.array([[c, s], [-s, c]])


def _arrow(turn_rad: float) -> list[np.ndarray]:
    """Return shaft and head of an arrow; turn 0 points up, positive to the viewer's right."""
    head = np.array([[0.35, 0.05], [0.0, 0.55], [-0.35, 0.05]])
    return [_turned(_bar(0.2, 0.65, 0, -0.22), turn_rad), _turned(head, turn_rad)]


def _scattered(rng: Rng) -> list[np.ndarray]:
    """Return one to five bars, polygons and rings' parts at random places."""
    marks = []
    for _ in range(int(rng.integers(1, 6))):
        place = rng.uniform(-0.45, 0.45, 2)
        if rng.random() < 0.6:
            bar = _bar(rng.uniform(0.1, 0.35), rng.uniform(0.3, 1.0))
            marks.append(_turned(bar, rng.uniform(-np.pi, np.pi)) + place)
        else:
            corners = int(rng.integers(3, 12))
            marks.append(regular_outline(corners, rng.uniform(0.1, 0.4), rng.random()) + place)
    return marks


def _writing(rng: Rng) -> list[np.ndarray]:
    """Return rows of small blocks, like words seen from afar."""
    rows = int(rng.integers(2, 5))
    marks = []
    for z in np.linspace(0.5, -0.5, rows):
        left = -0.6
        while left < 0.45:
            width = rng.uniform(0.08, 0.4)
            marks.append(_bar(width, 0.55 / rows, left + width / 2, z))
            left += width + 0.08
    return marks


def _figure(rng: Rng) -> list[np.ndarray]:
    """Return someone who stands or walks."""
    stride = rng.uniform(0.1, 0.6)
    legs = [_turned(_bar(0.14, 0.6, 0, -0.35), side * stride) for side in (-1, 1)]
    return [regular_outline(10, 0.15) + np.array([0, 0.55]), _bar(0.3, 0.5, 0, 0.12), *legs]


PICTOGRAMS: dict[str, Marks] = {
    'none': lambda _: [],
    'bar': lambda _: [_bar(1.15, 0.3)],
    'arrow_left': lambda _: _arrow(-np.pi / 2),
    'arrow_up': lambda _: _arrow(0.0),
    'arrow_right': lambda _: _arrow(np.pi / 2),
    'arrow_aslant': lambda rng: _arrow(rng.choice([-1, 1]) * rng.uniform(0.5, 2.6)),
    'disc': lambda _: [regular_outline(14, 0.4)],
    'exclamation': lambda _: [_bar(0.2, 0.55, 0, 0.15), _bar(0.2, 0.17, 0, -0.33)],
    'scattered': _scattered,
    'writing': _writing,
    'figure': _figure,
    'slash': lambda rng: [_turned(_bar(0.2, 1.3), rng.choice([-1, 1]) * rng.uniform(0.5, 1.1))],
    'letter_t': lambda _: [_bar(0.9, 0.22, 0, 0.38), _bar(0.22, 0.8, 0, -0.1)],
    'three_dots': lambda _: [
        regular_outline(10, 0.17) + np.array([0.42 * k, 0]) for k in (-1, 0, 1)
    ],
    'arrow_down': lambda _: _arrow(np.pi),
    'steps': lambda _: [_bar(0.35, 0.3 * k, 0.36 * (k - 2), 0.15 * k - 0.45) for k in (1, 2, 3)],
    'cross': lambda _: [_bar(0.22, 0.95), _bar(0.95, 0.22)],
    'chevron': lambda _: [_bar(0.22, 0.6, -0.25) @ np.array([[0.8, -0.6], [0.6, 0.8]]),
                          _bar(0.22, 0.6, 0.25) @ np.array([[0.8, 0.6], [-0.6, 0.8]])],
    'two_bars': lambda _: [_bar(0.9, 0.2, 0, 0.22), _bar(0.9, 0.2, 0, -0.22)],
    'ring_dot': lambda _: [regular_outline(12, 0.2), _bar(0.8, 0.12, 0, 0.42),
                           _bar(0.8, 0.12, 0, -0.42)],
}  # fmt: skip
