"""Things of other training pictures, pasted where chance wants."""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torchvision import tv_tensors

from perception_nodes.imaging.collage import Collage, Cutout, cut_out, cut_out_box
from perception_nodes.imaging.outlines import mask_of
from perception_nodes.learning.data.pictures import PictureDataset, Sample

if TYPE_CHECKING:
    from perception_nodes.learning.data.masks import MaskDataset

_MOST_THINGS = 3
_SCALE = 0.5, 1.5
_SMALLEST_PX = 12  # of the shorter side of a box that is cut out
_SMALLEST_AREA_PX = 100  # of a piece of a mask, likewise
Place = tuple[int, int]
"""Number of a picture, and which things of it are meant: of a box, or a class id."""


class PasteThings(torch.nn.Module, abc.ABC):
    """
    Paste up to three things onto a part of the samples, each at a random place and size.

    Ghiasi et al., "Simple Copy-Paste is a Strong Data Augmentation Method for Instance
    Segmentation", CVPR 2021. The class of a thing is drawn first, evenly: rare classes are
    pasted as often as common ones.

    :param part: of the samples, 0..1.
    :param places: by class id, where its things are; at least one class with one thing.
    """

    def __init__(self, part: float, places: Mapping[int, Sequence[Place]]) -> None:
        super().__init__()
        self.part = part
        self.places = {number: found for number, found in places.items() if len(found)}
        if not self.places:
            raise ValueError(
                'paste: the training pictures hold not one thing of its classes that is large '
                'enough; name others in paste_classes, or set paste to 0'
            )

    def forward(self, sample: Sample) -> Sample:
        """Return the sample with things of others on its ``image`` (3, H, W) uint8, or alone."""
        if float(torch.rand(())) >= self.part:
            return sample
        collage = Collage(_pixels(sample))
        class_ids = []
        for _ in range(1 + int(torch.randint(_MOST_THINGS, ()))):
            class_id = list(self.places)[int(torch.randint(len(self.places), ()))]
            found = self.places[class_id]
            place = found[int(torch.randint(len(found), ()))]
            _paste_anywhere(collage, self.thing(place))
            class_ids.append(class_id)
        image = torch.from_numpy(collage.rgb).permute(2, 0, 1).contiguous()
        labels = self.labels(sample, collage, class_ids)
        return {**sample, 'image': tv_tensors.Image(image), **labels}

    @abc.abstractmethod
    def thing(self, place: Place) -> Cutout:
        """Return what is at a place."""

    @abc.abstractmethod
    def labels(self, sample: Sample, collage: Collage, class_ids: Sequence[int]) -> Sample:
        """Return the labels of the sample as they are under what was pasted."""


