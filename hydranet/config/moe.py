"""A vision transformer whose last block is a mixture of experts, as a configuration. Light.

Sources: experts in the last blocks of a vision transformer, each token sent to the k best of a
router's softmax, whose values are the weights, are those of V-MoE (Riquelme et al., NeurIPS 2021);
one expert a token, and the loss that spreads the load, those of Switch Transformers (Fedus, Zoph,
Shazeer, JMLR 2022). Chosen here: small patches for small images; no class token, the mean over
tokens is classified; the experts' residual path starts behind their layer norm and nothing but the
mean and the output layer follows, so that what each expert adds to a logit is exact; no token is
dropped for want of capacity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hydranet.config.base import DynamicConfig, check_whole
from hydranet.errors import InputError
from hydranet.routing.policies import EXPERTS, Policy

if TYPE_CHECKING:
    from hydranet.costs import Costs
    from hydranet.models.network import Network


@dataclass(frozen=True, kw_only=True)
class MoeViTConfig(DynamicConfig):
    """`depth` transformer blocks, `dim` wide, on patches of `patch`×`patch` pixels; `num_branches`
    experts stand for the last block's MLP, of which each token runs `k`.

    `heads`: of attention; `mlp`: how many times wider the hidden layer of an MLP or expert is.
    """

    family: ClassVar[str] = "moe-vit"
    policy: ClassVar[Policy] = EXPERTS

    patch: int = 4
    dim: int = 96
    depth: int = 6
    heads: int = 3
    mlp: int = 2
    num_branches: int = 8
    k: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, high in (("patch", 256), ("dim", 4096), ("depth", 64), ("heads", 64)):
            check_whole(name, getattr(self, name), 1, high)
        check_whole("mlp", self.mlp, 1, 16)
        if self.dim % self.heads:
            raise InputError(
                f"Each head takes an equal part of dim, but {self.dim} is no multiple of "
                f"{self.heads}."
            )
        if self.image_size % self.patch:
            raise InputError(
                f"Images must be cut into whole patches, but {self.image_size} pixels are no "
                f"multiple of {self.patch}. Choose another image size."
            )

    @property
    def title(self) -> str:
        """MoE-ViT, with its depth and width."""
        return f"MoE-ViT-{self.depth}/{self.patch}"

    @property
    def tokens(self) -> int:
        """How many patches an image has."""
        return (self.image_size // self.patch) ** 2

    def values(self) -> int:
        """Of norms, attention and MLPs of every block, and of every expert on every token."""
        block = self.tokens * (8 + self.mlp) * self.dim + 2 * self.heads * self.tokens**2
        return self.depth * block + self.num_branches * self.tokens * (self.mlp + 1) * self.dim

    def costs(self) -> Costs:
        """Counted from the layers."""
        from hydranet.costs.moe import moe_costs

        return moe_costs(self)

    def build(self) -> Network:
        """A vision transformer with experts."""
        from hydranet.models.moe_vit import MoeViT

        return MoeViT(self)
