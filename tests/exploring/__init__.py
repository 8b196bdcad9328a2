"""Tests of sweeps, sensitivities and what else is learnt from many builds."""