class PasteBoxes(PasteThings):
    """
    Paste labelled objects: their pixels where the labels have outlines, else their boxes.

    :param part: of the samples, 0..1.
    :param others: samples as they are stored, from which things are taken.
    :param class_ids: of the things.
    :param min_visible: objects of which less is left to see are ignored, 0..1.
    """

    def __init__(
        self, part: float, others: PictureDataset, class_ids: Sequence[int], min_visible: float
    ) -> None:
        places: dict[int, list[Place]] = {number: [] for number in class_ids}
        for index, picture in enumerate(others.pictures):
            sides = (picture.xyxy[:, 2:] - picture.xyxy[:, :2]).min(1, initial=np.inf)
            for box in np.flatnonzero(~picture.ignored & (sides >= _SMALLEST_PX)).tolist():
                if int(picture.class_ids[box]) in places:
                    places[int(picture.class_ids[box])].append((index, box))
        super().__init__(part, places)
        self.others = others
        self.min_visible = min_visible

    def thing(self, place: Place) -> Cutout:
        """Return the object, with fading edges where its outline is not known."""
        picture, box = self.others.pictures[place[0]], place[1]
        rgb, outline = _pixels(self.others[place[0]]), picture.outlines[box]
        if outline is None:
            return cut_out_box(rgb, picture.xyxy[box])
        try:
            mask = mask_of(outline, (rgb.shape[1], rgb.shape[0]))
        except ValueError as error:
            raise ValueError(f'{picture.path}: {error}') from error
        return cut_out(rgb, mask) if mask.any() else cut_out_box(rgb, picture.xyxy[box])

    def labels(self, sample: Sample, collage: Collage, class_ids: Sequence[int]) -> Sample:
        """Return the boxes around what is left to see; of hidden ones there is none."""
        old = [collage.uncovered(box) for box in sample['boxes'].tolist()]
        new = [(one.xyxy, one.visible_fraction * (1 - one.truncated_fraction))
               for one in collage.pasted()]  # fmt: skip
        rows = [
            (xyxy, number, ignored or shown < self.min_visible)
            for (xyxy, shown), number, ignored in zip(
                [*old, *new],
                [*sample['class_ids'].tolist(), *class_ids],
                [*sample['ignored'].tolist(), *(False for _ in new)],
                strict=True,
            )
            if xyxy is not None and shown > 0
        ]
        height, width = sample['image'].shape[-2:]
        boxes = torch.tensor([row[0] for row in rows], dtype=torch.float32).reshape(-1, 4)
        return {
            'boxes': tv_tensors.BoundingBoxes(boxes, format='XYXY', canvas_size=(height, width)),
            'class_ids': torch.tensor([row[1] for row in rows], dtype=torch.int64),
            'ignored': torch.tensor([row[2] for row in rows], dtype=torch.bool),
        }


class PasteMasks(PasteThings):
    """
    Paste connected pieces of masks.

    :param part: of the samples, 0..1.
    :param others: samples as they are stored, from which things are taken.
    :param class_ids: of the things.
    """

    def __init__(self, part: float, others: MaskDataset, class_ids: Sequence[int]) -> None:
        indices, counts = others.pixels_by_picture
        super().__init__(part, {
            number: [
                (int(index), number) for index in indices[counts[:, number] >= _SMALLEST_AREA_PX]
            ]
            for number in class_ids
        })  # fmt: skip
        self.others = others

    def thing(self, place: Place) -> Cutout:
        """Return one of the pieces of the class in a picture."""
        sample = self.others[place[0]]
        of_class = (sample['mask'][0].numpy() == place[1]).astype(np.uint8)
        count, pieces, sizes, _ = cv2.connectedComponentsWithStats(of_class)
        large = [n for n in range(1, count) if sizes[n, cv2.CC_STAT_AREA] >= _SMALLEST_AREA_PX]
        if not large:  # the class is there in crumbs alone
            large = [1 + int(sizes[1:, cv2.CC_STAT_AREA].argmax())]
        chosen = large[int(torch.randint(len(large), ()))]
        return cut_out(_pixels(sample), pieces == chosen)

    def labels(self, sample: Sample, collage: Collage, class_ids: Sequence[int]) -> Sample:
        """Return the mask with the classes of what was pasted."""
        mask = sample['mask'][0].numpy().copy()
        for number, class_id in enumerate(class_ids):
            mask[collage.owner == number] = class_id
        return {'mask': tv_tensors.Mask(torch.from_numpy(mask).unsqueeze(0))}


def _pixels(sample: Sample) -> np.ndarray:
    """Return the (H, W, 3) uint8 picture of a sample."""
    return sample['image'].as_subclass(torch.Tensor).permute(1, 2, 0).numpy()


def _paste_anywhere(collage: Collage, thing: Cutout) -> None:
    """Paste a thing with its middle in the picture."""
    low, high = _SCALE
    thing = thing.scaled(low * math.exp(float(torch.rand(())) * math.log(high / low)))
    if float(torch.rand(())) < 0.5:
        thing = thing.mirrored()
    height, width = collage.owner.shape
    x, y = float(torch.rand(())) * width, float(torch.rand(())) * height
    collage.paste(thing, round(x - thing.size_wh[0] / 2), round(y - thing.size_wh[1] / 2))
