"""The command ``csim``: the flow as far as the C-simulation, with every comparison."""

from __future__ import annotations

from typing import Any

import click

from quantunet_hls.cli.generate import run_flow
from quantunet_hls.cli.options import flow_options
from quantunet_hls.cli.screen import screen

__all__ = ["csim"]


@click.command()
@flow_options(whole=False)
@click.option("--layers", is_flag=True, help="One row for each layer and pair of executors.")
def csim(layers: bool, **options: Any) -> None:
    """C-simulate MODEL with g++ and compare it, layer by layer, with the trained network.

    Without --board and --part, the project is made for the ZCU104.
    """
    console = screen()
    if options["board"] is None and options["part"] is None:
        # What a C-simulation computes does not depend on the part.
        options["board"] = "zcu104"
    made = run_flow(console, options | {"toolchain": "none", "last": "csim"})
    from quantunet_hls.reports import render

    console.print(render.checks(made.checks) if layers else render.pairs(made.checks))
