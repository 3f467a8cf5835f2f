"""From bundles to the forms that are compared: as they are, and quantised."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import onnx

from perception_nodes.compression.int8 import Int8Writer, Track
from perception_nodes.inference.backends.onnx.loading import is_quantised
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.bundle_folder import check_target
from perception_nodes.inference.derived_bundle import (
    Open,
    borrowed_calibration,
    derived_spec,
    golden_frame_of,
    maker_of,
    write_derived,
)
from perception_nodes.inference.preprocess import Preprocessor
from perception_nodes.structures import Frame

WEIGHTS = 'model.onnx'
KEPT_FLOAT = (0, 1, 2, 4)
"""How many convolutions stay in float32, those that quantise worst."""


def why_not_quantised(bundle: ModelBundle) -> str:
    """Return why a bundle has no int8 forms, with the cure; empty where it has."""
    kind = bundle.spec.architecture.name
    if kind != 'onnx':
        return (
            f'is a network of the kind {kind}; export it to ONNX first, with the training that '
            'made it'
        )
    if is_quantised(onnx.load(str(bundle.weights_path), load_external_data=False).graph):
        return 'is in int8 already; take the float32 bundle that it was made from'
    return ''


def int8_forms(
    bundle: ModelBundle,
    frames: Sequence[Frame],
    folder: Path,
    open_model: Open,
    track: Track,
    *,
    shown: str,
) -> dict[str, ModelBundle]:
    """
    Write quantised forms of a bundle, by name; golden results are recorded anew.

    :param bundle: with an ONNX file in float32.
    :param frames: real ones, to measure the ranges of activations on.
    :param folder: of the new bundles, which replace older ones.
    :param open_model: opens a bundle of the task.
    :param track: wraps an iterable to show progress.
    :param shown: what the frames are, in words.
    :raises ValueError: when the bundle holds another kind of network.
    """
    reason = why_not_quantised(bundle)
    if reason:
        raise ValueError(f'{bundle.path}: {reason}')
    prepare = Preprocessor.of(bundle.spec.input)
    batches = [prepare(frame)[0].copy() for frame in frames]
    forms = {}
    with Int8Writer(bundle.weights_path, batches) as writer:
        worst = list(writer.gains(track))
        for count in dict.fromkeys(min(kept, len(worst) - 1) for kept in KEPT_FLOAT):
            name = f'int8, {count} layers float' if count else 'int8'
            target = check_target(folder / f'int8_{count}', [bundle.path])
            with tempfile.TemporaryDirectory() as work:
                weights = writer.write(Path(work) / WEIGHTS, worst[:count])
                forms[name] = _as_bundle(bundle, weights, target, worst[:count], open_model, shown)
    return forms


def forms_of_others(
    others: Sequence[ModelBundle],
    quantise: Callable[[ModelBundle, str], dict[str, ModelBundle]],
    tell: Callable[[str], object],
) -> dict[str, ModelBundle]:
    """
    Return networks as they are, each with its int8 forms, by name.

    :param quantise: from a bundle and a name for its folder to its int8 forms by name.
    :param tell: gets a line about each that has no int8 forms.
    """
    forms: dict[str, ModelBundle] = {}
    for number, other in enumerate(others, start=1):
        name = other.name if other.name not in forms else f'{other.name} ({number})'
        forms[name] = other
        reason = why_not_quantised(other)
        if reason:
            tell(f'{name}: measured as it is: {reason}')
            continue
        quantised = quantise(other, f'{number}_{other.name}')
        forms |= {f'{name}, {form}': bundle for form, bundle in quantised.items()}
    return forms


def check_alike(first: ModelBundle, other: ModelBundle) -> None:
    """
    Refuse a bundle that could not take the place of the first.

    :raises ValueError: it is of another task or of other classes.
    """
    if other.spec.task != first.spec.task:
        raise ValueError(
            f'candidate {other.path}: the task is {other.spec.task}, that of {first.name} is '
            f'{first.spec.task}'
        )
    known, wanted = other.spec.result_classes, first.spec.result_classes
    if known != wanted:
        raise ValueError(
            f'candidate {other.path}: tells {", ".join(known)}; {first.name} tells '
            f'{", ".join(wanted)}. Take one of the same classes in the same order'
        )


def _as_bundle(
    bundle: ModelBundle,
    weights: Path,
    target: Path,
    kept: Sequence[str],
    open_model: Open,
    shown: str,
) -> ModelBundle:
    """Write the bundle of quantised weights, with a golden result of its own."""
    spec = bundle.spec
    details = {
        'made_of': maker_of(bundle), 'quantised': 'int8, static', 'kept_float': list(kept),
        'ranges_of': shown, 'calibration': borrowed_calibration(bundle),
    }  # fmt: skip
    origin = f'quantised from {spec.name}, weights sha256 {spec.weights.sha256}'
    provenance = replace(
        spec.provenance, details=details,
        initialisation=f'{origin}; {spec.provenance.initialisation}',
    )  # fmt: skip
    changed = derived_spec(spec, WEIGHTS, provenance, name=f'{spec.name}_int8')
    return write_derived(target, changed, weights, golden_frame_of(bundle), open_model)
