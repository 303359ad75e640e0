"""`hydranet models`: the registry with exact costs."""

from __future__ import annotations

from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from hydranet.checkpoints import list_checkpoints
from hydranet.cli.shared import JsonOption, RootOption, checkpoints_root, print_json
from hydranet.costs import count_costs
from hydranet.registry import list_models, model_config


def models_command(json: JsonOption = False, checkpoints: RootOption = None) -> None:
    """List the networks: family, parameters, MACs for one image, and whether one is trained."""
    good, _ = list_checkpoints(checkpoints_root(checkpoints))
    trained = {checkpoint.name for checkpoint in good}
    rows: list[dict[str, Any]] = []
    for name in list_models():
        config = model_config(name)
        costs = count_costs(config)
        rows.append(
            {
                "name": name,
                "family": config.family,
                "parameters": costs.parameters,
                "macs": costs.macs_json(),
                "checkpoint": name in trained,
            }
        )
    if json:
        print_json({"models": rows})
        return
    table = Table(box=SIMPLE, caption="In millions; MACs for one image.", pad_edge=False)
    for column in ("name", "family"):
        table.add_column(column, no_wrap=True)
    for column in ("parameters", "MACs", "all branches"):
        table.add_column(column, justify="right")
    table.add_column("trained")
    for row in rows:
        millions = (row["parameters"], row["macs"]["routed"], row["macs"]["all_branches"])
        table.add_row(
            str(row["name"]),
            str(row["family"]),
            *(f"{number / 1e6:.2f}" for number in millions),
            "yes" if row["checkpoint"] else "",
        )
    Console().print(table)
