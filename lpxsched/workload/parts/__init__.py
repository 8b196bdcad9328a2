"""Parts of a model as operators on the chips of a group, each with its work."""
