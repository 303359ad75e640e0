"""Recall of each class, from a route log: how many of its images got the right answer. Light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydranet.errors import InputError
from hydranet.evaluation.route_log import RouteLog


def recall_by_class(log: RouteLog, num_classes: int) -> NDArray[np.float64]:
    """In percent, (C,); NaN for a class of which the log has no image.

    Raises:
        InputError: the log has a label that is none of the classes.
    """
    if len(log) and not 0 <= log.label.min() <= log.label.max() < num_classes:
        raise InputError(f"The route log has labels beyond the {num_classes} classes of the card.")
    images = np.bincount(log.label, minlength=num_classes)
    right = np.bincount(log.label[log.prediction == log.label], minlength=num_classes)
    return np.where(images > 0, 100 * right / np.maximum(images, 1), np.nan)
