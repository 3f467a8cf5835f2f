"""Bundles as networks that gradients run through, from the pixels of a picture to their logits."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional

from perception_nodes.imaging.resize import ImageResize, ResizePolicy, resize_between
from perception_nodes.inference.backends.onnx.loading import is_quantised
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.bundle_sections import InputSpec
from perception_nodes.inference.class_map import ClassMap
from perception_nodes.learning.adversarial.config import LEVELS
from perception_nodes.learning.export import trunk_in
from perception_nodes.learning.models.classifier import ClassifierNet
from perception_nodes.learning.models.segmenter import SegmenterNet, enlarged
from perception_nodes.learning.recipes.classification import (
    ClassificationRecipe,
    ClassifierRecipe,
)
from perception_nodes.learning.recipes.segmentation import SegmentationRecipe, SegmenterRecipe
from perception_nodes.learning.warm_start import load_exported
from perception_nodes.segmentation.planes import plane_to_source
from perception_nodes.structures import ColorOrder

_MARK, _STRIDES, _WIDEST = 'context.gate.weight', (2, 4), 512
_CLASSIFIER_STRIDES = (16, 32)
_PROBE_PX = 64  # of the picture on which layers are told apart
_CURE = (
    'take a bundle in fp32 that perception train segmentation wrote, or one of torchvision or '
    'segmentation-models-pytorch; or, for attacks, such a one of the same classes, and see what '
    'reaches this one (--surrogate)'
)


class NotDifferentiableError(ValueError):
    """A bundle whose gradients cannot be had; the text says why and what to do."""


class PictureNetwork(nn.Module):
    """
    Resizing, normalisation, network and the way back to the picture, in one.

    :param network: normalised (B, 3, h, w) to logits (B, C, rows, columns), alone or as ``out``.
    :param wanted: what the network's input is.
    :param class_map: which of its classes make up each result; None: each one its own.
    """

    def __init__(
        self, network: nn.Module, wanted: InputSpec, class_map: ClassMap | None = None
    ) -> None:
        super().__init__()
        self.network = network
        self._mean: torch.Tensor
        self._std: torch.Tensor
        self._wanted = wanted
        self._groups = None if class_map is None or class_map.is_identity else class_map.groups
        self.register_buffer('_mean', torch.tensor(wanted.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer('_std', torch.tensor(wanted.std).view(1, 3, 1, 1), persistent=False)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """
        Return the logits (B, C, H, W) of the pixels.

        :param pictures: (B, 3, H, W) float32 RGB in 0..1, of any one size.
        """
        found = self.network(self.prepared(pictures))
        logits = found['out'] if isinstance(found, dict) else found
        resize = self.resize_for((pictures.shape[3], pictures.shape[2]))
        return self._merged(_back(logits.float(), resize))

    def prepared(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the network's input (B, 3, h, w) of pictures."""
        planes = LEVELS * pictures
        if ColorOrder(self._wanted.color_order) is not ColorOrder.RGB:
            planes = planes.flip(1)
        resize = self.resize_for((pictures.shape[3], pictures.shape[2]))
        batch = (_resized(planes, resize) * self._wanted.scale - self._mean) / self._std
        return batch.contiguous(memory_format=torch.channels_last)

    def resize_for(self, source_wh: tuple[int, int]) -> ImageResize:
        """Return how pictures of a size become the network's input."""
        wanted = self._wanted
        if wanted.size_wh is None:
            return resize_between(source_wh, source_wh, ResizePolicy.NONE)
        size_wh = (int(wanted.size_wh[0]), int(wanted.size_wh[1]))
        return resize_between(source_wh, size_wh, ResizePolicy(wanted.resize), wanted.pad_value)

    def in_picture(self, plane: np.ndarray, source_wh: tuple[int, int]) -> np.ndarray:
        """
        Return a plane of features (H, W) at the size and place of the picture.

        :param plane: (h, w) float32 that covers the network's input evenly.
        """
        return plane_to_source(plane, self.resize_for(source_wh), cv2.INTER_LINEAR)

    def _merged(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the logits of the results, each "one of these classes"."""
        if self._groups is None:
            return logits
        return torch.stack([logits[:, list(group)].logsumexp(1) for group in self._groups], 1)


def _resized(planes: torch.Tensor, resize: ImageResize) -> torch.Tensor:
    """Return the network's input, bilinear as the deployed resizing, without its rounding."""
    if resize.source_wh == resize.network_wh:
        return planes
    (width, height), (left, top) = resize.resized_wh, resize.offset_xy
    right = resize.network_wh[0] - left - width
    bottom = resize.network_wh[1] - top - height
    inside = enlarged(planes, (height, width))
    return functional.pad(inside, (left, right, top, bottom), value=float(resize.pad_value))


def _back(logits: torch.Tensor, resize: ImageResize) -> torch.Tensor:
    """Return the logits at the size and place of the picture."""
    whole = enlarged(logits, resize.network_wh[::-1])
    if resize.source_wh == resize.network_wh:
        return whole
    (width, height), (left, top) = resize.resized_wh, resize.offset_xy
    inside = whole[..., top : top + height, left : left + width]
    return enlarged(inside, resize.source_wh[::-1])


def differentiable(bundle: ModelBundle) -> PictureNetwork:
    """
    Return a segmentation bundle as a network of torch, in eval mode, on the CPU.

    :raises NotDifferentiableError: see :func:`network_of`.
    """
    whole = PictureNetwork(network_of(bundle), bundle.spec.input, bundle.spec.result_map)
    return whole.eval().requires_grad_(False)


def crop_network(bundle: ModelBundle) -> PictureNetwork:
    """
    Return a segmentation bundle as a network that takes pixels as they are, without resizing.

    For crops of pictures that have the size that the bundle prescribes.

    :raises NotDifferentiableError: see :func:`network_of`.
    """
    wanted = replace(bundle.spec.input, size_wh=None, resize='none')
    whole = PictureNetwork(network_of(bundle), wanted, bundle.spec.result_map)
    return whole.eval().requires_grad_(False)


def network_of(bundle: ModelBundle) -> nn.Module:
    """
    Return the bare network of a segmentation bundle, from its normalised input to its logits.

    ONNX files of :class:`SegmenterNet` give their weights to one of the same size; torch bundles
    are torch networks already.

    :raises NotDifferentiableError: for any other bundle, saying why and what to take.
    """
    spec = bundle.spec
    if spec.task != 'segmentation':
        raise NotDifferentiableError(f'{bundle.path}: task is {spec.task}, not segmentation')
    decoder = spec.decoder
    if decoder.name != 'semantic_logits' or {'activated', 'channels_last'} & set(decoder.options):
        raise _refused(bundle, f'its outputs are no plain logits ({decoder.name})')
    return _from_onnx(bundle) if spec.architecture.library == 'onnx' else _from_torch(bundle)


class PictureClassifier(PictureNetwork):
    """Resizing, normalisation and a network with one answer for the whole picture, in one."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """
        Return the logits (B, C) of the pictures.

        :param pictures: (B, 3, H, W) float32 RGB in 0..1, of any one size.
        """
        found: torch.Tensor = self.network(self.prepared(pictures))
        return found


def differentiable_classifier(bundle: ModelBundle) -> PictureClassifier:
    """
    Return a bundle that ``perception train classification`` wrote as a network of torch.

    :raises NotDifferentiableError: for any other bundle, saying why and what to take.
    """
    spec = bundle.spec
    written = onnx.load(str(bundle.weights_path)) if _is_onnx(bundle) else None
    if written is None or is_quantised(written.graph):
        raise _not_ours(bundle, 'it is quantised, or no ONNX file')
    recipe = ClassificationRecipe(name=bundle.name, classes=bundle.classes)
    for stride in _CLASSIFIER_STRIDES:
        try:
            size = ClassifierRecipe(trunk=trunk_in(written), pretrained=False, stride=stride)
            network = ClassifierNet(replace(recipe, model=size))
            probe = torch.zeros(1, 3, _PROBE_PX, _PROBE_PX)
            load_exported(network, bundle.weights_path, [probe], narrower=True)
        except ValueError:
            continue
        return PictureClassifier(network, spec.input).eval().requires_grad_(False)
    raise _not_ours(bundle, 'its convolutions are not those of a classifier trained here')


def _is_onnx(bundle: ModelBundle) -> bool:
    return bundle.spec.architecture.library == 'onnx'


def _not_ours(bundle: ModelBundle, reason: str) -> NotDifferentiableError:
    return NotDifferentiableError(
        f'{bundle.path}: gradients cannot be had, {reason}; take a bundle in fp32 that perception '
        'train classification wrote, or a method that needs none'
    )


def _refused(bundle: ModelBundle, reason: str) -> NotDifferentiableError:
    return NotDifferentiableError(f'{bundle.path}: this needs gradients, and {reason}; {_CURE}')


def _from_torch(bundle: ModelBundle) -> nn.Module:
    from perception_nodes.inference.backends.pytorch.loading import load_checked

    return load_checked(bundle)


def _from_onnx(bundle: ModelBundle) -> nn.Module:
    """Return the network that was exported, its size read from the file."""
    written = onnx.load(str(bundle.weights_path))
    if is_quantised(written.graph):
        raise _refused(bundle, 'rounding to int8 has none')
    if _MARK not in {item.name for item in written.graph.initializer}:
        raise _refused(
            bundle, 'its ONNX file holds another network than those with the decoder of this suite'
        )
    recipe = SegmentationRecipe(name=bundle.name, classes=bundle.classes)
    for stride in _STRIDES:
        try:
            # As wide as a recipe can ask for: the file, which may be pruned, makes it narrower.
            size = SegmenterRecipe(
                trunk=trunk_in(written), pretrained=False, channels=_WIDEST, output_stride=stride
            )
            network = SegmenterNet(replace(recipe, model=size))
            # Measured statistics leave the function alone, so any picture will do.
            probe = torch.linspace(-1, 1, 3 * _PROBE_PX**2).view(1, 3, _PROBE_PX, _PROBE_PX)
            return load_exported(network, bundle.weights_path, [probe], narrower=True)
        except ValueError:
            continue
    raise _refused(bundle, 'its convolutions are not those of a network trained here')
