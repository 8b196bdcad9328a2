"""How much is tried, and from where on it is not: all thresholds of the search for schedules and bounds.

None of them changes what is valid; those of bounds change how much is proven, never whether it holds. Each trades time
for cycles. What was measured stands beside it. `python -m benchmarks.collectives --only thresholds` solves small
problems at half and at twice each: a threshold that has no figure changes none of their makespans, periods and bounds,
and keeps time and memory of larger ones.
"""

from __future__ import annotations

# Bounds
# Readers, sets of holders of one reader and single holders for which routes are looked at; cuts.
READERS, SETS, SINGLES, CUTS = 8, 8, 3, 16
# Distances on each side of a cut that are tried.
MOST_LEVELS = 4
# Sets by digits that are tried of one stride and size, and balls round one chip.
MOST_DIGITS = 64
# Pairs of a holder and a bundle that are coloured, and colours of them with which a program is solved.
MOST_FLOWS, MOST_COLUMNS = 1 << 19, 10_000
# How often lengths of links are looked for within the last bound found; a program that gains less is not worth it.
FLOW_ROUNDS, FLOW_WORTH = 4, 1e-6
# Classes of links up to which all sets of classes are looked at, and cycles of a ramp.
MOST_LOADED_CLASSES, LONGEST_RAMP = 3, 512
# Entries of a table of costs from every node to every node, times bundles, up to which all shards are looked at (well
# under a second); of larger ones these few.
SMALL_TABLE, FEW_SHARDS = 1 << 24, 8
# Nodes of a layer times bundles up to which its stages are bounded on their own.
MOST_STAGED = 1 << 16

# Effort
# Candidates at effort 1, those in a row that may be in vain, slots placed for them; each further step doubles all. With
# half the candidates or the patience two small problems end up to 1.1 and 1.4 % later, with twice none sooner.
ROUNDS, PATIENCE, SLOTS = 64, 24, 1_000_000
# Part of that patience for sums at one node: where they win they do so at once (stars, lines, trees); and for what
# repeats before CP-SAT packs its trees: a reduce of 4 on a TSP node takes 0.05 s so, 0.09 s with all patience before.
PATIENCE_PARTS = 4
# About how often a search places each slot of a candidate: without symmetry a larger problem gets one candidate.
SLOTS_PER_CANDIDATE = 8
# Far from its bound a collective takes its part of stronger ones that must end later too, as long as one candidate
# takes at most one slot in so many: 184 cycles for 202 of a reduce-scatter on four chips whose all-reduce takes 310; on
# a rack of 256 chips that took three times as long and won nothing.
SLOTS_PER_PART = 8
# Groups that are tried: the largest, then those of small index.
MOST_GROUPS = 3
# A gap of one part in so many at effort 1, half of it at each further step, ends the search over groups of collectives;
# CP-SAT is then asked for times alone, and the smaller such a gap the fewer candidates may be in vain. With twice the
# gap three small problems end up to 1.4 % later, with half of it none sooner.
GOOD_ENOUGH = 50
# Of a smaller gap of a layer than one part in so many only a part is worth searching for; of a larger one each stage is
# searched on its own.
WORTH_ALL, WORTH_STAGES = 500, 200
# Plans of a stage that are tried in a layer besides that of the list schedule, the shortest first; vectors times chips
# of a stage that is still searched on its own.
MOST_OF_STAGE, MOST_DELIVERED = 3, 60_000
# Plans longer than the best by more than one part in so many are not justified: it won up to a 28th on shipped layers.
NEAR_BEFORE_TIMES = 16

