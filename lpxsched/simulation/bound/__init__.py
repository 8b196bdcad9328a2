"""What is proved of a build for all clocks within a specification, without a sample: slack, buffers, latency, limits.

`worst` picks the slots among which the tightest is, `slack` proves what they have, `stalls` what deskews need,
`waiting` how many vectors a link holds, `latency` how long a step takes, `tolerance` how bad clocks may be.
"""
