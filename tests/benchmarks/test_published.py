"""Tests that the published figures were copied right: they obey the formulas that are stated with them."""

from __future__ import annotations

from benchmarks.collectives.published import published


def test_spreading_follows_its_closed_form() -> None:
    """Tests S = (n + 1)(K + M) / ((1 + 2n) K + M) with K = 7500 bytes, within 1.8 %."""
    for row in published("isca22_fig10_nonminimal"):
        size, ways, speedup = int(row["bytes"]), int(row["n"]), float(row["speedup"])
        form = (ways + 1) * (7500 + size) / ((1 + 2 * ways) * 7500 + size)
        assert abs(speedup / form - 1) < 0.018, row


def test_all_reduce_follows_its_two_phases() -> None:
    """Tests (2 x 7/8) S / max(s + 2h, 2s + h) with s = (S / 8) / 11.14 GB/s and h = 722 ns, within 1.7 %."""
    for row in published("isca22_fig16_allreduce"):
        size = float(row["mib"]) * 2**20
        share_ns, hop_ns = size / 8 / 11.14, 722
        bandwidth = 2 * 7 / 8 * size / max(share_ns + 2 * hop_ns, 2 * share_ns + hop_ns)
        assert abs(float(row["groq"]) / bandwidth - 1) < 0.017, row


def test_tacos_never_beats_the_bound() -> None:
    """Tests steps against bounds, and that a step is latency plus serialisation of a chunk."""
    for row in published("tacos_allgather"):
        assert float(row["tacos_best_steps"]) >= float(row["lower_bound_steps"])
        assert abs(float(row["tacos_best_steps"]) * float(row["step_us"]) - float(row["tacos_best_us"])) < 0.01


def test_poseidon_never_beats_the_optimum() -> None:
    """Tests the order bound, optimum, best."""
    for row in published("poseidon_table4_alltoall"):
        known = [int(row[key]) for key in ("lower_bound", "optimum", "best") if row[key]]
        assert known == sorted(known)
