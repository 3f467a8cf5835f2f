"""What figures wear: colours and textures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.simulation.asset_family import AssetFamily, choose, pick
from perception_nodes.simulation.textures import paint

CLOTH_SIDE = 48


@dataclass(frozen=True, eq=False, kw_only=True)
class Look:
    """Colours and textures of one figure: keyword arguments of parts."""

    skin: dict[str, object]
    hair: dict[str, object]
    top: dict[str, object]
    sleeve: dict[str, object]
    legs: dict[str, object]
    shoes: dict[str, object]


def draw_cloth(rng: np.random.Generator, family: AssetFamily) -> dict[str, object]:
    """Return a plain or patterned cloth."""
    if rng.random() < 0.45:
        return {'color': pick(rng, family.cloth_colors), 'shine': 0.1}
    kind = choose(rng, family.cloth_kinds)
    colors = np.stack([pick(rng, family.cloth_colors), pick(rng, family.cloth_colors)])
    if rng.random() < 0.5:
        colors[1] = np.clip(colors[0] * rng.uniform(0.6, 1.5), 0, 1)
    return {'color': np.ones(3), 'texture': paint(kind, rng, CLOTH_SIDE, colors), 'shine': 0.1}


def dress(rng: np.random.Generator, family: AssetFamily) -> Look:
    """Dress a figure."""
    skin: dict[str, object] = {'color': pick(rng, family.skin_colors)}
    top = draw_cloth(rng, family)
    legs = draw_cloth(rng, family)
    return Look(
        skin=skin,
        hair={'color': pick(rng, family.hair_colors)},
        top=top,
        sleeve=top if rng.random() < 0.75 else skin,
        legs=legs if rng.random() < 0.9 else skin,
        shoes={'color': pick(rng, family.cloth_colors) * 0.6},
    )
