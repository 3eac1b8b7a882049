"""What every part leans on: errors that help, and one torch thread."""
