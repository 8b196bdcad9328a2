"""Files that people write: where shipped ones lie, strict YAML and JSON, values with their sources."""
