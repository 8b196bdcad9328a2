"""How a model's ``config.json`` is read: by its keys alone, never by a model's name."""
