"""What the benchmark of training says beside its times can be counted by hand."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from torch.autograd import DeviceType

from hydranet.config import ResNetConfig
from hydranet.registry import model_config

ROOT = Path(__file__).parents[3]


@pytest.fixture
def training_loop(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    pytest.importorskip("torchvision")
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("training_loop")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("triton_poi_fused__native_batch_norm_legit_functional_convolution_backward_7",
         "Triton's, normalisation and ReLU"),
        ("void at::native::batch_norm_collect_statistics_channels_last_kernel<>",
         "Triton's, normalisation and ReLU"),
        ("void cutlass__5x_cudnn::Kernel<cutlass_tensorop_bf16_s16816wgrad_optimized_bf16>",
         "convolutions, gradients of weights"),
        ("sm80_xmma_dgrad_implicit_gemm_indexed_bf16bf16", "convolutions, gradients of maps"),
        ("sm80_xmma_fprop_implicit_gemm_bf16bf16", "convolutions, forward"),
        ("void convolve_common_engine_float_NHWC<__nv_bfloat16>", "convolutions, forward"),
        ("nvjet_tst_128x64_gemm", "matrix products"),
        ("Memset (Device)", "copies"),
        ("void nhwcSliceCKernel<__nv_bfloat16>", "copies"),
        ("void at::native::(anonymous namespace)::multi_tensor_apply_kernel<>", "the rest"),
    ],
)  # fmt: skip
def test_kinds_of_kernels(name: str, kind: str, training_loop: ModuleType) -> None:
    assert training_loop.kind_of(name) == kind


def test_only_kernels_count(training_loop: ModuleType) -> None:
    """Two whose names begin alike are both counted; the host's call and a named region are not."""
    begin = "sm80_xmma_fprop" + "_" * 90

    def event(key: str, where: DeviceType, microseconds: float, named: bool = False) -> object:
        return SimpleNamespace(
            key=key, device_type=where, self_device_time_total=microseconds,
            device_time_total=10 * microseconds, is_user_annotation=named,
        )  # fmt: skip

    found = training_loop.by_kind(
        [
            event(begin + "1", DeviceType.CUDA, 30_000.0),
            event(begin + "2", DeviceType.CUDA, 30_000.0),
            event("triton_poi_fused_relu_0", DeviceType.CUDA, 20_000.0),
            event("Optimizer.step", DeviceType.CUDA, 80_000.0, named=True),
            event("cudaGraphLaunch", DeviceType.CPU, 80_000.0),
        ]
    )
    assert found["milliseconds_a_step"] == 4.0
    shares = {kind: share for kind, share in found["shares"].items() if share}
    assert shares == {"convolutions, forward": 0.75, "Triton's, normalisation and ReLU": 0.25}


def test_bytes_of_a_step(training_loop: ModuleType) -> None:
    """ResNet-8: 3, 2 and 2 convolutions at three sizes, two bytes a value."""
    values = 3 * 16 * 32 * 32 + 2 * 32 * 16 * 16 + 2 * 64 * 8 * 8
    found = training_loop.moved(ResNetConfig(num_classes=10, image_size=32, n=1))
    assert found == {"least": 5 * 2 * values, "apart": 14 * 2 * values}


def test_bytes_beside_what_was_measured(training_loop: ModuleType) -> None:
    measured = json.loads((ROOT / "docs" / "performance" / "training_gpu.json").read_text())
    run = next(run for run in measured["runs"] if run["network"] == "resnet56")
    assert run["bytes"] == training_loop.moved(model_config("resnet56"))
