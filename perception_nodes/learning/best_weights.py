"""Which weights of a run are kept, and when waiting for better ones ends."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from torch import nn

from perception_nodes.learning.checkpoints import write_state


class BestWeights:
    """
    The weights with the best figure so far, in a file.

    :param path: of the file.
    :param metric: name of the figure, at least 0; higher is better.
    :param patience: looks without a better figure after which waiting ends; 0: never.
    :ivar figure: the best one so far, -1 before the first look.
    :ivar waited: looks since it was found.
    """

    def __init__(self, path: Path, metric: str, patience: int) -> None:
        self.path, self.metric, self.patience = path, metric, patience
        self.figure, self.waited = -1.0, 0

    def look(self, figures: Mapping[str, float], model: nn.Module) -> None:
        """
        Keep the weights of a model if its figures are better than all before.

        :raises ValueError: the figure that decides is not finite.
        """
        figure = figures.get(self.metric, math.nan)
        if not math.isfinite(figure):
            raise ValueError(
                f'{self.metric}: {figure} on the validation set cannot choose the best weights; '
                'give one with labels of the classes of the recipe, or look at more of it '
                '(schedule.validation_images)'
            )
        self.waited += 1
        if figure > self.figure:
            self.figure, self.waited = figure, 0
            write_state(self.path, model.state_dict())

    @property
    def has_waited_enough(self) -> bool:
        """Whether the patience is at its end."""
        return 0 < self.patience <= self.waited
