"""Checkpoints: what is stored of a trained network, and everything that is known of it.

`folders` finds, lists and checks them, `loading` makes a network of one, `writing` puts one in
place; `card` is its card; `weights` reads the weights' file as arrays once `weight_shapes` fit,
`foreign` takes one from a stranger; `int8_note` is what a card says of int8. Light until a network
is loaded.
"""

from hydranet.checkpoints.folders import (
    CARD,
    CHECKPOINTS,
    FILES,
    KEPT_OUT,
    ROUTES,
    WEIGHTS,
    Checkpoint,
    DamagedCheckpoint,
    check_files,
    find_checkpoint,
    is_free,
    list_checkpoints,
    list_kept_out,
    standing_folder,
)
from hydranet.checkpoints.loading import load, load_model
from hydranet.checkpoints.writing import (
    add_int8,
    encode_weights,
    replaced_folder,
    write_checkpoint,
)

__all__ = [
    "CARD",
    "CHECKPOINTS",
    "FILES",
    "KEPT_OUT",
    "ROUTES",
    "WEIGHTS",
    "Checkpoint",
    "DamagedCheckpoint",
    "add_int8",
    "check_files",
    "encode_weights",
    "find_checkpoint",
    "is_free",
    "list_checkpoints",
    "list_kept_out",
    "load",
    "load_model",
    "replaced_folder",
    "standing_folder",
    "write_checkpoint",
]
