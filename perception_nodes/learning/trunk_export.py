"""From a pre-trained network to the file that ``perception train … --trunk`` takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from perception_nodes.learning.data.batches import normalised
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.learning.data.views import whole_frames
from perception_nodes.learning.export import check_parity, export_onnx
from perception_nodes.learning.models.pretraining import PretrainingNet, TrunkOnly
from perception_nodes.learning.recipes.pretraining import PretrainingRecipe

_PARITY_FRAMES = 8


def write_trunk(
    model: nn.Module, path: Path, recipe: PretrainingRecipe, frames: Sequence[np.ndarray]
) -> float:
    """
    Write the trunk as ONNX, batch norms merged, and return how far the file is from it.

    :param model: a :class:`PretrainingNet`, on the CPU.
    :param path: file to write.
    :param frames: (H, W, 3) uint8 RGB each, at least one, on which the two are compared.
    :returns: largest difference of a feature, the largest feature being 1.
    :raises ExportError: when they differ.
    """
    if not isinstance(model, PretrainingNet):
        raise TypeError(f'{type(model).__name__} is no PretrainingNet')
    trunk = TrunkOnly(model.trunk).eval()
    batch = normalised(whole_frames(spread_over(frames, _PARITY_FRAMES), recipe), recipe)
    batch = batch.contiguous()
    name = f'stride_{recipe.model.stride}'
    export_onnx(trunk, path, size_wh=recipe.input_wh, output_names=(name,))
    with torch.inference_mode():
        largest = max(float(trunk(batch).abs().max()), 1.0)
    # Features have no unit: they are compared in parts of the largest. They decide nothing.
    parity = check_parity(trunk, path, [batch.numpy()], None, scales={name: largest})
    return parity.differences[name]
