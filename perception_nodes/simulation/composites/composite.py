"""One picture with things on it that were never there, and its labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perception_nodes.imaging.collage import Collage, Cutout, Pasted
from perception_nodes.simulation.composites.things import Thing
from perception_nodes.structures import check_settings, setting

_MOST_ENLARGED = 1.5
_LIT_GREY = 110.0  # mean of a well exposed picture, of 255
_NORM = 6  # "shades of grey", Finlayson and Trezzi 2004: bright things tell the light's colour
_GAINS = 0.4, 1.6


@dataclass(frozen=True, kw_only=True)
class CompositeConfig:
    """What varies between composites, and how far."""

    seed: int = setting(1, 'seed of everything random', minimum=0)
    size_wh: tuple[int, int] = setting((640, 480), 'picture size in pixels', minimum=32)
    things: tuple[int, int] = setting(
        (1, 6), 'fewest and most things in a picture', minimum=0, maximum=30
    )
    height: tuple[float, float] = setting(
        (0.06, 0.8), 'range of the height of things, as parts of the picture', minimum=0.01,
        maximum=2.0,
    )  # fmt: skip
    light: float = setting(
        0.7, 'most of the way from the light of a thing to that of its background', minimum=0,
        maximum=1,
    )  # fmt: skip
    feather_px: float = setting(
        0.7, 'deviation of the blur that softens the edges of things', minimum=0, maximum=10
    )
    disturbed: float = setting(
        0.0, 'part of the pictures in bad light, rain, fog, or through a dirty lens', minimum=0,
        maximum=1,
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Check the values and the order of the ranges."""
        check_settings(self)
        for name in ('things', 'height'):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f'{name}: {low!r} is above {high!r}; give (lowest, highest)')


@dataclass(frozen=True, eq=False, kw_only=True)
class Composite:
    """
    A picture and what was pasted onto it.

    :param rgb: (H, W, 3) uint8.
    :param owner: (H, W) int16, number of the thing that a pixel shows, -1 for the background.
    :param pasted: (N,) what is left to see of each thing.
    :param class_ids: (N,) of the things.
    """

    rgb: np.ndarray
    owner: np.ndarray
    pasted: tuple[Pasted, ...]
    class_ids: tuple[int, ...]


def compose(
    background: np.ndarray,
    things: Sequence[Thing],
    config: CompositeConfig,
    rng: np.random.Generator,
) -> Composite:
    """
    Paste things at random places; larger ones stand in front of smaller ones.

    :param background: (H, W, 3) uint8 RGB.
    """
    rows, columns = background.shape[:2]
    light = light_of(background)
    placed = [
        replace(item, cutout=_adapted(item.cutout, rows, light, config, rng)) for item in things
    ]
    placed.sort(key=lambda item: item.cutout.size_wh[1])
    collage = Collage(background)
    for item in placed:
        width, height = item.cutout.size_wh
        x, y = rng.uniform(0, columns), rng.uniform(0, rows)
        collage.paste(item.cutout, round(x - width / 2), round(y - height / 2))
    return Composite(
        rgb=collage.rgb,
        owner=collage.owner,
        pasted=tuple(collage.pasted()),
        class_ids=tuple(item.class_id for item in placed),
    )


def light_of(rgb: np.ndarray) -> np.ndarray:
    """
    Return (3,) by how much a picture is lit and tinted, 1 each for well exposed and white.

    :param rgb: (H, W, 3) uint8.
    """
    values = rgb[::4, ::4].reshape(-1, 3).astype(np.float64)
    tint = (values**_NORM).mean(axis=0) ** (1 / _NORM)
    return values.mean() / _LIT_GREY * tint / max(float(tint.mean()), 1.0)


def _adapted(
    cutout: Cutout,
    rows: int,
    light: np.ndarray,
    config: CompositeConfig,
    rng: np.random.Generator,
) -> Cutout:
    """Return a cut-out in its size, mirrored or not, in the light of its background."""
    height = rows * np.exp(rng.uniform(*np.log(config.height)))
    cutout = cutout.scaled(min(float(height) / cutout.size_wh[1], _MOST_ENLARGED))
    if rng.random() < 0.5:
        cutout = cutout.mirrored()
    gains = np.clip(light, *_GAINS) ** rng.uniform(0, config.light)
    lit = np.clip(np.rint(cutout.rgb * gains), 0, 255).astype(np.uint8)
    cutout = replace(cutout, rgb=lit)
    return cutout.feathered(config.feather_px) if config.feather_px else cutout
