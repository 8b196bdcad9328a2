"""Still pictures of builds, by matplotlib."""
