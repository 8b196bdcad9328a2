"""Where and when layers run: which chips, which windows, which deskews, and what lies outside of the fabric."""
