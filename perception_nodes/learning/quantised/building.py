"""From a float network to one that learns in int8."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from torch import nn

from perception_nodes.compression.int8 import Int8Writer
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.learning.data.batches import preprocessor_of
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.learning.export import export_onnx
from perception_nodes.learning.quantised.network import QuantisedNetwork
from perception_nodes.learning.recipe import Recipe
from perception_nodes.learning.recipes.quantised import QuantisedRecipe


def quantised(
    model: nn.Module,
    recipe: Recipe,
    how: QuantisedRecipe,
    pictures: Sequence[Path],
    output_names: Sequence[str],
) -> nn.Module:
    """
    Return the network that learns in int8, or the given one if the recipe does not say so.

    It starts from what ``perception compress`` would write: ranges measured on pictures.

    :param model: a trained one; layers that do not learn in it do not here.
    :param recipe: of the picture's size and normalisation.
    :param pictures: files, real ones, to measure ranges on.
    :param output_names: of the exported file.
    """
    if not how.is_on:
        return model
    prepare = preprocessor_of(recipe)
    shown = spread_over(pictures, how.pictures)
    batches = [prepare(read_picture(path))[0].copy() for path in shown]
    with tempfile.TemporaryDirectory() as folder:
        exported, written = Path(folder) / 'float.onnx', Path(folder) / 'int8.onnx'
        export_onnx(model, exported, size_wh=recipe.input_wh, output_names=output_names)
        with Int8Writer(exported, batches) as writer:
            kept = []
            if how.kept_float:
                kept = list(writer.gains(lambda items, _words: items))[: how.kept_float]
            writer.write(written, kept)
            network = QuantisedNetwork(
                onnx.load(str(written)), _weights(writer.prepared), how.range_rate_factor
            )
    frozen = {name for name, weight in model.named_parameters() if not weight.requires_grad}
    for name, weight in network.named_parameters():
        if name in frozen:
            weight.requires_grad_(False)
    return network


def _weights(path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a file, by name."""
    stored = onnx.load(str(path)).graph.initializer
    return {item.name: np.array(numpy_helper.to_array(item)) for item in stored}
