"""A whole model on the chips: one segment of all layers, its deskews, its flags, and how often it may begin anew."""
