"""An event-driven machine on clocks of its own, in whole femtoseconds: it executes a build and knows no bound.

One process a chip runs its program: departures, reads, deskews. Links take their time and deliver in order into FIFOs
of real depth. Counters (HAC) are exchanged along the tree; a child follows its parent at a bounded rate, and a chip
knows its distance from the counter modulo its period only. What goes wrong is a failure of its own, at its cycle.

`oscillator` tells when a clock ticks, `counters` aligns, `program` is what a chip does, `machine` runs it, `faults`
breaks something, `run` sums up.
"""
