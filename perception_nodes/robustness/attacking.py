"""Attacked copies of a labelled set: they stay on disk as a set of their own, and runs go on."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.evaluation.masked_sets import MaskedPicture, MaskedSet
from perception_nodes.evaluation.segmentation import number_table
from perception_nodes.imaging.index_png import write_index_png
from perception_nodes.learning.adversarial.attacks import ATTACKS, in_levels
from perception_nodes.learning.adversarial.config import LEVELS, AttackConfig, PatchConfig
from perception_nodes.learning.adversarial.differentiable import PictureNetwork
from perception_nodes.learning.adversarial.patch import (
    drawn_placement,
    learn_patch,
    noise_patch,
    pasted,
    without,
)
from perception_nodes.structures import UNLABELLED, ColorOrder, Frame

ATTACKS_VERSION = 1  # raise it when an attack gives other pictures
PATCHES = ('patch', 'noise_patch')
ATTACK_NAMES = (*ATTACKS, *PATCHES)
CONTROLS = ('noise', 'noise_patch')
"""Changes of the same size that know nothing of the network."""
_STRENGTH, _PATCH = AttackConfig(), PatchConfig()
_IDENTITY = 'attack.json'
_HALVES = 2


@dataclass(frozen=True, kw_only=True)
class AttackPlan:
    """
    Which attacks, and how strong.

    :param names: of :data:`ATTACK_NAMES`, at least one, none twice.
    :param seed: of every random choice.
    """

    names: tuple[str, ...]
    strength: AttackConfig = _STRENGTH
    patch: PatchConfig = _PATCH
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse unknown names, and budgets that an 8-bit picture cannot hold."""
        for name in self.names:
            if name not in ATTACK_NAMES:
                raise ValueError(f'attack {name!r} must be one of {", ".join(ATTACK_NAMES)}')
        if not self.names or len(set(self.names)) != len(self.names):
            raise ValueError(f'attacks: need distinct names, at least one, got {self.names}')
        if self.strength.epsilon_levels != int(self.strength.epsilon_levels):
            raise ValueError(
                f'epsilon_levels: {self.strength.epsilon_levels} must be whole: attacked pictures '
                'have 8 bits'
            )

    def identity(self, name: str) -> dict[str, Any]:
        """Return what decides how the pictures of an attack look, beside network and set."""
        how = asdict(self.patch if name in PATCHES else self.strength)
        if name not in PATCHES:
            how['step_levels'] = self.strength.taken_levels
        return {'attack': name, 'version': ATTACKS_VERSION, 'seed': self.seed, **how}

    def ticks(self, name: str, pictures: int) -> int:
        """Return how often ``advance`` is called for an attack."""
        return pictures + (_HALVES * self.patch.steps if name == 'patch' else 0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Attacker:
    """
    Attacks every picture of a set with the gradients of one network.

    :param network: on ``device``.
    :param class_names: of its results.
    """

    network: PictureNetwork
    class_names: tuple[str, ...]
    labelled: MaskedSet
    plan: AttackPlan
    device: str = 'cpu'

    def write(
        self, name: str, folder: Path, identity: Mapping[str, Any], advance: Callable[..., object]
    ) -> MaskedSet:
        """
        Write the attacked set, going on where an equal run stopped; it opens as ``masks:folder``.

        Each picture gets the patch that was learnt on the other half of the set.

        :param identity: of set and network; a folder of others is begun anew.
        :param advance: called ``AttackPlan.ticks`` times; takes a number.
        """
        self._prepare(folder, {**identity, **self.plan.identity(name)})
        pictures = tuple(
            MaskedPicture(
                path=folder / 'images' / f'{item.path.stem}.png',
                mask_path=folder / 'masks' / f'{item.path.stem}.png',
            )
            for item in self.labelled.pictures
        )
        if name == 'patch':
            patches = [self._patch(half, folder, advance) for half in range(_HALVES)]
        for number, picture in enumerate(pictures):
            if not picture.path.is_file():
                if name in ATTACKS:
                    levels, truth = self._changed(name, number)
                else:
                    patch = patches[1 - number % _HALVES] if name == 'patch' else None
                    levels, truth = self._covered(number, patch)
                write_index_png(picture.mask_path, truth)
                _write_picture(levels, picture.path)
            advance(1)
        return MaskedSet(classes=self.labelled.classes, pictures=pictures)

    def _prepare(self, folder: Path, identity: Mapping[str, Any]) -> None:
        """Make the folder, and empty it of what another run left."""
        (folder / 'images').mkdir(parents=True, exist_ok=True)
        note = folder / _IDENTITY
        text = json.dumps(identity, indent=1, sort_keys=True) + '\n'
        if not note.is_file() or note.read_text(encoding='utf-8') != text:
            for path in (*folder.glob('patch_*.png'), *(folder / 'images').glob('*.png')):
                path.unlink()
            card = {'semantic_classes': list(self.labelled.classes)}
            (folder / 'dataset.json').write_text(json.dumps(card) + '\n', encoding='utf-8')
            note.write_text(text, encoding='utf-8')

    def _read(self, number: int) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
        """Return (1, 3, H, W) uint8, its labels in the network's numbers, and as they are."""
        frame, truth = self.labelled.read(self.labelled.pictures[number])
        table = _label_table(self.class_names, self.labelled.classes)
        masks = torch.from_numpy(table[truth])[None]
        return _tensor(frame).to(self.device), masks.to(self.device), truth

    def _random(self, number: int, device: str) -> torch.Generator:
        """Return random numbers of a picture's own, the same for all attacks."""
        stem = self.labelled.pictures[number].path.stem
        seed = np.random.default_rng([self.plan.seed, zlib.crc32(stem.encode())])
        return torch.Generator(device).manual_seed(int(seed.integers(2**31)))

    def _changed(self, name: str, number: int) -> tuple[torch.Tensor, np.ndarray]:
        """Return the attacked picture and its labels."""
        levels, masks, truth = self._read(number)
        strength, generator = self.plan.strength, self._random(number, self.device)
        changed = ATTACKS[name](self.network, levels / LEVELS, masks, strength, generator)
        return in_levels(changed, levels, strength), truth

    def _covered(self, number: int, patch: torch.Tensor | None) -> tuple[torch.Tensor, np.ndarray]:
        """Return the picture under a patch, and its labels without those below; None: noise."""
        levels, _, truth = self._read(number)
        generator = self._random(number, 'cpu')
        placement = drawn_placement(self.plan.patch, generator)
        if patch is None:
            patch = noise_patch(self.plan.patch, generator)
        changed, covered = pasted(levels / LEVELS, patch.to(self.device), placement)
        left = without(torch.from_numpy(truth)[None], covered.cpu())[0].numpy()
        return (changed * LEVELS).round().to(torch.uint8), left

    def _patch(self, half: int, folder: Path, advance: Callable[..., object]) -> torch.Tensor:
        """Return the patch learnt on every second picture, from its file if there is one."""
        path = folder / f'patch_{half}.png'
        if path.is_file():
            advance(self.plan.patch.steps)
            return _tensor(read_picture(path))[0] / LEVELS
        count = len(self.labelled.pictures)

        def read(number: int) -> tuple[torch.Tensor, torch.Tensor]:
            levels, masks, _ = self._read(number)
            return levels / LEVELS, masks

        patch = learn_patch(
            self.network, read, range(half, count, _HALVES) or range(count), self.plan.patch,
            torch.Generator().manual_seed(self.plan.seed), device=self.device,
            advance=lambda: advance(1),
        )  # fmt: skip
        _write_picture((patch[None] * LEVELS).round().to(torch.uint8), path)
        return patch


def agreement(network: PictureNetwork, frame: Frame, class_ids: np.ndarray, device: str) -> float:
    """
    Return which part of a picture's pixels a network and its bundle decide alike, 0..1.

    :param class_ids: (H, W) what the bundle found.
    """
    with torch.no_grad():
        logits = network(_tensor(frame).to(device) / LEVELS)
    counts = class_ids != UNLABELLED
    return float((logits.argmax(1)[0].cpu().numpy() == class_ids)[counts].mean())


def _tensor(frame: Frame) -> torch.Tensor:
    """Return (1, 3, H, W) uint8 RGB."""
    rgb = np.ascontiguousarray(frame.in_order(ColorOrder.RGB))
    return torch.from_numpy(rgb).permute(2, 0, 1)[None]


def _label_table(found: tuple[str, ...], labels: tuple[str, ...]) -> np.ndarray:
    """Return the (256,) number in the results of every label; 255 for what the model lacks."""
    table = np.full(256, UNLABELLED, np.uint8)
    for number, label in enumerate(number_table(found, labels)[: len(found)]):
        if label != UNLABELLED:
            table[label] = number
    return table


def _write_picture(levels: torch.Tensor, path: Path) -> None:
    """Write (1, 3, H, W) uint8 RGB; a power cut leaves the whole file or none."""
    bgr = levels[0].cpu().permute(1, 2, 0).numpy()[..., ::-1]
    _, data = cv2.imencode('.png', np.ascontiguousarray(bgr))
    part = path.with_suffix('.part')
    part.write_bytes(data.tobytes())
    part.replace(path)
