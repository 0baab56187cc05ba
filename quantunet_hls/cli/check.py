"""The command ``check``: whether a network can be built, and every reason why not."""

from __future__ import annotations

import sys

import click

from quantunet_hls.cli.screen import screen

__all__ = ["check"]

#: Exit code where it can't be built.
_REFUSED = 2


@click.command()
@click.argument("model")
@click.option("--size", nargs=3, type=int, default=None, metavar="C H W",
              help="Channels, height, width of an image, for a checkpoint.  [default: what it was trained on]")
@click.option("--result", metavar="NAME", default=None, help="Which of the network's several outputs counts.")
def check(model: str, size: tuple[int, int, int] | None, result: str | None) -> None:
    """Say whether MODEL can be built, or every rule that it breaks, node by node, each with its remedy.

    MODEL is a zoo name, a .pt checkpoint or an .onnx file, quantized or not. Exit code 2 where it can't be built as it
    is.
    """
    console = screen()
    with console.status("Loading"):
        # torch and hls4ml take seconds to import, and --help needs neither.
        from quantunet_hls.ingest.source import open_network
        from quantunet_hls.quantize.obstacles import obstacles

        source = open_network(model, size, result)
        found = obstacles(source)
    for error in found:
        console.print(str(error), soft_wrap=True, highlight=False, markup=False)
    if found:
        sys.exit(_REFUSED)
    console.print(f"{source.name} can be built.", soft_wrap=True, highlight=False, markup=False)
