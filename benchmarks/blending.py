"""
What blending does to things on real backgrounds: ``python -m benchmarks.blending PHOTOS``.

Rendered held-out things are pasted at the same places with hard edges, with soft ones, and by
Poisson blending (Pérez et al. 2003, OpenCV); the bundled detector, which has seen none of it,
tells how many still look like what they are.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from perception_nodes.detection import Detector
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.evaluation.matching import match_boxes
from perception_nodes.imaging.collage import Collage, Cutout
from perception_nodes.simulation.composites import composite
from perception_nodes.simulation.composites.backgrounds import (
    background_paths,
    gather_backgrounds,
    random_view,
)
from perception_nodes.simulation.composites.composite import CompositeConfig, compose
from perception_nodes.simulation.composites.things import RenderedThings, Thing
from perception_nodes.structures import Frame

SIZE_WH, SEED, THINGS = (640, 480), 5, 4
SMALLEST_PX, LEAST_VISIBLE, MOST_TRUNCATED = 24, 0.5, 0.3
"""Things that are smaller, or hidden or cut off further, are not asked for."""
PLAIN = CompositeConfig(size_wh=SIZE_WH, feather_px=0.0, light=0.0)
CONFIGS = {
    'hard': PLAIN,
    'hard, light': replace(PLAIN, light=0.7),
    'soft 0.7 px': replace(PLAIN, feather_px=0.7),
    'soft 0.7 px, light': CompositeConfig(size_wh=SIZE_WH),
    'soft 1.5 px, light': CompositeConfig(size_wh=SIZE_WH, feather_px=1.5),
}
CLONES = {'Poisson': cv2.NORMAL_CLONE, 'Poisson, mixed': cv2.MIXED_CLONE}


class PoissonCollage(Collage):
    """A collage whose things take on the colours around them."""

    how = cv2.NORMAL_CLONE

    def paste(self, cutout: Cutout, left: int, top: int) -> int:
        """Lay a thing over the picture by Poisson blending."""
        before = self.rgb.copy()
        number = super().paste(cutout, left, top)
        mask = cv2.dilate((self.owner == number).astype(np.uint8) * 255, np.ones((3, 3)))
        mask[[0, -1]] = mask[:, [0, -1]] = 0
        if mask.any():
            x, y, width, height = cv2.boundingRect(mask)
            middle = (x + width // 2, y + height // 2)
            self.rgb = cv2.seamlessClone(self.rgb, before, mask, middle, self.how)
        return number


def scenes(photos: Sequence[Path], count: int) -> Iterator[tuple[np.ndarray, list[Thing]]]:
    """Yield backgrounds and what is to stand on them."""
    source = RenderedThings('held_out', SEED, SIZE_WH)
    for index in range(count):
        rng = np.random.default_rng([SEED, index])
        yield (
            random_view(photos[index % len(photos)], SIZE_WH, rng),
            source.draw(index, THINGS, rng),
        )
    source.close()


def measured(
    detector: Detector, work: Sequence[tuple[np.ndarray, list[Thing]]], config: CompositeConfig
) -> dict[str, float]:
    """Return which part of the things is found, and the processor time of a composite."""
    found = asked = 0
    times_ms = []
    for index, (background, things) in enumerate(work):
        begin = time.process_time()
        made = compose(background, things, config, np.random.default_rng([SEED + 1, index]))
        times_ms.append(1e3 * (time.process_time() - begin))
        shown = [
            (thing.xyxy, class_id)
            for thing, class_id in zip(made.pasted, made.class_ids, strict=True)
            if thing.xyxy is not None
            and max(np.subtract(thing.xyxy[2:], thing.xyxy[:2])) >= SMALLEST_PX
            and thing.visible_fraction >= LEAST_VISIBLE
            and thing.truncated_fraction <= MOST_TRUNCATED
        ]
        boxes = np.array([box for box, _ in shown], np.float32).reshape(-1, 4)
        numbers = np.array([number for _, number in shown], np.int64)
        found += len(match_boxes(detector(Frame(pixels=made.rgb)), boxes, numbers).pairs)
        asked += len(shown)
    return {'things': asked, 'found': found / asked, 'cpu_ms': float(np.median(times_ms))}


def main() -> None:
    """Compose, detect, print, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('photos', nargs='+', help='folder of pictures, video or bag')
    parser.add_argument('--scenes', type=int, default=100)
    parser.add_argument('--out', type=Path, default=Path('out/benchmarks/blending.json'))
    options = parser.parse_args()
    cv2.setNumThreads(1)
    detector = Detector.load('simulator_detector', device='cpu', threads=1)
    with tempfile.TemporaryDirectory() as folder:
        gather_backgrounds(options.photos, Path(folder), SIZE_WH)
        work = list(scenes(background_paths(Path(folder)), options.scenes))
    rows = {name: measured(detector, work, config) for name, config in CONFIGS.items()}
    composite.Collage = PoissonCollage  # type: ignore[misc]
    for name, how in CLONES.items():
        PoissonCollage.how = how
        rows[name] = measured(detector, work, PLAIN)
    for name, row in rows.items():
        print(f'{name:20} {row["found"]:.3f} of {row["things"]} found, {row["cpu_ms"]:.1f} ms')
    options.out.parent.mkdir(parents=True, exist_ok=True)
    result = {'machine': describe_machine(), 'scenes': options.scenes, 'rows': rows}
    options.out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + '\n')


if __name__ == '__main__':
    main()
