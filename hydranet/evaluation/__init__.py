"""What is measured of a network on labelled images, and how it is kept.

`labelled` runs a network over a data set, with `verdicts` at every k of each batch; `metrics` and
`route_log` hold what came out, for a checkpoint's card and beside it, `class_features` the mean
features of each class. `dynamic_k` and `recall` make more of a route log. All but the first two are
light: no torch.
"""
