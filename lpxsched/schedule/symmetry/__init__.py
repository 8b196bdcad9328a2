"""Groups that leave a problem as it is, its representatives, and the way back to all."""
