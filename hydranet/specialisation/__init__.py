"""Do the branches specialise, and where does the gate fail: a whole data set, from its route log.

`open_route_table` reads a log once into a table in memory that holds a few numbers an image; every
figure is then aggregated in DuckDB and only the aggregate comes out. Light: no torch, no network.
"""

from hydranet.specialisation.branches import (
    BranchLoad,
    Findings,
    branch_load,
    findings,
    firing_share,
    together,
)
from hydranet.specialisation.calibration import Reliability, reliability
from hydranet.specialisation.class_map import ClassMap, feature_map, score_map
from hydranet.specialisation.confusion import Confusion, confusion
from hydranet.specialisation.gate import GateByK, PerfectGate, gate_by_k, perfect_gate
from hydranet.specialisation.pairs import Pair, compare_logs
from hydranet.specialisation.slices import (
    Slice,
    SliceFigures,
    most_margin,
    slice_figures,
    slice_page,
    slice_rows,
)
from hydranet.specialisation.superclasses import CIFAR100, superclass_of_names
from hydranet.specialisation.table import RouteTable, open_route_table

__all__ = [
    "BranchLoad", "branch_load", "Findings", "findings", "firing_share", "together",
    "Reliability", "reliability",
    "ClassMap", "feature_map", "score_map",
    "Confusion", "confusion",
    "GateByK", "gate_by_k", "PerfectGate", "perfect_gate",
    "Pair", "compare_logs",
    "Slice", "SliceFigures", "most_margin", "slice_figures", "slice_page", "slice_rows",
    "CIFAR100", "superclass_of_names",
    "RouteTable", "open_route_table",
]  # fmt: skip
