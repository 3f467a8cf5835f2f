"""How often pictures are drawn, by the classes that they show."""

from __future__ import annotations

import numpy as np
import torch


def likely_by_rarest(shown: np.ndarray, power: float) -> torch.Tensor | None:
    """
    Return (N,) float64 how likely each picture is drawn, None for all equally.

    A picture counts as often as its rarest class wants: (most frequent / its frequency)^power,
    frequencies being the pictures that show a class. With 0.5 this is the repeat factor sampling
    of Gupta, Dollár and Girshick, "LVIS", CVPR 2019, with the most frequent class for threshold.

    :param shown: (N, C) bool, which classes each picture shows; one that shows none counts once.
    :param power: 0 equally, 1: were there one class in each picture, every class equally often.
    """
    if not power:
        return None
    counts = np.maximum(shown.sum(0), 1)
    wanted = (counts.max() / counts) ** power
    return torch.from_numpy(np.where(shown, wanted, 1.0).max(1))
