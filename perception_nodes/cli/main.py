"""
The root of the ``perception`` command.

Only the module of the command that is called gets imported, so that ``perception --help`` answers
at once and a robot without the training packages can still run everything else.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.logging import RichHandler

from perception_nodes.cli.progress import console

# The shell's completion scripts pass the line typed so far in one of these.
_COMPLETION_LINES = ('_TYPER_COMPLETE_ARGS', 'COMP_WORDS')
_COMPLETION_VARIABLE = '_PERCEPTION_COMPLETE'

#: Exit code of a call that cannot work as it stands, as of a wrong option.
USAGE_ERROR = 2


@dataclass(frozen=True, kw_only=True)
class LazyCommand:
    """
    Where a command lives.

    :param module: module below ``perception_nodes.cli``.
    :param attribute: a function, or a ``typer.Typer`` with commands of its own.
    :param help: the line in ``perception --help``.
    :param extra: optional group of packages that it needs.
    """

    module: str
    attribute: str
    help: str
    extra: str = ''

    def load(self) -> typer.Typer | Callable[..., object]:
        """Import the command."""
        module = importlib.import_module(f'perception_nodes.cli.{self.module}')
        return getattr(module, self.attribute)


COMMANDS: dict[str, LazyCommand] = {
    'demo': LazyCommand(
        module='demo.command',
        attribute='demo',
        help='Drive the simulated robot, detect over DDS, leave a report.',
        extra='simulation',
    ),
    'doctor': LazyCommand(
        module='doctor',
        attribute='doctor',
        help='Find out why nothing is detected, one line of cure each.',
    ),
    'models': LazyCommand(
        module='models', attribute='app', help='List, show, verify and fetch models.'
    ),
    'nav2': LazyCommand(
        module='nav2', attribute='app', help='Find what in Nav2 parameters silently fails.'
    ),
    'detect': LazyCommand(
        module='detect', attribute='detect', help='Detect in images, folders and videos.'
    ),
    'enroll': LazyCommand(
        module='fewshot', attribute='enroll', help='Teach a class from a few pictures.'
    ),
    'classify': LazyCommand(
        module='classify', attribute='classify', help='Tell what pictures show, or unknown.'
    ),
    'segment': LazyCommand(
        module='segment', attribute='segment', help='Segment images, folders and videos.'
    ),
    'explain': LazyCommand(
        module='explain',
        attribute='explain_command',
        help='Show which pixels decisions rest on, and how far to believe it.',
    ),
    'path': LazyCommand(
        module='path', attribute='path', help='Find the path in images, folders and videos.'
    ),
    'data': LazyCommand(
        module='data', attribute='app', help='Check labelled sets; take frames out of bags.'
    ),
    'evaluate': LazyCommand(
        module='evaluate',
        attribute='app',
        help='Measure a model on labelled data.',
        extra='evaluation',
    ),
    'parity': LazyCommand(
        module='parity',
        attribute='parity',
        help='Compare the accuracy in the ROS graph with a plain loop.',
        extra='evaluation',
    ),
    'gazebo': LazyCommand(
        module='gazebo',
        attribute='app',
        help='Write courses and robots for Gazebo Sim.',
        extra='simulation',
    ),
    'synthesize': LazyCommand(
        module='synthesize',
        attribute='synthesize',
        help='Make labelled pictures: rendered, or things on photos.',
        extra='simulation',
    ),
    'adapt': LazyCommand(
        module='adapt',
        attribute='adapt_command',
        help='Make a segmenter fit for a new place, without labels.',
        extra='training',
    ),
    'blend': LazyCommand(
        module='blend',
        attribute='blend',
        help='Average a model and one trained on from it.',
        extra='training',
    ),
    'compress': LazyCommand(
        module='compress',
        attribute='compress',
        help='Quantise a model, measure what it costs, take the best form.',
        extra='training',
    ),
    'robustness': LazyCommand(
        module='robustness',
        attribute='robustness',
        help='Measure what corrupted and attacked pictures cost a model.',
        extra='training',
    ),
    'select': LazyCommand(
        module='select',
        attribute='select_command',
        help='Choose the pictures that are most worth labelling.',
    ),
    'pseudo-label': LazyCommand(
        module='pseudo_label',
        attribute='pseudo_label',
        help='Let a model label pictures that nobody has labelled.',
    ),
    'pretrain': LazyCommand(
        module='pretrain',
        attribute='pretrain',
        help='Learn features from frames without labels, for train --trunk.',
        extra='training',
    ),
    'translate': LazyCommand(
        module='translate',
        attribute='translate',
        help='Make the pictures of a labelled set look like real ones.',
        extra='training',
    ),
    'train': LazyCommand(
        module='train', attribute='app', help='Train a model and write a bundle.', extra='training'
    ),
}


def build_app(called: str | None) -> typer.Typer:
    """
    Return the application with one command imported and the others as names.

    :param called: the command to import; None imports none.
    """
    app = typer.Typer(
        name='perception',
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help='Perception for ROS 2 robots: camera frames in, typed detections out.',
    )
    app.callback()(_root)
    for name, command in COMMANDS.items():
        _mount(app, name, command, load=called == name)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    line = _completed_line() if _COMPLETION_VARIABLE in os.environ else words
    position = next((i for i, word in enumerate(line) if not word.startswith('-')), None)
    called = None if position is None else line[position]
    debug = '--debug' in words[:position]
    try:
        build_app(called)(args=words, prog_name='perception')
    except ModuleNotFoundError as error:
        if debug:
            raise
        _fail(_missing_package(error, COMMANDS.get(called or '')))
    except (ValueError, OSError) as error:
        if debug:
            raise
        _fail(str(error) or type(error).__name__)


def version() -> str:
    """Return the version of the installed package."""
    from importlib import metadata

    try:
        return metadata.version('perception_suite')
    except metadata.PackageNotFoundError:
        return 'of the source tree (package not installed)'


def _print_version(wanted: bool) -> None:
    """Answer ``--version``; called while the options are read, so that no command is needed."""
    if wanted:
        typer.echo(f'perception_suite {version()}')
        raise typer.Exit


def _root(
    show_version: Annotated[
        bool,
        typer.Option(
            '--version', help='Print the version and end.', is_eager=True, callback=_print_version
        ),
    ] = False,
    debug: Annotated[bool, typer.Option('--debug', help='Show tracebacks and debug log.')] = False,
    verbose: Annotated[bool, typer.Option('--verbose', '-v', help='Show the log.')] = False,
) -> None:
    """Perception for ROS 2 robots: camera frames in, typed detections out."""
    level = logging.DEBUG if debug else logging.INFO if verbose else logging.WARNING
    handler = RichHandler(console=console, show_path=debug, rich_tracebacks=debug)
    logging.basicConfig(level=logging.WARNING, format='%(message)s', handlers=[handler])
    logging.getLogger('perception_nodes').setLevel(level)


def _mount(app: typer.Typer, name: str, command: LazyCommand, *, load: bool) -> None:
    """Add a command, imported or as a name with a line of help."""
    if not load:
        app.command(name, help=command.help)(_not_imported)
        return
    target = command.load()
    if isinstance(target, typer.Typer):
        app.add_typer(target, name=name, help=command.help, no_args_is_help=True)
    else:
        app.command(name)(target)


def _not_imported() -> None:
    """Stand for a command in the list of help; the called one is always the imported one."""
    raise RuntimeError('a command was called that is not imported; please report this')


def _completed_line() -> list[str]:
    """Return the words after ``perception`` that the shell wants completed."""
    lines = (os.environ.get(name, '') for name in _COMPLETION_LINES)
    return next((line.split()[1:] for line in lines if line), [])


def _missing_package(error: ModuleNotFoundError, command: LazyCommand | None) -> str:
    """Return what is missing and the command that installs it."""
    name = error.name or str(error)
    if name.partition('.')[0] == 'perception_nodes':
        return f'{name} is not part of this installation; install the complete package again'
    group = f'[{command.extra}]' if command and command.extra else ''
    return f"Python package '{name}' is missing; cure: pip install 'perception_suite{group}'"


def _fail(message: str) -> None:
    """Print one red line and end."""
    console.print(f'Error: {message}', style='bold red', markup=False, highlight=False)
    console.print('(perception --debug … shows where)', style='dim')
    raise SystemExit(USAGE_ERROR)


if __name__ == '__main__':
    main()