# CP-SAT: deterministic seconds at effort 2, for layers; for times, ways and repeating trees of collectives.
CPSAT_SECONDS = 0.1
TIMES_SECONDS, WAYS_SECONDS, PACKING_SECONDS = 0.1, 0.15, 0.25
# Tasks of a layer whose times are chosen anew all at once; from this effort on more are, neighbourhood after
# neighbourhood.
MOST_RETIMED, PARTS_EFFORT = 400, 4
# Tasks of a collective up to which `auto` models their times.
MOST_MODELLED = 2_000
# Pairs of a block and a bundle that are modelled, with symmetry and without.
EXTENTS = {"auto": (200_000, 10_000), "symmetric": (200_000, 0), "cpsat": (0, 1_000_000)}
# Up to a gap of one part in so many at effort 1, half of it at each further step, `auto` opens only ways of few pairs,
# for these seconds at effort 2 and the less the smaller the gap. An all-gather of 4 on a 4 x 4 torus gets from 2,624
# cycles to 2,600 in a quarter of them as well, and eight chips that all meet (Figure 16) win nothing in four times.
NEAR_ENOUGH, NEAR_EXTENT, NEAR_SECONDS = 25, (2_000, 0), 0.04
# Seconds for ways of a layer, as a share of those for times; for finding ways from the bound on, of those for ways.
WAYS_SHARE, SHARE_FROM_BELOW = 0.5, 0.5
# Tasks, or crossings of blocks and bundles, of one model: of more, some are kept where they are.
MOST_FREE, MOST_CROSSINGS, NEIGHBOURHOOD_CROSSINGS = 400, 6_000, 600
# Shares of the seconds for ways of a collective that models of all blocks get: shortest ways without waits, all ways.
PROMPT_SHARE, ANY_SHARE = 0.5, 0.2
# What each run costs besides, by variables: a model must be made, and runs that settle at once must come to an end.
LEAST_SECONDS, SECONDS_PER_VARIABLE = 0.002, 2e-6
# Deterministic seconds for a neighbourhood of times, and of ways.
TIMES_NEIGHBOURHOOD_SECONDS, WAYS_NEIGHBOURHOOD_SECONDS = 0.5, 0.05
# Literals of a model that packs trees, larger ones are not tried; hops of a tree beyond its shortest: with one alone a
# period is twice as long.
MOST_LITERALS, MORE_HOPS = 8_000, 2

# Blocks
# Cuts of a layer's demands with more blocks are not tried.
MOST_BLOCKS = 40_000
# Blocks of equal length in a row, before they grow: twice as many, 0.02 % later.
BLOCK_RUNS = (3, 5, 6, 8, 10, 12, 16, 24)
# Lengths of blocks that are tried from the longest on and from the shortest on, and those to go on with: with one alone
# three small problems end up to 1.2 % later.
LENGTHS_AT_EACH_END, BEST_LENGTHS = 6, 2
# Vectors of a piece from which on halves of halves are worth trying: from 4 on, one problem is 0.6 % longer, one less.
LONG_PIECE = 8
# Slots of one candidate: finer blocks than this are not worth their time. Half of it, 1.2 % later; twice, 0.6 %.
MOST_SLOTS = 1 << 17
# Vectors of a block at which it is as well to be of any length.
MOST_PACED = 64
# Blocks of an exchange: more make its plan long without making it shorter.
MOST_EXCHANGED = 16

# Routes
# How often every route or tree of even load is chosen anew.
SWEEPS = 6
# Hops whose loads are told apart, later ones count with the last: an all-to-all of one vector over 256 chips takes
# 831 cycles, else 885. Hops for which routes get room at once.
MOST_HOPS, ROOM_HOPS = 8, 8
# Classes of links whose orders are told apart (one: up to 1.2 % later), mixtures of orders (twelve: 0.9 % later), and
# prices of forks.
MOST_ORDERED_CLASSES, MOST_MIXTURES, FORK_PRICES = 2, 6, (0.2, 1.0)
# Streams of summands that may go on before they are added, besides all; streams of one depth that are added: on a line
# of 16 chips these take 35 cycles for 4 vectors (else 41) and 69 for 16 (else 77).
STREAMS, ALIKE = (1, 2, 3, 4, 6, 8, 16), (2, 3, 4)
# Blocks times nodes beyond which other searches are as good as ways of earliest arrival, and much faster.
MOST_WORK = 20_000_000
# Phases of an exchange, sequences that are tried, classes of bundles.
MOST_PHASES, MOST_SEQUENCES, MOST_EXCHANGED_CLASSES = 6, 6, 8
# To offer a block to so many bundles takes as long as to place a slot once.
OFFERS_PER_SLOT = 6

