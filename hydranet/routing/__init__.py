"""Which branches run for an image, and what would be if others did.

`policies` say how branches are chosen and how they count; `routes` has routes as tensors, `arrays`
chooses them in arrays. `answer` is what a network answered on one image; `switchboard`, and
`token_switchboard` where tokens have routes of their own, give its answer on any other route, of
branch features that `examination` had computed once; `choices` sets the gate's choice among those.
All but `routes` and `examination` are light: no torch.
"""
