"""Changes of layout imply collectives, collectives are demands. No other code invents traffic."""
