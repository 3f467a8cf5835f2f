"""
How well signs are known from a few crops each: ``python -m benchmarks.few_shot --supports 5``.

Classes of GTSRB with four tracks are enrolled from three of them (two crops each, all six or the
first five) and queried with the fourth, in all four ways; the crops of the other classes should
be unknown.
The same prototypes on raw pixels stand beside. Nothing is random.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.few_shot_sheet import write_sheet
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.fewshot.embedding import (
    Embedder,
    GradientColorEmbedder,
    PixelEmbedder,
)
from perception_nodes.fewshot.protocol import OpenSetResult, leave_one_track_out
from perception_nodes.fewshot.views import embed_views

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / 'benchmarks' / 'results' / 'few_shot.json'
TRACKS, ALL = 4, 6
SETTINGS: dict[str, Embedder] = {
    'gradients and colours': GradientColorEmbedder(),
    'without colour': GradientColorEmbedder(color_weight=0),
    'without contrast normalisation': GradientColorEmbedder(contrast_limit=0),
    'without the window': GradientColorEmbedder(center_width=0),
    'half the size': GradientColorEmbedder(size_px=48),
    'raw pixels': PixelEmbedder(),
}
_console = Console(width=120)


@dataclass(frozen=True, eq=False, kw_only=True)
class SignCrops:
    """
    Crops of known and of other signs.

    :param paths: of the known ones.
    :param open_paths: of the others.
    """

    paths: list[Path]
    open_paths: list[Path]

    @property
    def names(self) -> list[str]:
        """Return the class of each known crop."""
        return [path.parent.name for path in self.paths]

    @property
    def tracks(self) -> list[str]:
        """Return the track of each known crop: the middle number of its name."""
        return [track_of(path) for path in self.paths]


def track_of(path: Path) -> str:
    """Return the middle number of a name such as ``00017_00022_00010.png``."""
    return path.stem.split('_')[1]


def data_folder() -> Path:
    """Return where the crops should be."""
    shared = Path(os.environ.get('PERCEPTION_TEST_DATA', ROOT.parent / 'shared' / 'data'))
    return shared / 'gtsrb_crops'


def find_crops(folder: Path) -> SignCrops:
    """
    Return the crops of a folder with a folder for every class.

    :raises ValueError: when there are none.
    """
    paths = sorted(folder.glob('*/*_*_*.png'))
    tracks: dict[str, set[str]] = {}
    for path in paths:
        tracks.setdefault(path.parent.name, set()).add(track_of(path))
    known = [path for path in paths if len(tracks[path.parent.name]) == TRACKS]
    others = [path for path in paths if len(tracks[path.parent.name]) != TRACKS]
    if not known or not others:
        raise ValueError(f'no crops of GTSRB at {folder}: set PERCEPTION_TEST_DATA')
    return SignCrops(paths=known, open_paths=others)


def read_rgb(path: Path) -> np.ndarray:
    """Return (H, W, 3) uint8, RGB."""
    return np.asarray(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB))


def measure(
    crops: SignCrops, embedder: Embedder, supports: int | None = None
) -> tuple[OpenSetResult, dict[str, Any]]:
    """Return what the protocol found, and its figures with times."""
    started = time.process_time()
    known = embed_views(embedder, map(read_rgb, crops.paths))
    others = embed_views(embedder, map(read_rgb, crops.open_paths))
    embedded = time.process_time()
    result = leave_one_track_out(known, crops.names, crops.tracks, others, supports)
    count = len(known) + len(others)
    return result, {
        **result.figures(), 'dimensions': known.shape[2],
        'embedding_cpu_ms': 1000 * (embedded - started) / count,
        'fold_cpu_s': (time.process_time() - embedded) / TRACKS,
    }  # fmt: skip


def main() -> None:
    """Measure all settings and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--supports', type=int, default=ALL, help='crops of a class, of 3 tracks')
    parser.add_argument('--out', type=Path, help=f'default: {RESULT.name}, with another number of '
                        'supports few_shot_N.json beside it')  # fmt: skip
    parser.add_argument('--sheet', type=Path, help='contact sheet (JPEG) to write')
    options = parser.parse_args()
    ending = '' if options.supports == ALL else f'_{options.supports}'
    target = options.out or RESULT.with_name(f'{RESULT.stem}{ending}.json')
    try:
        crops = find_crops(data_folder())
    except ValueError as error:
        raise SystemExit(str(error)) from None
    machine = describe_machine()
    found = {
        name: measure(crops, embedder, options.supports) for name, embedder in SETTINGS.items()
    }
    figures = {name: row for name, (_, row) in found.items()}
    if options.sheet:
        first = next(iter(found.values()))[0]
        write_sheet(options.sheet, crops.paths, crops.open_paths, first)
    document = {
        'machine': machine, 'deterministic': True, 'classes': len(set(crops.names)),
        'tracks': TRACKS, 'supports_per_class': options.supports,
        'open_classes': len({path.parent.name for path in crops.open_paths}),
        'open_crops': len(crops.open_paths), 'results': figures,
    }  # fmt: skip
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(document, indent=2) + '\n')
    table = Table('embedder', 'accuracy', 'AUROC', 'known accepted', 'others rejected', 'CPU ms')
    for name, row in figures.items():
        keys = ('accuracy', 'auroc', 'known_accepted', 'open_rejected')
        values = [f'{row[key]:.3f}' for key in keys]
        table.add_row(name, *values, f'{row["embedding_cpu_ms"]:.1f}')
    _console.print(table)


if __name__ == '__main__':
    main()
