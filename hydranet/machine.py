"""What a figure was measured on: processor or GPU, the versions that matter; and whether something
fits into this machine's memory. Light."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from hydranet.errors import InputError

_PACKAGES = ("torch", "onnxruntime", "numpy", "pillow", "streamlit")


def hardware(device: str = "cpu") -> str:
    """E.g. "AMD EPYC, 2 cores" or "NVIDIA H100 80GB HBM3"."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    return f"{_processor()}, {os.cpu_count()} cores"


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that figures depend on, where installed."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def free_memory() -> int | None:
    """Bytes that a process can still take: what the system has left, or its container if that is
    less; None where neither says."""
    left = [_number_after(Path("/proc/meminfo"), "MemAvailable:", unit=1024)]
    group = Path("/sys/fs/cgroup")
    limit, used = (_number_after(group / f"memory.{name}") for name in ("max", "current"))
    if limit is not None and used is not None:
        left.append(limit - used)
    return min((value for value in left if value is not None), default=None)


def _number_after(path: Path, name: str = "", *, unit: int = 1) -> int | None:
    """The whole number behind `name` in a file of the system, if it says one."""
    try:
        for line in path.read_text().splitlines():
            if line.startswith(name):
                return int(line.removeprefix(name).split()[0]) * unit
    except (OSError, ValueError, IndexError):
        pass
    return None


def check_memory(needed: int, what: str, remedy: str) -> None:
    """Raise InputError, with `remedy` as its last sentence, unless `needed` bytes are free."""
    free = free_memory()
    if free is not None and needed > free:
        raise InputError(
            f"{what} need {needed / 1e9:,.1f} GB of memory, but {max(free, 0) / 1e9:,.1f} GB are "
            f"free. {remedy}"
        )
