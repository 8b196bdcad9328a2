"""Sessions: requests of agents that wait for each other, on the steps of builds.

`trace` reads a table of requests, `steps` what a step takes from builds, `run` lets requests wait for each other, for
tools, prefill and a place in a micro-batch, `outcome` says where the time went, `drawn` how tails add up.
"""
