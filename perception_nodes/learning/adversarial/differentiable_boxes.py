"""Detection bundles as networks that gradients run through, from a picture to scores of boxes."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np
import onnx
import torch
from torch import nn
from torchvision.models.detection.ssdlite import SSDLiteFeatureExtractorMobileNet
from torchvision.ops import box_iou

from perception_nodes.inference.backends.onnx.loading import is_quantised
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.decoders.fcos import FcosDecoder
from perception_nodes.learning.adversarial.differentiable import (
    NotDifferentiableError,
    PictureNetwork,
)
from perception_nodes.learning.export import trunk_in
from perception_nodes.learning.models.detector import NEW_BRANCHES, DetectorNet, locations
from perception_nodes.learning.recipes.detection import DetectionRecipe, ModelRecipe
from perception_nodes.learning.warm_start import load_exported

_WIDEST, _DEPTHS = 256, (1, 2, 3, 4)  # what a recipe can ask for
_PROBE_PX = 64  # of the picture on which layers are told apart


class PictureDetector(PictureNetwork, abc.ABC):
    """
    Resizing, normalisation and a detector, from a picture to what it says of boxes.

    :param bundle: of the network.
    """

    def __init__(self, network: nn.Module, bundle: ModelBundle) -> None:
        super().__init__(network, bundle.spec.input)
        self._bundle = bundle

    @property
    @abc.abstractmethod
    def feature_layer(self) -> nn.Module:
        """The layer with the coarsest features that all boxes rest on."""

    @abc.abstractmethod
    def candidates(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """
        Return (N, 4) boxes in pixels of the picture, and (N, C) scores with gradients.

        :param pictures: (1, 3, H, W) float32 RGB in 0..1.
        """

    def score_of(self, pictures: torch.Tensor, xyxy: np.ndarray, class_id: int) -> torch.Tensor:
        """
        Return (1,) the score of the candidate that is most of a box: overlap (IoU) times score.

        :param pictures: (1, 3, H, W) float32 RGB in 0..1.
        :param xyxy: (4,) the box, in pixels of the picture.
        :param class_id: of the box.
        :raises ValueError: when nothing overlaps it.
        """
        boxes, scores = self.candidates(pictures)
        wanted = torch.from_numpy(np.asarray(xyxy, np.float32))[None]
        likeness = box_iou(wanted, boxes.detach())[0] * scores[:, class_id].detach()
        if not len(likeness) or likeness.max() <= 0:
            raise ValueError(
                f'{self._bundle.path}: in torch its network finds nothing where it has found '
                f'{self._bundle.classes[class_id]}; take a method without gradients'
            )
        return scores[likeness.argmax(), class_id][None]


class _TrainedHere(PictureDetector):
    """A :class:`DetectorNet`: every location of its levels is a candidate."""

    @property
    def feature_layer(self) -> nn.Module:
        """The last stage of the trunk, stride 16."""
        return list(self.network.get_submodule('trunk.parts').children())[-1]

    def candidates(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what all locations say."""
        batch = self.prepared(pictures)
        logits, ltrb, quality = (found[0] for found in self.network(batch))
        scores = logits.sigmoid() * quality.sigmoid()
        options = self._bundle.spec.decoder.options
        if options.get('geometric_mean', FcosDecoder.geometric_mean):
            scores = scores.sqrt()
        centres = locations((batch.shape[3], batch.shape[2]))[:, :2]
        xyxy = torch.cat([centres - ltrb[:, :2], centres + ltrb[:, 2:]], 1).detach()
        resize = self.resize_for((pictures.shape[3], pictures.shape[2]))
        return torch.from_numpy(resize.to_source(xyxy.numpy(), clip=True)), scores


class _OfTorchvision(PictureDetector):
    """A detector of torchvision, which resizes and suppresses by itself."""

    @property
    def feature_layer(self) -> nn.Module:
        """The last stage below a pyramid; of an SSD, which has none, what its finest boxes see."""
        backbone = self.network.get_submodule('backbone')
        if isinstance(backbone, SSDLiteFeatureExtractorMobileNet):
            return backbone.get_submodule('features.0')
        if hasattr(backbone, 'body'):
            return list(backbone.get_submodule('body').children())[-1]
        return backbone.get_submodule('features')

    def candidates(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the boxes that are left after suppression."""
        found: Mapping[str, torch.Tensor] = self.network([self.prepared(pictures)[0]])[0]
        offset = int(self._bundle.spec.decoder.options.get('label_offset', 0))
        classes = torch.arange(len(self._bundle.classes)) + offset
        is_class = found['labels'][:, None] == classes
        return found['boxes'], found['scores'][:, None] * is_class

    def in_picture(self, plane: np.ndarray, source_wh: tuple[int, int]) -> np.ndarray:
        """Return a plane of features at the place of the picture, without what was padded."""
        width, height = source_wh
        # The module is the one that resizes; its types say nothing of it.
        shown, _ = self.network.transform([torch.zeros(3, height, width)])  # type: ignore[operator]
        whole_hw, (rows, columns) = shown.tensors.shape[2:], shown.image_sizes[0]
        whole = cv2.resize(plane, (whole_hw[1], whole_hw[0]), interpolation=cv2.INTER_LINEAR)
        inside = np.ascontiguousarray(whole[:rows, :columns])
        return np.asarray(cv2.resize(inside, source_wh, interpolation=cv2.INTER_LINEAR))


def differentiable_detector(bundle: ModelBundle) -> PictureDetector:
    """
    Return a detection bundle as a network of torch, in eval mode, on the CPU.

    Detectors of torchvision are torch networks; ONNX files of :class:`DetectorNet` give their
    weights to one of the same size.

    :raises NotDifferentiableError: for any other bundle, saying why and what to take.
    """
    if bundle.spec.architecture.library == 'onnx':
        whole: PictureDetector = _TrainedHere(_from_onnx(bundle), bundle)
    else:
        from perception_nodes.inference.backends.pytorch.loading import load_checked

        whole = _OfTorchvision(load_checked(bundle), bundle)
    return whole.eval().requires_grad_(False)


def _from_onnx(bundle: ModelBundle) -> nn.Module:
    """Return the network that was exported, its size read from the file."""
    written = onnx.load(str(bundle.weights_path))
    if is_quantised(written.graph):
        raise _refused(bundle, 'rounding to int8 has none')
    if bundle.spec.decoder.name != 'fcos':
        raise _refused(bundle, 'its ONNX file holds another network than those trained here')
    recipe = DetectionRecipe(name=bundle.name, classes=bundle.classes)
    probe = torch.linspace(-1, 1, 3 * _PROBE_PX**2).view(1, 3, _PROBE_PX, _PROBE_PX)
    for depth in _DEPTHS:
        try:
            # As wide as a recipe can ask for: the file, which may be pruned, makes it narrower.
            size = ModelRecipe(
                trunk=trunk_in(written), pretrained=False, channels=_WIDEST, head_depth=depth
            )
            network = DetectorNet(replace(recipe, model=size))
            return load_exported(
                network, bundle.weights_path, [probe], NEW_BRANCHES, narrower=True
            )
        except ValueError:
            continue
    raise _refused(bundle, 'its convolutions are not those of a detector trained here')


def _refused(bundle: ModelBundle, reason: str) -> NotDifferentiableError:
    return NotDifferentiableError(
        f'{bundle.path}: this needs gradients, and {reason}; take a bundle in fp32 that '
        'perception train detection wrote, a detector of torchvision, or a method that needs none '
        '(random_masks, occlusion)'
    )
