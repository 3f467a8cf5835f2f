"""From a trained refiner to the bundle of a translator."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from perception_nodes.inference.bundle import ModelBundle, placeholder_weights, write_bundle
from perception_nodes.inference.bundle_sections import DecoderSpec, Provenance
from perception_nodes.inference.bundle_spec import ModelSpec
from perception_nodes.learning.adversarial.config import LEVELS
from perception_nodes.learning.bundling import WEIGHTS_FILE
from perception_nodes.learning.data.batches import input_of, preprocessor_of
from perception_nodes.learning.export import Parity, check_parity, export_onnx
from perception_nodes.learning.recipes.translation import TranslationRecipe
from perception_nodes.learning.translation_figures import TranslationFigures
from perception_nodes.learning.translator import Translator
from perception_nodes.structures import Frame

_COMPARED_LEVELS = 4.0  # changes are compared in steps of so many levels of 255


@dataclass(frozen=True, kw_only=True)
class TranslatorReport:
    """
    What was measured while the bundle was made.

    :param parity: of the ONNX file with the network.
    """

    bundle: ModelBundle
    parity: Parity
    figures: TranslationFigures


def write_translator(
    model: nn.Module,
    recipe: TranslationRecipe,
    provenance: Provenance,
    target: Path,
    *,
    probes: Sequence[np.ndarray],
    measure: Callable[[Translator], TranslationFigures],
    words: str,
    threads: int = 0,
) -> TranslatorReport:
    """
    Export, compare, measure and write; an existing bundle is replaced.

    :param probes: (H, W, 3) uint8 RGB pictures on which network and file are compared.
    :param measure: of the opened bundle.
    :param words: what it is measured on.
    :raises ExportError: when the file does not say what the network says.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        weights = export_onnx(
            model, work / WEIGHTS_FILE, size_wh=recipe.input_wh, output_names=('change',)
        )
        prepare = preprocessor_of(recipe)
        batches = [prepare(Frame(pixels=pixels))[0].copy() for pixels in probes]
        parity = check_parity(model, weights, batches, _decided)
        spec = ModelSpec(
            name=recipe.name,
            task=Translator.task,
            weights=placeholder_weights(WEIGHTS_FILE),
            input=input_of(recipe),
            decoder=DecoderSpec(name='picture_change'),
            classes=recipe.classes,
            provenance=dataclasses.replace(
                provenance, details={**provenance.details, 'parity': parity.to_dict()}
            ),
        )
        draft = write_bundle(work / 'draft', spec, weights)
        opened = Translator.load(draft, device='cpu', threads=threads)
        figures = measure(opened)
        opened.close()
        spec = dataclasses.replace(spec, metrics=figures.metrics(words))
        bundle = write_bundle(target, spec, weights, replace_existing=True)
    return TranslatorReport(bundle=bundle, parity=parity, figures=figures)


def _decided(outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the changes in coarse steps, as whole numbers from 0."""
    steps = np.round(outputs['change'] * (LEVELS / _COMPARED_LEVELS)).astype(np.int64)
    return steps + int(LEVELS)
