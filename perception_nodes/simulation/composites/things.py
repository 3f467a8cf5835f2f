"""Where the things of composites come from: a folder of cut-outs, or the renderer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from perception_nodes.imaging.collage import Cutout, cut_out
from perception_nodes.simulation.classes import (
    SEMANTIC_NAMES,
    THING_NAMES,
    UNLABELLED,
    SemanticClass,
)
from perception_nodes.simulation.composites.cutouts import BACKGROUND, find_cutouts, read_cutout
from perception_nodes.simulation.randomization import RandomizationConfig, SceneRenderer
from perception_nodes.simulation.records import OCCLUDED_BELOW

_SCENES = 3
_LEAST_PX = 24  # longer side of a rendered thing that is cut out
_MOST_TRUNCATED = 0.02


@dataclass(frozen=True, eq=False, kw_only=True)
class Thing:
    """A thing to paste, and its class id."""

    cutout: Cutout
    class_id: int


@dataclass(frozen=True, kw_only=True)
class Labels:
    """
    What the numbers of a set mean.

    :param classes: of the boxes, in the order of the class ids.
    :param semantic: of the masks, in the order of their values.
    :param first: mask value of class id 0; the others follow.
    :param rest: mask value of what shows no thing.
    """

    classes: tuple[str, ...]
    semantic: tuple[str, ...]
    first: int
    rest: int


class Things(Protocol):
    """A source of things to paste."""

    def draw(self, index: int, count: int, rng: np.random.Generator) -> list[Thing]:
        """Return up to ``count`` things for picture number ``index``."""

    def close(self) -> None:
        """Give back what it holds."""


RENDERED = Labels(
    classes=THING_NAMES, semantic=SEMANTIC_NAMES, first=int(SemanticClass.PERSON), rest=UNLABELLED
)
"""A photo's floor and walls are not labelled: 255, so that rendered sets can be joined."""


def labels_of(cutouts: Path | None) -> Labels:
    """Return the labels of a folder of cut-outs; None: of rendered things."""
    if cutouts is None:
        return RENDERED
    classes = find_cutouts(cutouts).classes
    return Labels(classes=classes, semantic=(*classes, BACKGROUND), first=0, rest=len(classes))


class StoredThings:
    """
    Cut-outs of a folder; classes are drawn evenly, then one of their files.

    :param folder: see :func:`find_cutouts`.
    """

    def __init__(self, folder: Path) -> None:
        self._files = find_cutouts(folder).files

    def draw(self, index: int, count: int, rng: np.random.Generator) -> list[Thing]:
        """
        Return ``count`` things by chance.

        :raises CutoutError: naming a file that cannot be used.
        """
        things = []
        for class_id in rng.integers(len(self._files), size=count).tolist():
            files = self._files[class_id]
            cutout = read_cutout(files[int(rng.integers(len(files)))])
            things.append(Thing(cutout=cutout, class_id=class_id))
        return things

    def close(self) -> None:
        """Hold nothing open."""


class RenderedThings:
    """
    Things of the simulator's random scenes that stand in full view.

    :param assets: family of assets.
    :param seed: of the scenes; picture number n gets things of up to three scenes from 3 n on.
    :param size_wh: of the rendered scenes.
    """

    def __init__(self, assets: str, seed: int, size_wh: tuple[int, int]) -> None:
        # Many things side by side; the flaws of a camera are in the background already.
        self._renderer = SceneRenderer(
            RandomizationConfig(
                assets=assets, seed=seed, size_wh=size_wh, things=(8, 14), overlap=0.0,
                sensor_strength=0.0, scenes_per_stage=10 * _SCENES,
            )
        )  # fmt: skip

    def draw(self, index: int, count: int, rng: np.random.Generator) -> list[Thing]:
        """Return up to ``count`` things; where fewer are in full view, fewer."""
        things: list[Thing] = []
        for scene in range(_SCENES * index, _SCENES * (index + 1)):
            if len(things) < count:
                found = self._in_full_view(scene)
                things += [found[n] for n in rng.permutation(len(found)).tolist()]
        return things[:count]

    def _in_full_view(self, scene: int) -> list[Thing]:
        view = self._renderer.render(scene).view
        sides = view.detections.xyxy[:, 2:] - view.detections.xyxy[:, :2]
        whole = (
            (view.visible_fractions >= OCCLUDED_BELOW)
            & (view.truncated_fractions <= _MOST_TRUNCATED)
            & (sides.max(axis=1, initial=0) >= _LEAST_PX)
        )
        return [
            Thing(
                cutout=cut_out(view.rgb, view.instance_ids == view.instance_numbers[number]),
                class_id=int(view.detections.class_ids[number]),
            )
            for number in np.flatnonzero(whole).tolist()
        ]

    def close(self) -> None:
        """Free the OpenGL context."""
        self._renderer.close()
