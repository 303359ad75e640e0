"""What networks cost: exact parameters and MACs, from configurations alone. Light: no torch.

`counting` has the convention and the costs of a whole network, by part and by route; `parts` those
of layers and of the parts of each family; families whose branches are no stage of a static network
have files of their own.
"""

from hydranet.costs.counting import Costs, count_costs, hydra_costs
from hydranet.costs.parts import Cost

__all__ = ["Cost", "Costs", "count_costs", "hydra_costs"]