# Packed trees
# Units of a piece, and of all pieces: trees with a smaller share are not told apart. With half, 0.04 % later.
MOST_UNITS, MOST_UNITS_IN_ALL = 64, 512
# Looks at nodes and bundles beyond which no trees are grown: about half a second.
MOST_LOOKS = 200_000_000
# Prices of lateness, where a link as loaded as the fullest must be costs 1; later trees are shorter and more alike. At
# the last nothing counts but lateness.
LATE_PRICES, ALL_LATE = (0.3, 2.0), 1e9
# Part of the fullest link's load that links are to keep to; twice, so that they need not, up to 1.7 % later.
NEARLY = 0.8
# Moves of vectors between trees.
DEALING_MOVES = 512
# Nodes up to which trees are packed exactly (144: 3 s), and up to which by all seeds and turns of each (64: 0.3 s).
MOST_EXACT_NODES, MANY_EXACT_NODES, EXACT_SEEDS, EXACT_TURNS = 160, 64, 3, (4, 2)
# Part of what is to cross a bundle already that counts in its price. The best of three seeds by 0, 0.5 and 1 takes
# 718, 650 and 657 us on a dragonfly of 144 chips with links of three speeds, 498, 488 and 498 us on one of 64.
PART_BEFORE = 0.5
# Lengths of blocks for which CP-SAT packs trees of timetables that repeat.
PACKED_LENGTHS = 3

# Times
# Justifications in a row: most schedules stay as they are after two.
PASSES = 6
# Tasks beyond which times are taken as the search for ways leaves them.
MOST_JUSTIFIED = 150_000
# A first guess of times that is longer than the best by one part in so many is not worth to be justified; nor is a
# stronger collective that is so much longer worth to be solved in full for what another keeps of it.
HOPELESS, MAY_END_BEFORE = 4, 4
# Periods that are tried one cycle after the other before room is given for a whole task, and what lies between halved;
# two that differ by less than one part in so many are as good as each other.
TIGHT_TRIES, FINE_PERIOD = 3, 256
# Cells of the tables of lanes and cycles: beyond it a plan is not made to repeat.
MOST_CELLS = 400_000_000
# Looks at cycles, and those for each task, after which a turn is not packed further; cells of its table. Of 291 plans
# of collectives on random fabrics of six chips with ports, on which first fit fails, 243 are packed into their load in
# 1.2 s; 234 with 100,000 looks in 0.4 s, 258 with 5,000,000 in 11.7 s.
PACKING_LOOKS, LOOKS_PER_TASK, MOST_PACKED_CELLS = 400_000, 64, 50_000_000
# Justifications in a row of what repeats: an iteration of eight experts on 16 chips at batch 64, units busy for 20 of
# 21 cycles, takes 10,115 cycles without, 9,531 after 8, 8,947 after 16 and 8,794 after 32 or 64, as long as alone.
TURN_PASSES = 32
# Plans of a layer in flight, the shortest first, that are made to repeat: of a layer of 32 experts on ten chips the
# first meets the bound of the period, and the third has the shortest makespan of those that do.
MOST_REPEATED = 8
# Distinct layers whose plans are kept while periods are tried.
KEPT_PLANS = 64

# Memory
# Roots from which ways are found at once, so that their costs stay in the cache.
ROWS_AT_ONCE = 64
# Keys for each row up to which rows are put in their places rather than sorted.
SPARSEST = 4
# Rows that a schedule is made of at once, so that memory of one part serves the next.
ROWS_LIFTED_AT_ONCE = 1 << 16
# Of the search forward in time: chunks of queues at first; rows of a batch, which is to stay in the cache and to be
# long enough for many reads at once; blocks set aside by one resource in a cycle; resources read ahead.
FIRST_CHUNKS, BATCH, MOST_ASIDE, AHEAD = 1024, 256, 64, 32
