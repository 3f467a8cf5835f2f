"""``perception explain``: which pixels decisions rest on, and how far that can be believed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer

from perception_nodes.cli.explanation_report import Explained, explanation_report
from perception_nodes.cli.model_options import (
    DeviceOption,
    ModelOption,
    PrecisionOption,
    ThreadsOption,
)
from perception_nodes.cli.opened_model import open_model
from perception_nodes.cli.progress import console, progress_bar
from perception_nodes.cli.report_blocks import leave
from perception_nodes.cli.sources import Source, find_sources
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.explanation import (
    ExplanationConfig,
    Method,
    Question,
    deletion,
    explain,
    insertion,
    questions_about,
    random_map,
)
from perception_nodes.explanation.saliency import runs
from perception_nodes.explanation.trust import STEPS
from perception_nodes.inference.registry import resolve_model
from perception_nodes.structures import ColorOrder, Frame
from perception_nodes.visualization.heat_overlay import draw_heat

_DEFAULTS = ExplanationConfig()
_CURVES = 3  # deletion, insertion, deletion by a random map


def explain_command(
    sources: Annotated[list[str], typer.Argument(help='Pictures, folders, patterns.')],
    model: ModelOption,
    out: Annotated[Path, typer.Option('--out', '-o', help='Folder to write.')] = Path(
        'out/explain'
    ),
    method: Annotated[
        str, typer.Option(help=f'One of {", ".join(item.value for item in Method)}.')
    ] = _DEFAULTS.method,
    masks: Annotated[int, typer.Option(help='Random veils: more are finer and slower.')] = (
        _DEFAULTS.masks
    ),
    layer: Annotated[
        str, typer.Option(help='grad_cam: layer whose features count; else the coarsest.')
    ] = _DEFAULTS.layer,
    most: Annotated[int, typer.Option(min=1, help='Decisions a picture, surest first.')] = 3,
    check: Annotated[
        bool, typer.Option(help='Measure deletion and insertion against a random map.')
    ] = True,
    seed: Annotated[int, typer.Option(min=0, help='Of everything random.')] = 0,
    device: DeviceOption = 'auto',
    precision: PrecisionOption = 'fp32',
    threads: ThreadsOption = 0,
) -> None:
    """Show which pixels the boxes, regions or classes that a model finds rest on."""
    config = ExplanationConfig(method=method, masks=masks, seed=seed, layer=layer)
    pictures = [source for source in find_sources(sources) if not source.is_video]
    if not pictures:
        raise ValueError('explain looks at pictures; take frames out of videos and bags first')
    opened = open_model(resolve_model(model), device=device, precision=precision, threads=threads)
    console.print(opened.description, highlight=False)
    found: list[Explained] = []
    for source in pictures:
        frame = next(source.frames())
        question = questions_about(opened, frame, most)
        if question is None:
            console.print(f'{source.path}: nothing is found there', highlight=False)
            continue
        found += _Looked(source, frame, question, config, check).explained()
    opened.close()
    _write(found, model, config, out)


@dataclass(frozen=True, eq=False)
class _Looked:
    """One picture and what was asked about it."""

    source: Source
    frame: Frame
    question: Question
    config: ExplanationConfig
    check: bool

    def explained(self) -> list[Explained]:
        """Return the answers, with a progress bar."""
        names = self.question.names
        total = runs(self.frame.size_wh, self.config)
        total += self.check * len(names) * _CURVES * (STEPS + 1)
        with progress_bar('Explaining', total) as advance:
            maps = explain(
                self.question, self.frame, self.config, lambda: advance(1, self.source.path.name)
            )
            entries = []
            for number, name in enumerate(names):
                curves = self._curves(number, maps[number]) if self.check else {}
                advance(len(curves) * (STEPS + 1))
                entries.append(
                    Explained(
                        picture=self.source.path.name, name=name, frame=self.frame,
                        saliency=maps[number], curves=curves,
                    )
                )  # fmt: skip
        return entries

    def _curves(self, number: int, saliency: np.ndarray) -> dict[str, Any]:
        rng = np.random.default_rng([self.config.seed, number])
        nothing = random_map(rng, saliency.shape)
        asked = self.question, number, self.frame
        return {
            'deletion': deletion(*asked, saliency),
            'insertion': insertion(*asked, saliency),
            'deletion, random map': deletion(*asked, nothing),
        }


def _write(found: list[Explained], model: str, config: ExplanationConfig, out: Path) -> None:
    """Write overlays, page and figures."""
    out.mkdir(parents=True, exist_ok=True)
    for number, item in enumerate(found):
        bgr = np.ascontiguousarray(item.frame.in_order(ColorOrder.BGR))
        drawn = draw_heat(bgr, item.saliency, color_order=ColorOrder.BGR)
        cv2.imwrite(str(out / f'{Path(item.picture).stem}_{number:03d}.jpg'), drawn)
    record = {
        'model': model, 'settings': asdict(config), 'machine': describe_machine(),
        'explained': [item.to_dict() for item in found],
    }  # fmt: skip
    page = leave(explanation_report(found, record), record, out, 'explanations.json')
    console.print(f'{len(found)} decisions → {page}', highlight=False)
