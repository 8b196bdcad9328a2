"""What commands tell a person when they are done."""
