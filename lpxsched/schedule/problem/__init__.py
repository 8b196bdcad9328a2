"""The scheduling problem over local numbers: network, instance, and where they come from."""
