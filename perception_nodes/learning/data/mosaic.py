"""Training pictures made of four."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.utils.data import Dataset
from torchvision import tv_tensors

from perception_nodes.learning.data.pictures import Sample, any_sample

_MIDDLE = 0.3, 0.7  # where the four meet, as a part of each side


class Mosaic(torch.nn.Module):
    """
    Fill a part of the crops with windows of four pictures that meet somewhere in the middle.

    Bochkovskiy, Wang and Liao, "YOLOv4", 2020: more things, and of more scenes, in every step.
    Each window is cut as a crop of one picture would be, so that the same things are ignored.

    :param part: of the crops, 0..1; the others show one picture.
    :param cut: from a sample and a (width, height) to a window of that size.
    :param size_wh: of the crops.
    :param others: samples as they are stored, three of which join the first.
    """

    def __init__(
        self,
        part: float,
        cut: Callable[[Sample, tuple[int, int]], Sample],
        size_wh: tuple[int, int],
        others: Dataset,
    ) -> None:
        super().__init__()
        self.part, self.cut, self.size_wh = part, cut, size_wh
        self.others = others

    def forward(self, sample: Sample) -> Sample:
        """Return a crop of the sample alone, or with three others."""
        if float(torch.rand(())) >= self.part:
            return self.cut(sample, self.size_wh)
        low, high = _MIDDLE
        x, y = (
            round(side * (low + (high - low) * float(torch.rand(())))) for side in self.size_wh
        )
        width, height = self.size_wh
        sizes = [(x, y), (width - x, y), (x, height - y), (width - x, height - y)]
        samples = [sample, *(any_sample(self.others) for _ in range(3))]
        order = torch.randperm(4).tolist()
        windows = [
            self.cut(samples[index], size) for index, size in zip(order, sizes, strict=True)
        ]
        return _joined(windows, (x, y))


def _joined(windows: Sequence[Sample], middle_xy: tuple[int, int]) -> Sample:
    """Return one sample of four: top left, top right, bottom left, bottom right."""
    image = tv_tensors.Image(_quartered([window['image'] for window in windows]))
    if 'mask' in windows[0]:
        masks = [window['mask'] for window in windows]
        return {'image': image, 'mask': tv_tensors.Mask(_quartered(masks))}
    x, y = middle_xy
    corners = ((0, 0), (x, 0), (0, y), (x, y))
    boxes = [
        window['boxes'].as_subclass(torch.Tensor) + torch.tensor(corner * 2)
        for window, corner in zip(windows, corners, strict=True)
    ]
    height, width = image.shape[-2:]
    return {
        'image': image,
        'boxes': tv_tensors.BoundingBoxes(
            torch.cat(boxes), format='XYXY', canvas_size=(height, width)
        ),
        'class_ids': torch.cat([window['class_ids'] for window in windows]),
        'ignored': torch.cat([window['ignored'] for window in windows]),
    }


def _quartered(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return four (C, h, w) as one (C, H, W)."""
    plain = [part.as_subclass(torch.Tensor) for part in parts]
    return torch.cat([torch.cat(plain[:2], dim=2), torch.cat(plain[2:], dim=2)], dim=1)
