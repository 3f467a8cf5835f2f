"""``perception models``: list, show, verify, fetch, import and build models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from perception_nodes.cli import model_tables
from perception_nodes.cli.model_import import ImportRequest, import_onnx, parse_size, parse_three
from perception_nodes.cli.opened_model import MODELS, open_model
from perception_nodes.cli.progress import console, track
from perception_nodes.inference import catalogue, golden
from perception_nodes.inference.bundle import BundleError, ModelBundle, read_bundle
from perception_nodes.inference.registry import bundled_models, cached_models, resolve_model

app = typer.Typer(help='List, show, verify, fetch, import and build models.')

Model = Annotated[
    str,
    typer.Argument(
        help='Name of a bundled or fetched model, folder, or address '
        '(package://…, file://…, torchvision://…).'
    ),
]
Device = Annotated[str, typer.Option(help='auto, cpu, cuda, cuda:N, tensorrt or tensorrt:N.')]
TORCHVISION_SCHEME = 'torchvision://'
_FAILED = 1


@app.command(name='list')
def list_models(
    names_only: Annotated[bool, typer.Option('--names', help='Print names only.')] = False,
) -> None:
    """List the models that are here and those that can be fetched."""
    rows = model_tables.collect(bundled_models(), cached_models(), catalogue.load_catalogue())
    if names_only:
        for row in rows:
            typer.echo(row.name)
        return
    output().print(model_tables.list_table(rows))
    output().print(
        'Every detection and segmentation model of torchvision works too, for example '
        'torchvision://ssdlite320_mobilenet_v3_large',
        highlight=False,
    )


@app.command()
def show(model: Model) -> None:
    """Show everything that a model's description says."""
    entries = catalogue.load_catalogue()
    is_here = model in {**bundled_models(), **cached_models()} or Path(model).exists()
    if model in entries and not is_here:
        output().print(model_tables.show_table(entries[model].spec, 'not fetched yet'))
        return
    bundle = resolve_model(model)
    output().print(model_tables.show_table(bundle.spec, str(bundle.path)))


@app.command()
def verify(
    models: Annotated[
        list[str] | None, typer.Argument(help='Models; none: all that are here.')
    ] = None,
    device: Device = 'cpu',
    precision: Annotated[str, typer.Option(help='fp32 or fp16.')] = 'fp32',
) -> None:
    """Check hash, network, output shapes and golden frame; exit code 1 when one is wrong."""
    here = {**bundled_models(), **cached_models()}
    wanted = models or sorted(here)
    if not wanted:
        console.print('There are no models yet: perception models list shows what can be fetched')
        return
    results = [_verify(model, device, precision) for model in track(wanted, 'Verifying models')]
    output().print(model_tables.verify_table([(r.model, r.passed, r.checks) for r in results]))
    for result in results:
        if result.reason:
            console.print(f'{result.model}: {result.reason}', markup=False, highlight=False)
    if not all(result.passed for result in results):
        raise typer.Exit(_FAILED)


@app.command()
def fetch(
    name: Annotated[
        str, typer.Argument(help='Name in the catalogue, or torchvision://<builder>.')
    ],
    from_file: Annotated[
        Path | None, typer.Option(help='Weights that were brought by hand, without a network.')
    ] = None,
) -> None:
    """Fetch a model of the catalogue, prove that it works, and record its golden frame."""
    if name.startswith(TORCHVISION_SCHEME):
        _fetch_torchvision(name)
        return
    entry = catalogue.find_entry(name, catalogue.load_catalogue())
    with _download_bar(name) as progress:
        bundle = catalogue.fetch(entry, from_file=from_file, progress=progress)
    if bundle.spec.golden is None and entry.acceptance is not None:
        bundle = _accept(bundle, entry.acceptance)
    console.print(f'{name} ({bundle.spec.provenance.licence}) is ready: {bundle.path}')


