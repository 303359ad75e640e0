"""Routing on a cluster with Ray Data: many machines, the same rows.

`plan` cuts what is given into the parts of the single-process command; `reading` is the data source
that Ray reads them by, `worker` what its actors do with a batch, `results` the folder of routes,
`ray_cluster` the connection, and `route` puts them together. Ray is imported only where something
runs on it.
"""
