"""From a bundle and unlabelled pictures to an adapted network and the record of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.learning.adaptation.confidence import (
    check_confidence,
    some_logits,
    temperature_for,
)
from perception_nodes.learning.adaptation.config import AdaptationConfig
from perception_nodes.learning.adaptation.entropy import EntropySteps, Tell, lower_entropy
from perception_nodes.learning.adaptation.norms import OpenNetwork, open_norms
from perception_nodes.learning.adaptation.pictures import PictureBatches
from perception_nodes.learning.adaptation.statistics import (
    know_source,
    measured,
    take_statistics,
)
from perception_nodes.learning.adaptation.watch import Look, Watch
from perception_nodes.learning.adversarial.differentiable import network_of
from perception_nodes.structures import Frame

_CPU = torch.device('cpu')
_ENTROPY = 'entropy'
_MERGED = (
    '{path}: the norms were merged when it was exported, so that it does not know the statistics '
    'of its source, and the bundle keeps none; give pictures like those it was trained on '
    '(--source), or the source_statistics.safetensors of an earlier run'
)
Statistics = dict[str, torch.Tensor]


@dataclass(frozen=True, eq=False, kw_only=True)
class Adapted:
    """
    An adapted network.

    :param network: with plain norms, as the bundle's; on the CPU, in eval mode.
    :param temperature: of its calibration.
    :param record: plain values: what was done and seen.
    """

    network: nn.Module
    temperature: float
    record: dict[str, Any]


def source_statistics(
    bundle: ModelBundle,
    frames: Sequence[Frame],
    config: AdaptationConfig,
    device: torch.device = _CPU,
) -> Statistics:
    """Return (2, C) mean and variance before each norm of a network, on pictures of its source."""
    opened = _opened(bundle, device)
    return measured(opened, _batches(bundle, frames, config, device))


def adapt(
    bundle: ModelBundle,
    frames: Sequence[Frame],
    statistics: Statistics | None,
    config: AdaptationConfig,
    *,
    device: torch.device = _CPU,
    tell: Tell = lambda step, entropy: None,
) -> Adapted:
    """
    Adapt a segmentation bundle to unlabelled pictures.

    :param statistics: of the source, see :func:`source_statistics`; not needed for networks
        whose norms were not merged.
    :param tell: gets the number of each step of the entropy method, and its entropy.
    :raises AdaptationRefused: when what comes out breaks a limit of the configuration.
    :raises ValueError: without statistics where they are needed, for a bundle of another kind,
        or one without norms.
    """
    opened = _opened(bundle, device)
    if statistics is not None:
        know_source(opened, statistics)
    elif not opened.knows_source:
        raise ValueError(_MERGED.format(path=bundle.path))
    pictures = _batches(bundle, frames, config, device)
    watched = pictures.some(config.watched_pictures)
    temperature = bundle.spec.calibration.temperature
    before = check_confidence(opened, watched, temperature)
    watch = Watch(opened, watched, bundle.classes, temperature, config)

    def take() -> Look:
        take_statistics(
            opened, pictures, prior_pictures=config.prior_pictures, passes=config.passes
        )
        look = watch.look(opened)
        watch.check(look)
        return look

    look, steps = take(), None
    looks = {'source': watch.source, 'statistics': look}
    if config.method == _ENTROPY:
        steps = lower_entropy(opened, pictures, config, watch, temperature=temperature, tell=tell)
        if steps.taken:
            looks['entropy'] = take()
            logits = some_logits(opened, watched)
            temperature = temperature_for(logits, look.confidence, lowest=temperature)
    after = check_confidence(opened, watched, round(temperature, 4))
    record = {
        'config': asdict(config),
        'pictures': len(frames),
        'looks': {name: item.to_dict() for name, item in looks.items()},
        'confidence': {'before': before.to_dict(), 'after': after.to_dict()},
        **_told(steps),
    }
    opened.network.to(_CPU)
    return Adapted(network=opened.closed(), temperature=after.temperature, record=record)


def _told(steps: EntropySteps | None) -> dict[str, Any]:
    return {} if steps is None else {'steps': asdict(steps)}


def _opened(bundle: ModelBundle, device: torch.device) -> OpenNetwork:
    opened = open_norms(network_of(bundle))
    opened.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return opened


def _batches(
    bundle: ModelBundle, frames: Sequence[Frame], config: AdaptationConfig, device: torch.device
) -> PictureBatches:
    return PictureBatches(
        frames=frames, wanted=bundle.spec.input, size=config.batch, seed=config.seed, device=device
    )