@app.command(name='import')
def import_model(
    model: Annotated[Path, typer.Argument(help='ONNX file.', exists=True, dir_okay=False)],
    name: Annotated[str, typer.Option(help='Name of the bundle.')],
    decoder: Annotated[
        str, typer.Option(help='How outputs become results: yolox, semantic_logits, …')
    ],
    classes: Annotated[str, typer.Option(help='Shipped list (coco80) or file, a name a line.')],
    picture: Annotated[
        Path | None,
        typer.Option('--golden', help='Picture of things that the model knows.', exists=True),
    ] = None,
    size: Annotated[str, typer.Option(help='WxH; empty: as the file says.')] = '',
    color: Annotated[str, typer.Option(help='rgb or bgr.')] = 'rgb',
    resize: Annotated[
        str, typer.Option(help='letterbox, letterbox_top_left or stretch.')
    ] = 'letterbox',
    scale: Annotated[float, typer.Option(help='Factor on pixels 0..255.')] = 1 / 255,
    mean: Annotated[str, typer.Option(help='Three numbers, after scaling.')] = '0,0,0',
    std: Annotated[str, typer.Option(help='Three numbers, after scaling.')] = '1,1,1',
    pad_value: Annotated[int, typer.Option(help='Grey of the letterbox border.')] = 114,
    option: Annotated[
        list[str] | None, typer.Option(help='Decoder option, key=value; may be repeated.')
    ] = None,
    score_threshold: Annotated[float, typer.Option(help='Boxes below are dropped.')] = 0.3,
    licence: Annotated[str, typer.Option(help='Licence of the weights.')] = 'unknown',
    source: Annotated[str, typer.Option(help='Where the weights come from.')] = 'unknown',
    out: Annotated[Path | None, typer.Option(help='Folder to write; default: the cache.')] = None,
    force: Annotated[bool, typer.Option('--force', help='Replace what is there.')] = False,
) -> None:
    """Make a bundle of an ONNX file of your own and record its golden frame."""
    request = ImportRequest(
        model=model,
        name=name,
        decoder=decoder,
        options=tuple(option or ()),
        classes=classes,
        size_wh=parse_size(size),
        color_order=color,
        resize=resize,
        scale=scale,
        mean=parse_three('--mean', mean),
        std=parse_three('--std', std),
        pad_value=pad_value,
        score_threshold=score_threshold,
        licence=licence,
        source=source,
    )
    result = import_onnx(request, out or catalogue.fetched_folder(name), picture, replace=force)
    console.print(f'Bundle: {result.bundle.path}', highlight=False)
    if result.drawn is None:
        console.print('No golden frame: run again with --golden PICTURE to protect the bundle')
        return
    names = result.bundle.spec.result_classes
    output().print(model_tables.golden_table(result.expected, names))
    console.print(
        f'Look at {result.drawn}: only if it is right, colours, scale and classes are',
        highlight=False,
    )


@app.command()
def build(
    model: Model,
    device: Device = 'tensorrt',
    precision: Annotated[str, typer.Option(help='fp32 or fp16.')] = 'fp16',
) -> None:
    """Build the TensorRT engine of a model, which takes minutes, so that nodes start at once."""
    from perception_nodes.inference.backends.onnx.engine import build_engine

    bundle = resolve_model(model)
    with console.status(f'Building the TensorRT engine of {bundle.name} …'):
        folder = build_engine(bundle, device=device, precision=precision)
    console.print(f'Engine: {folder}', highlight=False)


def output() -> Console:
    """Return the console of results; made on demand, because stdout may be redirected."""
    return Console()


@dataclass(frozen=True, kw_only=True)
class _Verified:
    """What was found out about one model."""

    model: str
    passed: bool
    checks: str
    reason: str = ''


def _fetch_torchvision(uri: str) -> None:
    """Bring the weights of a torchvision model into the torch hub cache."""
    from perception_nodes.inference.torchvision_models import resolve_torchvision

    with _download_bar(uri) as progress:
        bundle = resolve_torchvision(uri, progress)
    console.print(f'{uri} is ready: {bundle.weights_path}', highlight=False)


def _verify(model: str, device: str, precision: str) -> _Verified:
    try:
        bundle = resolve_model(model)
        if bundle.spec.task not in MODELS:
            return _Verified(model=model, passed=True, checks='hash')
        opened = open_model(bundle, device=device, precision=precision)
        opened.warm_up()
        opened.verify()
    except (ValueError, OSError) as error:
        return _Verified(model=model, passed=False, checks='failed', reason=str(error))
    proof = 'golden frame' if bundle.spec.golden else 'no golden frame'
    checks = f'hash, network, outputs, {proof} ({opened.description})'
    return _Verified(model=model, passed=True, checks=checks)


def _accept(bundle: ModelBundle, acceptance: catalogue.Acceptance) -> ModelBundle:
    """Return the bundle with a golden frame, once it has found the objects everybody knows."""
    detector = open_model(bundle, device='cpu')
    missing = acceptance.missing(detector, bundle.classes)
    if missing:
        listed = '\n'.join(f'  {line}' for line in missing)
        raise BundleError(
            f'{bundle.name}: the catalogue describes the model wrongly, it does not find:\n'
            f'{listed}\nPlease report this'
        )
    expected = golden.record_golden(detector, bundle.classes, acceptance.frame)
    catalogue.with_golden(bundle, acceptance.frame, expected)
    return read_bundle(bundle.path)


@contextmanager
def _download_bar(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show bytes, speed and the time that is left."""
    columns = (
        TextColumn('{task.description}'),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(f'Fetching {name}', total=None, visible=False)

        def show(done_bytes: int, total_bytes: int | None) -> None:
            progress.update(task, completed=done_bytes, total=total_bytes, visible=True)

        yield show
