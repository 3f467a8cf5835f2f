"""The edges of the drivable region that the robot is in."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from perception_nodes.path.branches import Chain, RunGraph
from perception_nodes.path.classes import Role
from perception_nodes.path.clothoid import Clothoid
from perception_nodes.path.config import PathConfig, Prefer
from perception_nodes.path.corridor import Edges
from perception_nodes.path.evidence import Evidence, first_curve, no_edges
from perception_nodes.path.rings import RingView
from perception_nodes.path.runs import EDGE_COLUMNS, Runs, find_runs, known_ends

WIDE = 1.35
"""Runs wider than this part of the lane are crossings or forks: one or both edges turn away."""
OTHER_BRANCH = 0.2
"""Edges before a parting that are further off than this part of the width are another branch's."""
MARKED_SHARE = 0.3
"""Where so many edges of a lane end at a marking, it is a marked one."""
UNMARKED_SIGMA = 0.3
"""How uncertain the edges of a marked lane are that end at none, in widths."""
START_WIDTHS = 3.0
"""The first curve is told from so many lane widths of path."""
STEEPEST = 0.3
"""Least cosine between path and line of sight that widths are corrected by."""

_LEVELS = np.zeros(256, np.uint8)
_LEVELS[Role.ROAD] = 255


def region_evidence(
    roles: np.ndarray,
    confidence: np.ndarray | None,
    view: RingView,
    config: PathConfig,
    *,
    expected: Clothoid | None = None,
    width_m: float | None = None,
) -> Evidence:
    """
    Return the edges of the drivable region.

    :param roles: (H, W) uint8, values of ``Role``.
    :param confidence: (H, W) uint8, 255 is 1.0; None trusts every pixel fully.
    :param view: of the camera.
    :param expected: the curve that is being followed, if any: it tells where to begin.
    :param width_m: what is known of the lane's width by now, if other than configured.
    """
    kinds = view.sample_nearest(roles, int(Role.UNKNOWN))
    hidden = (kinds == Role.BLOCKED) | (kinds == Role.UNKNOWN)
    runs = find_runs(view.sample(cv2.LUT(roles, _LEVELS), 0), hidden)
    known = known_ends(runs, hidden)
    width = config.lane_width_m if width_m is None else width_m
    graph = RunGraph(runs, view, lane_width_m=width, max_gap_m=config.max_gap_m, known=known)
    prefer = Prefer(config.prefer)
    chain = graph.follow(prefer, expected)
    if not len(chain.index):
        return Evidence()
    chosen = runs[chain.index]
    kept = known[:, chain.index]
    kept &= _kept_edges(graph, chain, prefer, width)
    if expected is not None:
        kept &= _along(expected, chosen, view, chain, prefer, width)
    edges, middle_xy = _edges(chosen, view, kept, config, width)
    marked = _marked(kinds, chosen, kept)
    doubt_m = width * np.where(marked, 0.0, UNMARKED_SIGMA)
    edges = replace(
        edges, across_sigma_m=np.hypot(edges.across_sigma_m, doubt_m),
        along_sigma_m=np.hypot(edges.along_sigma_m, doubt_m),
    )  # fmt: skip
    return Evidence(
        edges=edges,
        marked=edges[marked] if not marked.all() else no_edges(),
        start=first_curve(middle_xy, config.look_ahead_m, START_WIDTHS * width),
        trust=confidence_at(confidence, view, chosen.rings, chosen.middle),
        parted=chain.parted,
    )


def _kept_edges(graph: RunGraph, chain: Chain, prefer: Prefer, width_m: float) -> np.ndarray:
    """Return (2, M) bool, which ends of the runs may be edges of the lane where it widens."""
    kept = np.ones((2, len(chain.index)), bool)
    wide = _widths(graph, chain) > WIDE * width_m
    if prefer is not Prefer.LEFT:
        kept[0] &= ~wide
    if prefer is not Prefer.RIGHT:
        kept[1] &= ~wide
    return kept


def _along(
    expected: Clothoid, runs: Runs, view: RingView, chain: Chain, prefer: Prefer, width_m: float
) -> np.ndarray:
    """Return (2, M) bool, False for edges before a parting that belong to another branch."""
    near = np.arange(len(runs)) < chain.before_parting
    reach_m = expected.before_loop(2 * float(view.radii_m[-1]))
    samples = expected.sampled(-expected.look_ahead_m, reach_m, width_m / 8)
    along = np.ones((2, len(runs)), bool)
    for row, (side, columns) in enumerate(((Prefer.LEFT, runs.left), (Prefer.RIGHT, runs.right))):
        if prefer is side:  # the branch that is taken leaves the lane with this edge
            continue
        places = view.places(runs.rings, columns)
        left_m = samples.offsets(places, samples.nearest(places))[1]
        away = np.abs(left_m - (0.5, -0.5)[row] * width_m)
        along[row] = ~near | (away <= OTHER_BRANCH * width_m)
    return along


