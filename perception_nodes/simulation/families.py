"""
Three families of assets, no two of which share a colour, a texture kind, a shape or a light.

A model is trained on ``train``, chosen on ``validation`` and measured on ``held_out``: what they
have in common is the meaning of the classes (a cone is a cone), not what they are made of.
"""

from enum import Enum

from perception_nodes.simulation.asset_family import AssetFamily
from perception_nodes.simulation.held_out_assets import HELD_OUT
from perception_nodes.simulation.train_assets import TRAIN
from perception_nodes.simulation.validation_assets import VALIDATION


class Assets(str, Enum):
    """Which family of assets a scene is made of."""

    TRAIN = 'train'
    VALIDATION = 'validation'
    HELD_OUT = 'held_out'


FAMILIES: dict[Assets, AssetFamily] = {
    Assets.TRAIN: TRAIN,
    Assets.VALIDATION: VALIDATION,
    Assets.HELD_OUT: HELD_OUT,
}
