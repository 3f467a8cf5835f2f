"""What figures carry."""

from __future__ import annotations

import numpy as np

from perception_nodes.simulation.parts import Part, Shape, limb


def build_belonging(
    kind: str, height: float, neck_z: float, cloth: dict, rng: np.random.Generator
) -> list[Part]:
    """
    Return the parts of something that a figure carries, none for ``none``.

    :param height: of the figure, metres.
    :param neck_z: height of its shoulders, metres.
    """
    side = float(rng.choice([-1.0, 1.0]))
    size = height * rng.uniform(0.7, 1.4)
    solids: dict[str, tuple[Shape, tuple[float, float, float], tuple[float, float, float]]] = {
        'parcel': (Shape.BOX, (0.07 * size, 0.1 * size, 0.07 * size),
                   (0.15 * height, 0.0, neck_z - 0.2 * height)),
        'handbag': (Shape.BOX, (0.07 * size, 0.025 * size, 0.06 * size),
                    (0.02 * height, side * 0.14 * height, neck_z - 0.33 * height)),
        'sack': (Shape.ELLIPSOID, (0.07 * size, 0.1 * size, 0.13 * size),
                 (-0.11 * height, 0.0, neck_z - 0.12 * height)),
        'scarf': (Shape.ELLIPSOID, (0.06 * height, 0.065 * height, 0.025 * size),
                  (0.0, 0.0, neck_z + 0.01 * height)),
        'roll': (Shape.CAPSULE, (0.035 * size, 0.25 * size, 0.0),
                 (0.0, side * 0.13 * height, neck_z - 0.05 * height)),
    }  # fmt: skip
    if kind == 'none':
        return []
    shape, half, position = solids[kind]
    thing = Part(shape=shape, size=half, position=position, **cloth)
    if kind == 'handbag':
        over = [0.0, -side * 0.07 * height, neck_z]
        return [thing, limb(over, position, 0.008 * height, **cloth)]
    return [thing]