def _marked(kinds: np.ndarray, runs: Runs, kept: np.ndarray) -> np.ndarray:
    """
    Return (N,) bool, whether the kept edges end at a marking; all do on a lane without markings.

    Where most of the lane ends at a marking, an edge without one is worn, or an error of the mask.
    """
    beyond = np.pad(kinds == Role.MARKING, ((0, 0), (EDGE_COLUMNS, EDGE_COLUMNS)))
    marked = np.stack(
        [beyond[runs.rings, runs.first], beyond[runs.rings, runs.last + 2 * EDGE_COLUMNS]]
    )
    marked = np.concatenate([marked[0][kept[0]], marked[1][kept[1]]])
    if not len(marked) or marked.mean() < MARKED_SHARE:
        return np.ones(len(marked), bool)
    return marked


def _widths(graph: RunGraph, chain: Chain) -> np.ndarray:
    """Return (M,) widths across the path in metres."""
    middle = graph.middle_xy[chain.index]
    along_ring = graph.width_m[chain.index]
    if len(middle) < 3:
        return along_ring
    direction = np.gradient(middle, axis=0)
    sight = middle - graph.view.foot_xy
    lengths = np.hypot(*direction.T) * np.hypot(*sight.T)
    cosine = np.abs((direction * sight).sum(axis=1)) / np.maximum(lengths, 1e-9)
    return along_ring * np.clip(cosine, STEEPEST, 1.0)


def _edges(
    runs: Runs, view: RingView, kept: np.ndarray, config: PathConfig, width_m: float
) -> tuple[Edges, np.ndarray]:
    """Return the edges and (P, 2) places about the middle, from near to far."""
    left_xy = view.places(runs.rings, runs.left)
    right_xy = view.places(runs.rings, runs.right)
    rings = np.concatenate([runs.rings[kept[0]], runs.rings[kept[1]]])
    points = np.concatenate([left_xy[kept[0]], right_xy[kept[1]]])
    sides = np.concatenate([np.ones(kept[0].sum()), -np.ones(kept[1].sum())])
    across, along = edge_sigmas(view, rings, config)
    edges = Edges(points_xy=points, sides=sides, across_sigma_m=across, along_sigma_m=along)
    both = kept.all(axis=0)
    if both.sum() >= 2:
        return edges, 0.5 * (left_xy + right_xy)[both]
    side = int(kept[1].sum() > kept[0].sum())
    line = (left_xy, right_xy)[side][kept[side]]
    return edges, _beside(line, (-0.5, 0.5)[side] * width_m)


def hidden_places(roles: np.ndarray, view: RingView) -> np.ndarray:
    """Return (K, C) bool, places of the view that nobody knows or that things hide."""
    kinds = view.sample_nearest(roles, int(Role.UNKNOWN))
    return (kinds == Role.BLOCKED) | (kinds == Role.UNKNOWN)


def edge_sigmas(
    view: RingView, rings: np.ndarray, config: PathConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Return (N,) deviations of edges on rings, across and along the line of sight, metres."""
    across = config.edge_sigma_px * view.pixel_m[rings]
    slant = np.hypot(view.radii_m, view.height_m) / view.height_m
    return across, np.hypot(view.range_sigma_m[rings], across * slant[rings])


def _beside(line_xy: np.ndarray, left_m: float) -> np.ndarray:
    """Return a line moved to its left."""
    if len(line_xy) < 2:
        return line_xy
    direction = np.gradient(line_xy, axis=0)
    direction /= np.maximum(np.hypot(*direction.T), 1e-9)[:, None]
    return line_xy + left_m * np.stack([-direction[:, 1], direction[:, 0]], axis=1)


def confidence_at(
    confidence: np.ndarray | None, view: RingView, rings: np.ndarray, columns: np.ndarray
) -> float:
    """Return the mean confidence, 0..1, at places of the view."""
    if confidence is None:
        return 1.0
    columns = np.clip(np.rint(columns).astype(int), 0, len(view.bearings_rad) - 1)
    u, v = (np.rint(places[rings, columns]).astype(int) for places in view.map_uv)
    height, width = view.shape_hw
    inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
    values = confidence[v[inside], u[inside]]
    return float(values.mean() / 255) if len(values) else 0.0
