"""Packages that only some features need: what is said where one is not installed. Light."""

from __future__ import annotations

from hydranet.errors import InputError

OPTIONAL = {
    "authlib": "Authlib",
    "braceexpand": "WebDataset",
    "captum": "Captum",
    "duckdb": "DuckDB",
    "httpx2": "HTTPX",
    "huggingface_hub": "the client of the Hugging Face Hub",
    "onnx": "ONNX",
    "onnxruntime": "ONNX Runtime",
    "prometheus_client": "the Prometheus client",
    "ray": "Ray",
    "scipy": "SciPy",
    "sklearn": "scikit-learn",
    "tensorboard": "TensorBoard",
    "timm": "timm",
    "torch": "PyTorch",
    "torchvision": "torchvision",
    "webdataset": "WebDataset",
}
"""Name to import → name to read."""

_TO_INSTALL = {
    "braceexpand": "webdataset",
    "huggingface_hub": "huggingface-hub",
    "prometheus_client": "prometheus-client",
    "ray": "ray[data]",
    "sklearn": "scikit-learn",
}


def in_words(error: ModuleNotFoundError) -> InputError | None:
    """The same as a sentence, where a package is missing that only some features need; None for
    any other module, which is a fault of ours."""
    package = (error.name or "").partition(".")[0]
    if package not in OPTIONAL:
        return None
    return InputError(
        f"This needs {OPTIONAL[package]}, which is not installed here. Install it with: "
        f"pip install {_TO_INSTALL.get(package, package)}"
    )
