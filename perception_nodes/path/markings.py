"""The lines beside the lane that the robot is in."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from perception_nodes.geometry import PlanarPose
from perception_nodes.path.classes import Role
from perception_nodes.path.clothoid import Clothoid
from perception_nodes.path.config import PathConfig
from perception_nodes.path.corridor import CorridorPrior, Edges, fit_corridor
from perception_nodes.path.evidence import Evidence, first_curve
from perception_nodes.path.region import confidence_at, edge_sigmas, hidden_places
from perception_nodes.path.rings import RingView
from perception_nodes.path.runs import Runs, find_runs, known_ends, overlap, rings_of

BROADEST = 0.4
"""Runs of marking wider than this part of the lane are stop lines and crossings."""
MOST_LINES = 6
"""Of the pieces of line only the longest are tried as directions of the lane."""
MIN_PIECE = 4
PIECE_WIDTHS = 3.0
"""Directions are told from so many lane widths of line."""
VOTE_WIDTHS = 6.0
"""Lines are told apart within so many lane widths from the look-ahead point."""
BIN = 1 / 24
"""Width of a bin of offsets, in lane widths."""
REACH = 2.0
"""Middles of lanes are looked for within so many lane widths."""
KERNEL_WIDTHS = 0.12
BESIDE_LANE = 0.45
"""The robot is in a lane, or up to this much (in lane widths) beside its middle."""
BESIDE_SOFT = 0.2
GATE = 0.3
"""Points up to this much from a line of the lane (in lane widths) are its points."""
ROUNDS = 2


def marking_evidence(
    roles: np.ndarray,
    confidence: np.ndarray | None,
    view: RingView,
    config: PathConfig,
    prior: CorridorPrior,
    *,
    expected: Clothoid | None = None,
) -> Evidence:
    """
    Return the lines left and right of the robot's lane; one of them is enough.

    Lines of a road run beside one another. Every long piece of line, moved sideways, is tried as
    the middle of the lane; the one wins that has most paint half a lane to its left and right.

    :param roles: (H, W) uint8, values of ``Role``.
    :param confidence: (H, W) uint8, 255 is 1.0; None trusts every pixel fully.
    :param view: of the camera.
    :param prior: its width is that between the middles of the lines.
    :param expected: the curve that is being followed, if any: its lane is looked for.
    """
    levels = np.zeros(256, np.uint8)
    levels[Role.MARKING] = 255
    runs = find_runs(view.sample(cv2.LUT(roles, levels), 0))
    across_m = (runs.right - runs.left) * view.column_rad * view.radii_m[runs.rings]
    runs = runs[across_m <= BROADEST * prior.width_m]
    runs = runs[np.flatnonzero(known_ends(runs, hidden_places(roles, view)).all(axis=0))]
    if len(runs) < MIN_PIECE:
        return Evidence()
    points = view.places(runs.rings, runs.middle)
    weights = np.gradient(view.radii_m)[runs.rings]
    middle = _middle(_directions(runs, view, points, config, expected), points, weights, prior,
                     expected)  # fmt: skip
    if middle is None:
        return Evidence()
    across, along = edge_sigmas(view, runs.rings, config)
    for number in range(ROUNDS):
        sides = _sides(middle, points, prior.width_m)
        lane = sides != 0
        edges = Edges(
            points_xy=points[lane], sides=sides[lane], across_sigma_m=across[lane],
            along_sigma_m=along[lane],
        )  # fmt: skip
        if number < ROUNDS - 1 and lane.any():
            middle = fit_corridor(edges, prior, middle, first_scale=4.0).curve
    lines = runs[np.flatnonzero(lane)]
    return Evidence(
        edges=edges, start=middle, trust=confidence_at(confidence, view, lines.rings, lines.middle)
    )


def _directions(
    runs: Runs,
    view: RingView,
    points: np.ndarray,
    config: PathConfig,
    expected: Clothoid | None,
) -> list[Clothoid]:
    """Return curves that run as the lane may: along the longest pieces, bent and straight."""
    pieces = sorted(_pieces(runs, len(view.radii_m)), key=lambda piece: -_length(points[piece]))
    curves = [] if expected is None else [expected]
    length_m = PIECE_WIDTHS * config.lane_width_m
    for piece in pieces[:MOST_LINES]:
        curve = first_curve(points[piece], config.look_ahead_m, length_m)
        if abs(curve.curvature_1_m) * config.min_radius_m <= 1:
            curves.append(curve)
        chord = first_curve(points[piece[[0, -1]]], config.look_ahead_m, np.inf)
        curves.append(chord)
    return curves


def _pieces(runs: Runs, rings: int) -> list[np.ndarray]:
    """Return runs that touch from ring to ring, as chains of indices."""
    by_ring = rings_of(runs, rings)
    taken = np.zeros(len(runs), bool)
    pieces = []
    for begin in range(len(runs)):
        if taken[begin]:
            continue
        piece = [begin]
        while runs.rings[piece[-1]] + 1 < rings:
            found = overlap(runs, piece[-1], by_ring[runs.rings[piece[-1]] + 1])
            found = found[~taken[found]]
            if not len(found):
                break
            away = np.abs(runs.middle[found] - runs.middle[piece[-1]])
            piece.append(int(found[np.argmin(away)]))
        taken[piece] = True
        if len(piece) >= MIN_PIECE:
            pieces.append(np.array(piece))
    return pieces


def _length(points: np.ndarray) -> float:
    return float(np.hypot(*(points[-1] - points[0])))


def _middle(
    directions: list[Clothoid],
    points: np.ndarray,
    weights: np.ndarray,
    prior: CorridorPrior,
    expected: Clothoid | None,
) -> Clothoid | None:
    """Return the best middle line, or None where no paint is half a lane from any."""
    best, middle = 0.0, None
    wanted_m = 0.0 if expected is None else _lateral_here(expected)
    for curve in directions:
        score, left_m = _vote(curve, points, weights, prior.width_m, wanted_m)
        if score > best:
            best = score
            middle = replace(curve, lateral_error_m=curve.lateral_error_m - left_m)
    return middle


def _vote(
    curve: Clothoid, points: np.ndarray, weights: np.ndarray, width_m: float, wanted_m: float
) -> tuple[float, float]:
    """Return the support of the best middle line beside a curve, and how far left it is."""
    far_m = VOTE_WIDTHS * width_m
    samples = curve.sampled(-curve.look_ahead_m, far_m, width_m / 6)
    index = samples.nearest(points)
    along, left = samples.offsets(points, index)
    near = samples.arc_m[index] + along < far_m
    bins = np.floor((left[near] / width_m + REACH + 1) / BIN).astype(int)
    count = round(2 * (REACH + 1) / BIN)
    inside = (bins >= 0) & (bins < count)
    found = np.bincount(bins[inside], weights[near][inside], minlength=count)
    reach = round(KERNEL_WIDTHS / BIN)
    kernel = 1 - np.abs(np.arange(-reach, reach + 1)) / (reach + 1)
    paint = np.convolve(found, kernel, mode='same')
    half = round(0.5 / BIN)
    # The square root makes two lines worth more than one that is twice as long.
    support = np.sqrt(paint[: -2 * half]) + np.sqrt(paint[2 * half :])
    left_m = ((np.arange(len(support)) + half + 0.5) * BIN - REACH - 1) * width_m
    beside = np.abs(_lateral_here(curve) - left_m - wanted_m) / width_m - BESIDE_LANE
    support *= np.exp(-0.5 * (np.maximum(beside, 0) / BESIDE_SOFT) ** 2)
    best = int(np.argmax(support))
    return float(support[best]), float(left_m[best])


def _lateral_here(curve: Clothoid) -> float:
    """Return how far base_link itself is to the left of a curve."""
    return curve.moved(PlanarPose(), 0.0).lateral_error_m


def _sides(middle: Clothoid, points: np.ndarray, width_m: float) -> np.ndarray:
    """Return (N,) +1 for points of the left line, -1 for the right one, 0 for others."""
    reach_m = float(np.hypot(*points.T).max()) * 1.3
    samples = middle.sampled(-middle.look_ahead_m, reach_m, width_m / 6)
    left = samples.offsets(points, samples.nearest(points))[1] / width_m
    sides = np.sign(left)
    return np.where(np.abs(np.abs(left) - 0.5) <= GATE, sides, 0.0)
