"""Routing on a cluster with Ray Data: many machines, the same rows.

`plan` cuts what is given into the parts of the single-process command; `worker` is what Ray's
actors do with a part: read it (`reading`), route it, write it into the folder of `results`.
`ray_cluster` is the connection, and `route` puts them together. Ray is imported only where
something runs on it.
"""
