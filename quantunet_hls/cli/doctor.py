"""The command ``doctor``: which tools are here, and what each of them unlocks."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

import click
from rich.table import Table
from rich.text import Text

from quantunet_hls.cli.screen import screen
from quantunet_hls.flow.doctor import Finding, examine

__all__ = ["doctor"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def doctor(as_json: bool) -> None:
    """Show which tools and packages are here, their versions, and what each unlocks."""
    findings = examine()
    if as_json:
        click.echo(json.dumps([{**asdict(finding), "found": finding.found} for finding in findings], indent=2))
    else:
        screen().print(_table(findings))


def _table(findings: Iterable[Finding]) -> Table:
    table = Table(title="Tools and packages")
    table.add_column("Tool", no_wrap=True)
    table.add_column("Version", overflow="fold")
    table.add_column("Unlocks", overflow="fold")
    table.add_column("Remark", overflow="fold")
    for finding in findings:
        style = "yellow" if finding.warning else "green" if finding.found else "dim"
        # Where a sound tool lies is seldom the question, and takes many lines; --json has it.
        remark = finding.warning or ("here" if finding.found else f"not here; {finding.remedy}")
        version = finding.version or ("?" if finding.found else "-")
        table.add_row(Text(finding.name, style), version, finding.unlocks, Text(remark))
    return table
